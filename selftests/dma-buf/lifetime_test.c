// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that are closed, passed on and inherited around the two ioctls, and
 * callers without any privilege: promises B1 and B2.
 */

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "harness.h"

/* if (in_child(&pid)) { ... _exit(verdict); } */
static bool in_child(pid_t *pid)
{
	*pid = fork();
	return !*pid;
}

static int exit_code(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(sock, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		return -EPROTO;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

TEST_F(buffer, b1_closed_buffer_is_ebadf)
{
	int copy = FD(dup(self->dmabuf));

	close(copy);
	EXPECT_EQ(-EBADF, dmabuf_export(copy, RW));
	EXPECT_EQ(-EBADF, dmabuf_import(copy, 0, RW));
}

TEST_F(buffer, b1_exported_file_outlives_the_buffer)
{
	int fence = FD(timeline_fence(self->one, 1)), fd;

	OK(dmabuf_import(self->dmabuf, fence, WRITE));
	close(fence);
	fd = FD(dmabuf_export(self->dmabuf, RW));
	close(self->dmabuf);
	EXPECT_FALSE(is_ready(fd, POLLIN));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
}

/* An imported fence stays on the buffer when its sync_file is closed. */
TEST_F(buffer, i1_imported_fence_outlives_its_file)
{
	int fence = FD(timeline_fence(self->one, 1));

	OK(dmabuf_import(self->dmabuf, fence, WRITE));
	close(fence);
	EXPECT_FALSE(is_ready(self->dmabuf, POLLIN));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLIN, 5000));
}

/* A producer that dies releases its fences, and everybody who waits. */
TEST_F(buffer, i1_timeline_of_a_dead_producer_signals)
{
	int ready[2];
	char byte;
	pid_t pid;

	OK(pipe(ready));
	if (in_child(&pid)) {
		int timeline = timeline_open();

		if (dmabuf_import(self->dmabuf, timeline_fence(timeline, 1),
				  WRITE))
			_exit(1);
		if (write(ready[1], "", 1) != 1)
			_exit(2);
		pause();
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLIN));
	OK(kill(pid, SIGKILL));
	EXPECT_EQ(-SIGKILL, exit_code(pid));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLIN, 5000));
}

TEST_F(buffer, b1_fork_between_export_and_import)
{
	int fence = FD(timeline_fence(self->one, 1)), other, fd;
	pid_t pid;

	other = FD(udmabuf_create(4096));
	OK(dmabuf_import(self->dmabuf, fence, WRITE));
	fd = FD(dmabuf_export(self->dmabuf, RW));
	if (in_child(&pid)) {
		if (dmabuf_import(other, fd, WRITE))
			_exit(1);
		_exit(0);
	}
	EXPECT_EQ(0, exit_code(pid));
	EXPECT_FALSE(is_ready(other, POLLIN));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(other, POLLIN, 5000));
}

/* A buffer whose maker has exited, received over a socket. */
TEST_F(buffer, b1_buffer_of_a_dead_process)
{
	int fence = FD(timeline_fence(self->one, 1)), pair[2], dmabuf, fd;
	pid_t pid;

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	if (in_child(&pid)) {
		if (send_fd(pair[1], udmabuf_create(4096)))
			_exit(1);
		_exit(0);
	}
	EXPECT_EQ(0, exit_code(pid));
	dmabuf = FD(receive_fd(pair[0]));
	OK(dmabuf_import(dmabuf, fence, WRITE));
	fd = FD(dmabuf_export(dmabuf, READ));
	EXPECT_FALSE(is_ready(fd, POLLIN));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
}

struct closer {
	int fd;
	int stop;
};

/* Replace the buffer behind the caller's back, and at times just close it. */
static void *close_and_reopen(void *data)
{
	struct closer *job = data;
	unsigned int i;

	for (i = 1; !__atomic_load_n(&job->stop, __ATOMIC_ACQUIRE); i++) {
		int fresh = udmabuf_create(4096);

		if (fresh >= 0) {
			dup2(fresh, job->fd);
			close(fresh);
		}
		if (i % 4 == 0)
			close(job->fd);
	}
	return NULL;
}

TEST_F_TIMEOUT(buffer, b1_close_in_the_middle_is_harmless, 120)
{
	struct closer job = { 900, 0 };
	int fence = FD(timeline_fence(self->one, 1)), worked = 0;
	pthread_t thread;

	OK(pthread_create(&thread, NULL, close_and_reopen, &job));
	while (worked < 2000) {
		int ret = dmabuf_import(job.fd, fence, WRITE);

		EXPECT_TRUE(!ret || ret == -EBADF);
		ret = dmabuf_export(job.fd, RW);
		EXPECT_TRUE(ret >= 0 || ret == -EBADF);
		worked += ret >= 0;
		if (ret >= 0)
			close(ret);
	}
	__atomic_store_n(&job.stop, 1, __ATOMIC_RELEASE);
	OK(pthread_join(thread, NULL));
}

/* B2: no capability, no mapping, no attachment is needed. */
TEST_F(buffer, b2_works_without_any_privilege)
{
	int fence = FD(timeline_fence(self->one, 1));
	pid_t pid;

	if (in_child(&pid)) {
		int fd;

		if (setresgid(65534, 65534, 65534) ||
		    setresuid(65534, 65534, 65534))
			_exit(1);
		if (dmabuf_import(self->dmabuf, fence, WRITE))
			_exit(2);
		fd = dmabuf_export(self->dmabuf, READ);
		if (fd < 0 || is_ready(fd, POLLIN))
			_exit(3);
		_exit(0);
	}
	EXPECT_EQ(0, exit_code(pid));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLIN));
}

/* B2: a buffer of device memory that was never mapped, attached or pinned. */
TEST_F(buffer, b2_works_on_a_buffer_nobody_mapped)
{
	int vgem, dmabuf, fd;
	__u32 handle;

	NEEDS_DRM();
	vgem = FD(vgem_open());
	dmabuf = FD(vgem_create(vgem, &handle));
	OK(dmabuf_import(dmabuf, FD(timeline_fence(self->one, 1)), WRITE));
	fd = FD(dmabuf_export(dmabuf, READ));
	EXPECT_FALSE(is_ready(fd, POLLIN));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
}

TEST_HARNESS_MAIN
