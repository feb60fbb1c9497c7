/* SPDX-License-Identifier: MIT */
/*
 * system(3), as in glibc's sysdeps/posix/system.c: the shell is spawned with the caller's signal
 * mask and actions; SIGINT and SIGQUIT are ignored while any thread is in here, SIGCHLD is
 * blocked for this thread; a cancelled one kills its shell. libc's own would hold a kernel thread for the
 * whole wait. Once the runtime has started, native threads come this way, too: who is first in
 * and last out changes the actions of all, so there must be one count.
 */
#include "lock.h"
#include "real.h"

#include <signal.h>
#include <spawn.h>
#include <stdlib.h>

/* Guarded by the lock: how many are inside, and the actions to go back to after the last one. */
static struct ut_lock lock;
static unsigned inside;
static struct sigaction interrupt, quit;

/* In DEFAULTS: which of the two the shell is to have its default action for. */
static void enter(sigset_t *defaults)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(defaults);
    ut_critical_begin();
    ut_lock_acquire(&lock);
    if (inside++ == 0) {
        sigaction(SIGINT, &ignore, &interrupt);
        sigaction(SIGQUIT, &ignore, &quit);
    }
    if (interrupt.sa_handler != SIG_IGN)
        sigaddset(defaults, SIGINT);
    if (quit.sa_handler != SIG_IGN)
        sigaddset(defaults, SIGQUIT);
    ut_lock_release(&lock);
    ut_critical_end();
}

static void leave(void)
{
    ut_critical_begin();
    ut_lock_acquire(&lock);
    if (--inside == 0) {
        sigaction(SIGINT, &interrupt, NULL);
        sigaction(SIGQUIT, &quit, NULL);
    }
    ut_lock_release(&lock);
    ut_critical_end();
}

static int spawn(pid_t *process, const char *command, const sigset_t *mask,
                 const sigset_t *defaults)
{
    char *arguments[] = {"sh", "-c", (char *)command, NULL};
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, mask);
    posix_spawnattr_setsigdefault(&attributes, defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawn(process, "/bin/sh", NULL, &attributes, arguments, __environ);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static pid_t await(pid_t process, int *status)
{
    pid_t result;
    do
        result = waitpid(process, status, 0);
    while (result < 0 && errno == EINTR);
    return result;
}

/* A cancellation unwinds out of the wait: the shell is killed, and nothing remains of it. */
static void kill_shell(pid_t *process)
{
    int state;
    if (*process <= 0)
        return;
    kill(*process, SIGKILL);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    await(*process, NULL);
    pthread_setcancelstate(state, NULL);
    leave();
}

static int run(const char *command)
{
    __attribute__((cleanup(kill_shell))) pid_t process = 0;
    sigset_t child, mask, defaults;
    int status, saved = errno;
    enter(&defaults);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &child, &mask);
    int error = spawn(&process, command, &mask, &defaults);
    if (error) {
        status = 127 << 8; /* POSIX: as if the shell had ended so */
        process = 0;
        saved = error;
    } else if (await(process, &status) != process) {
        status = -1;
        saved = errno;
    }
    process = 0;
    leave();
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    errno = saved;
    return status;
}

UT_EXPORT int system(const char *command)
{
    if (!ut_shim_started() || ut_tls.critical)
        return real(system)(command);
    return command ? run(command) : run("exit 0") == 0;
}

