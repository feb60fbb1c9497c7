/* SPDX-License-Identifier: MIT */
/*
 * Included before a program: its calls go to the other names that libc exports for the same
 * functions. Old binaries, and libraries that were written together with libc, call those.
 */
#ifndef ALIASES_H
#define ALIASES_H

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* One that the link editor still offers. */
#define ALIAS(name) extern __typeof__(name) __##name

/* One that it keeps for old binaries only. */
#define OLD_ALIAS(name, target, version)                                                           \
    extern __typeof__(name) old_##name;                                                            \
    __asm__(".symver old_" #name ", " target "@" version)

ALIAS(close);
ALIAS(connect);
ALIAS(dup2);
ALIAS(fcntl);
ALIAS(nanosleep);
ALIAS(open);
ALIAS(open64);
ALIAS(pipe);
ALIAS(poll);
ALIAS(pread64);
ALIAS(pwrite64);
ALIAS(read);
ALIAS(sched_yield);
ALIAS(select);
ALIAS(send);
ALIAS(sigaction);
ALIAS(vfork);
ALIAS(wait);
ALIAS(waitpid);
ALIAS(write);
OLD_ALIAS(pthread_key_create, "__pthread_key_create", "GLIBC_2.2.5");
OLD_ALIAS(pthread_mutex_lock, "__pthread_mutex_lock", "GLIBC_2.2.5");
OLD_ALIAS(pthread_mutex_trylock, "__pthread_mutex_trylock", "GLIBC_2.2.5");
OLD_ALIAS(pthread_mutex_unlock, "__pthread_mutex_unlock", "GLIBC_2.2.5");
OLD_ALIAS(pthread_once, "__pthread_once", "GLIBC_2.2.5");
OLD_ALIAS(pthread_rwlock_rdlock, "__pthread_rwlock_rdlock", "GLIBC_2.2.5");
OLD_ALIAS(pthread_rwlock_unlock, "__pthread_rwlock_unlock", "GLIBC_2.2.5");
OLD_ALIAS(pthread_rwlock_wrlock, "__pthread_rwlock_wrlock", "GLIBC_2.2.5");

#define close __close
#define connect __connect
#define dup2 __dup2
#define fcntl __fcntl
#define nanosleep __nanosleep
#ifdef __USE_FILE_OFFSET64
#define open __open64
#define pread __pread64
#define pwrite __pwrite64
#else
#define open __open
#endif
#define pipe __pipe
#define poll __poll
#define read __read
#define sched_yield __sched_yield
#define select __select
#define send __send
#define sigaction(...) __sigaction(__VA_ARGS__) /* not the structure */
#define vfork __vfork
#define wait __wait
#define waitpid __waitpid
#define write __write
#define pthread_key_create old_pthread_key_create
#define pthread_mutex_lock old_pthread_mutex_lock
#define pthread_mutex_trylock old_pthread_mutex_trylock
#define pthread_mutex_unlock old_pthread_mutex_unlock
#define pthread_once old_pthread_once
#define pthread_rwlock_rdlock old_pthread_rwlock_rdlock
#define pthread_rwlock_unlock old_pthread_rwlock_unlock
#define pthread_rwlock_wrlock old_pthread_rwlock_wrlock

#endif
