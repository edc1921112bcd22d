#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Make the picture that a client shows, and the screenshots that it should give.

Usage: picture.py FOLDER

Writes FOLDER/client.xpm, in which every pixel differs from its neighbours and
no two places look alike, so that a picture which is moved, turned or torn is
another one; and as screenshots FOLDER/sway.ppm and, larger, FOLDER/cage.ppm.
"""
import os
import sys

SCREENS = {'sway': (640, 480), 'cage': (1280, 720)}
CELL = 40
DIGITS = '.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'


def number(x, y):
    """The colour at this place: one for each cell, in two shades by turns."""
    return (y // CELL * (1280 // CELL) + x // CELL) * 2 + (x + y) % 2


def colour(index):
    cell, shade = divmod(index, 2)
    column, row = cell % (1280 // CELL), cell // (1280 // CELL)
    # From 1 to 3 is 0 with the code that Mesa makes for some processors.
    return bytes((column * 7 + shade * 20, row * 13 + shade * 10,
                  8 + cell * 89 % 248))


def write_xpm(path, width, height):
    count = number(width - 1, height - 1) + 2
    names = [DIGITS[i // len(DIGITS)] + DIGITS[i % len(DIGITS)]
             for i in range(count)]
    with open(path, 'w') as out:
        out.write('/* XPM */\nstatic char *client[] = {\n')
        out.write(f'"{width} {height} {count} 2",\n')
        for index, name in enumerate(names):
            out.write(f'"{name} c #{colour(index).hex()}",\n')
        for y in range(height):
            line = ''.join(names[number(x, y)] for x in range(width))
            out.write(f'"{line}",\n')
        out.write('};\n')


def write_ppm(path, width, height):
    with open(path, 'wb') as out:
        out.write(b'P6\n%d %d\n255\n' % (width, height))
        for y in range(height):
            out.write(b''.join(colour(number(x, y)) for x in range(width)))


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith('-'):
        sys.exit(__doc__)
    folder = sys.argv[1]
    write_xpm(os.path.join(folder, 'client.xpm'), *SCREENS['cage'])
    for name, size in SCREENS.items():
        write_ppm(os.path.join(folder, name + '.ppm'), *size)


main()
