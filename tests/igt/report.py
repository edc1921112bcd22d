#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Turn the output of IGT tests into TAP and a table.

Usage: report.py FOLDER

FOLDER/kernel/*.log is what the tests said of the kernel's own code, as far as
it was asked, FOLDER/ours/*.log what they said of this tree's. Writes
FOLDER/NAME.tap for each program and FOLDER/table.md.

A subtest fails if it fails with this tree's code and not with the kernel's, or
skips with this tree's code and passes with the kernel's.
"""
import os
import re
import sys

RESULT = re.compile(r'^Subtest ([^ ]+): ([A-Z]+)')
START = re.compile(r'^Starting subtest: (.+)')
EXIT = re.compile(r'^# exit code (\d+)')


class Program:
    """What one run of a program said."""

    def __init__(self, path):
        self.name = os.path.basename(path)[:-len('.log')]
        self.status = {}
        self.detail = {}
        self.code = None
        self.version = ''
        said = []
        running = ''
        requirement = ''
        with open(path, errors='replace') as log:
            for line in (raw.rstrip() for raw in log):
                start, result = START.match(line), RESULT.match(line)
                if line.startswith('IGT-Version: '):
                    self.version = line[len('IGT-Version: '):]
                elif start:
                    running, said = start.group(1), []
                    self.status[running] = 'DIED'
                elif result:
                    name, status = result.groups()
                    self.status[name] = status
                    self.detail[name] = requirement if status == 'SKIP' \
                        else said
                    # What a fixture requires, all that follow require.
                    if name == running:
                        requirement, running = '', ''
                    said = []
                elif EXIT.match(line):
                    self.code = int(EXIT.match(line).group(1))
                else:
                    requirement = requires(line, said) or requirement
                    said.append(line)
        if running:
            self.detail[running] = said
        if not self.status:
            self.status['(all)'] = 'SKIP' if self.code == 77 else 'DIED'
            self.detail['(all)'] = requirement if self.code == 77 else said

    def finished(self):
        """IGT ends with 0, 77 if all was skipped, 98 if a subtest failed."""
        return self.code in (0, 77, 98)


def requires(line, said):
    """The reason to skip that this line tells, the plainest of them last."""
    if line.startswith('Test requirement: '):
        return line[len('Test requirement: '):]
    if said and said[-1].startswith('Test requirement: ') and \
            not line.startswith(('Last errno', 'Subtest', 'Starting')):
        return line
    return ''


def read(folder):
    if not os.path.isdir(folder):
        return {}
    return {name[:-len('.log')]: Program(os.path.join(folder, name))
            for name in sorted(os.listdir(folder)) if name.endswith('.log')}


# They want an Intel GPU; syncobjs, for which there has to be a device.
MAY_SKIP = ('prime_vgem', 'syncobj_')


def failed(status):
    return status not in ('SUCCESS', 'SKIP')


def tap(ours, kernel):
    """One line for each subtest, and one for the end of the program."""
    n = 0
    for name, status in ours.status.items():
        n += 1
        theirs = kernel.status.get(name, '') if kernel else ''
        if status == 'SUCCESS':
            yield f'ok {n} {name}'
        elif status == 'SKIP' and theirs == 'SUCCESS':
            yield f'# skipped, with the kernel it runs: {ours.detail[name]}'
            yield f'not ok {n} {name}'
        elif status == 'SKIP':
            yield f'ok {n} {name} # SKIP {ours.detail[name]}'
        elif failed(status) and theirs and failed(theirs):
            yield f"ok {n} {name} # SKIP fails with the kernel's own code too"
        else:
            yield from (f'# {line}' for line in ours.detail.get(name, []))
            yield f'not ok {n} {name}'
    yield ('' if ours.finished() else 'not ') + f'ok {n + 1} ran to its end'
    runs = 'SUCCESS' in ours.status.values()
    yield ('' if runs or ours.name.startswith(MAY_SKIP) else 'not ') + \
        f'ok {n + 2} something of it runs'
    yield f'1..{n + 2}'


def count(program, wanted):
    if not program:
        return '-'
    return str(sum(wanted(status) for status in program.status.values()))


def table(ours, kernel):
    version = next((p.version for p in ours.values() if p.version), 'none')
    yield f'IGT {version}'
    yield ''
    yield "| program | subtests | pass: kernel's own | pass: ours " \
        "| fail: kernel's own | fail: ours | skip: kernel's own | skip: ours |"
    yield '| --- | --- | --- | --- | --- | --- | --- | --- |'
    for name, program in ours.items():
        cells = [name, str(len(program.status))]
        for wanted in (lambda s: s == 'SUCCESS', failed, lambda s: s == 'SKIP'):
            cells += [count(kernel.get(name), wanted), count(program, wanted)]
        yield '| ' + ' | '.join(cells) + ' |'
    yield ''
    yield "| program | subtest | kernel's own | ours | why skipped |"
    yield '| --- | --- | --- | --- | --- |'
    for name, program in ours.items():
        other = kernel.get(name)
        for subtest, status in program.status.items():
            theirs = other.status.get(subtest, '-') if other else '-'
            why = program.detail[subtest] if status == 'SKIP' else ''
            why = why.replace('|', '\\|')
            yield f'| {name} | {subtest} | {theirs} | {status} | {why} |'


def write(path, lines):
    with open(path, 'w') as out:
        out.writelines(line + '\n' for line in lines)


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith('-'):
        sys.exit(__doc__)
    folder = sys.argv[1]
    ours = read(os.path.join(folder, 'ours'))
    kernel = read(os.path.join(folder, 'kernel'))
    if not ours:
        sys.exit(f'report.py: no results in {folder}/ours')
    for name, program in ours.items():
        write(os.path.join(folder, name + '.tap'),
              ['TAP version 13', *tap(program, kernel.get(name))])
    write(os.path.join(folder, 'table.md'), table(ours, kernel))


main()
