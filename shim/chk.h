/* SPDX-License-Identifier: MIT */
/* Entry points of libc that its headers do not declare: fortified ones and aliases. */
#ifndef UT_CHK_H
#define UT_CHK_H

#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

ssize_t __read_chk(int fd, void *buffer, size_t count, size_t size);
ssize_t __pread_chk(int fd, void *buffer, size_t count, off_t offset, size_t size);
ssize_t __pread64_chk(int fd, void *buffer, size_t count, off64_t offset, size_t size);
ssize_t __recv_chk(int fd, void *buffer, size_t count, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *buffer, size_t count, size_t size, int flags,
                       struct sockaddr *address, socklen_t *length);
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                const sigset_t *mask, size_t size);
mqd_t __mq_open_2(const char *name, int flags);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int directory, const char *path, int flags);
int __openat64_2(int directory, const char *path, int flags);
int __open(const char *path, int flags, ...);
int __open64(const char *path, int flags, ...);
ssize_t __read(int fd, void *buffer, size_t count);
ssize_t __write(int fd, const void *buffer, size_t count);
ssize_t __pread64(int fd, void *buffer, size_t count, off64_t offset);
ssize_t __pwrite64(int fd, const void *buffer, size_t count, off64_t offset);
int __close(int fd);
int __dup2(int from, int to);
int __pipe(int fds[2]);
int __fcntl(int fd, int command, ...);
int __connect(int fd, const struct sockaddr *address, socklen_t length);
ssize_t __send(int fd, const void *buffer, size_t count, int flags);
int __poll(struct pollfd *fds, nfds_t count, int timeout);
int __select(int count, fd_set *reads, fd_set *writes, fd_set *exceptions, struct timeval *timeout);
int __nanosleep(const struct timespec *time, struct timespec *rest);
pid_t __wait(int *status);
pid_t __waitpid(pid_t process, int *status, int options);
pid_t __vfork(void);
int __sigaction(int signal, const struct sigaction *action, struct sigaction *old);
int __sched_yield(void);
int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void),
                      void *dso_handle);
int __pthread_key_create(unsigned *key, void (*destructor)(void *));
void __chk_fail(void) __attribute__((noreturn));

#endif
