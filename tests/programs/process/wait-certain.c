/* SPDX-License-Identifier: MIT */
/* Waits for one certain child: interrupted, restarted, cancelled; taken by somebody else; with SIGCHLD
 * handled or ignored; by pidfd; left in place with WNOWAIT; stops. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int gate[2]; /* a child exits when it has read a byte */
static _Atomic int handled;
static _Atomic bool returned;

static void handler(int signal)
{
    handled++;
}

static void on_signal(int signal, void (*action)(int), int flags)
{
    struct sigaction wanted = {.sa_handler = action, .sa_flags = flags};
    must_sys(sigaction(signal, &wanted, NULL));
    handled = 0;
}

static pid_t make_child(int code)
{
    char byte;
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        read(gate[0], &byte, 1);
        _exit(code);
    }
    return child;
}

static void release(void)
{
    must_sys(write(gate[1], "x", 1));
}

static const char *describe(int status)
{
    static __thread char text[40];
    snprintf(text, sizeof text, WIFEXITED(status) ? "exited %d" : "signaled %d",
             WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return text;
}

static pid_t child;

static void *waits(void *argument)
{
    int status = 0;
    errno = 0;
    pid_t result = waitpid(child, &status, 0);
    if (result == child)
        say("got it, %s\n", describe(status));
    else
        show_result("waitpid", result);
    returned = true;
    return argument;
}

static void *waits_by_id(void *argument)
{
    siginfo_t info = {0};
    int result = waitid(P_PID, (id_t)child, &info, WEXITED);
    if (result == 0)
        say("got %s, code %d\n", info.si_pid == child ? "it" : "another", info.si_status);
    else
        show_result("waitid", result);
    returned = true;
    return argument;
}

static void is_interrupted(void *(*waiter)(void *))
{
    on_signal(SIGUSR1, handler, 0);
    returned = false;
    child = make_child(1);
    pthread_t thread = start(waiter, NULL);
    while (!returned) {
        must(pthread_kill(thread, SIGUSR1));
        usleep(1000);
    }
    join(thread);
    release();
    join(start(waiter, NULL));
}

static void is_restarted(void *(*waiter)(void *))
{
    on_signal(SIGUSR1, handler, SA_RESTART);
    child = make_child(2);
    pthread_t thread = start(waiter, NULL);
    settle();
    for (int i = 1; i <= 20; i++) {
        must(pthread_kill(thread, SIGUSR1));
        while (handled < i)
            sched_yield();
    }
    release();
    join(thread);
    say("handled %d\n", handled);
}

static void clean(void *argument)
{
    say("cleaned up\n");
}

static void *waits_to_be_cancelled(void *argument)
{
    pthread_cleanup_push(clean, NULL);
    waitpid(child, NULL, 0);
    pthread_cleanup_pop(0);
    return NULL;
}

static void is_cancelled(void)
{
    child = make_child(3);
    pthread_t thread = start(waits_to_be_cancelled, NULL);
    settle();
    must(pthread_cancel(thread));
    expect(join(thread) == PTHREAD_CANCELED);
    release();
    waits(NULL);
}

/* Ten wait for the same one; one of them, or main, gets it. */
static _Atomic int got, none;

static void *competes(void *argument)
{
    pid_t result = index_of(argument) % 3 ? waitpid(child, NULL, 0) : waitpid(-1, NULL, 0);
    if (result == child)
        got++;
    else if (result == -1 && errno == ECHILD)
        none++;
    return NULL;
}

static void is_wanted_by_many(bool main_too)
{
    pthread_t threads[10];
    got = none = 0;
    child = make_child(4);
    start_many(threads, 10, competes);
    settle();
    release();
    if (main_too)
        competes((void *)1);
    join_many(threads, 10);
    say("got it %d, nothing left %d\n", got, none);
}

/* The status goes before the signal: no EINTR, although the handler is without SA_RESTART. */
static void *waits_alone(void *argument)
{
    sigset_t mask;
    int before = handled;
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    must(pthread_sigmask(SIG_UNBLOCK, &mask, NULL));
    waits(argument);
    for (int i = 0; i < 2000 && handled == before; i++)
        usleep(1000);
    return argument;
}

static void is_told_by_signal(void)
{
    sigset_t mask, before;
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    must(pthread_sigmask(SIG_BLOCK, &mask, &before)); /* only the waiter takes it */
    on_signal(SIGCHLD, handler, 0);
    for (int i = 0; i < 5; i++) {
        child = make_child(5);
        pthread_t thread = start(waits_alone, NULL);
        settle();
        release();
        join(thread);
    }
    say("handled %d\n", handled);
    on_signal(SIGCHLD, SIG_DFL, 0);
    must(pthread_sigmask(SIG_SETMASK, &before, NULL));
}

static void is_ignored(int flags)
{
    on_signal(SIGCHLD, flags ? SIG_DFL : SIG_IGN, flags);
    child = make_child(6);
    pthread_t thread = start(waits, NULL);
    settle();
    release();
    join(thread);
    on_signal(SIGCHLD, SIG_DFL, 0);
}

static void *by_descriptor(void *argument)
{
    int *pidfd = argument;
    siginfo_t info = {0};
    show_sys(waitid(P_PIDFD, (id_t)*pidfd, &info, WEXITED));
    say("%s, code %d\n", info.si_pid == child ? "it" : "another", info.si_status);
    return NULL;
}

static void *looks_by_descriptor(void *argument)
{
    int *pidfd = argument;
    show_sys(waitid(P_PIDFD, (id_t)*pidfd, NULL, WEXITED));
    return NULL;
}

static void has_descriptor(void)
{
    child = make_child(7);
    int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    if (pidfd < 0) {
        say("no pidfd: %s\n", error_name(errno));
        exit(BROKEN_EXPECTATION);
    }
    pthread_t thread = start(by_descriptor, &pidfd);
    settle();
    release();
    join(thread);
    show_sys(waitid(P_PIDFD, (id_t)pidfd, NULL, WEXITED));
    close(pidfd);
    child = make_child(8);
    pidfd = (int)must_sys(syscall(SYS_pidfd_open, child, O_NONBLOCK));
    join(start(looks_by_descriptor, &pidfd));
    release();
    waits(NULL);
    close(pidfd);
}

static void *leaves_it(void *argument)
{
    siginfo_t info = {0};
    int result = waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
    say("%d, code %d\n", result, info.si_status);
    return NULL;
}

static volatile int seen;

/* The next change must not come before this one has been reported: it would take its place. */
static void until_seen(int changes)
{
    while (seen < changes)
        usleep(1000);
}

static void *waits_for_stop(void *argument)
{
    int status;
    seen = 0;
    expect(waitpid(child, &status, WUNTRACED) == child);
    say("stopped %d\n", WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    seen = 1;
    expect(waitpid(child, &status, WCONTINUED) == child);
    say("continued %d\n", WIFCONTINUED(status));
    seen = 2;
    expect(waitpid(child, &status, WUNTRACED) == child);
    say("%s\n", describe(status));
    returned = true;
    return NULL;
}

static void stops(void)
{
    siginfo_t info;
    child = make_child(9);
    returned = false;
    pthread_t thread = start(waits_for_stop, NULL);
    settle();
    must_sys(kill(child, SIGSTOP));
    until_seen(1);
    must_sys(kill(child, SIGCONT));
    until_seen(2);
    must_sys(kill(child, SIGKILL));
    join(thread);
    show_sys(waitid(P_PID, (id_t)child, &info, WEXITED));
}

static void *shows_errors(void *argument)
{
    siginfo_t info;
    show_sys(waitpid(1, NULL, 0));
    show_sys(waitpid(getpid(), NULL, 0));
    show_sys(waitpid(0x7fffffff, NULL, 0));
    show_sys(waitid(P_PID, 0, &info, WEXITED));
    show_sys(waitid(P_PID, 1, &info, 0));
    show_sys(waitid(P_PIDFD, 999, &info, WEXITED));
    show_sys(waitid((idtype_t)77, 1, &info, WEXITED));
    return NULL;
}

int main(void)
{
    must_sys(pipe(gate));
    is_interrupted(waits);
    is_interrupted(waits_by_id);
    is_restarted(waits);
    is_restarted(waits_by_id);
    is_cancelled();
    is_wanted_by_many(false);
    is_wanted_by_many(true);
    is_told_by_signal();
    is_ignored(0);
    is_ignored(SA_NOCLDWAIT);
    has_descriptor();
    child = make_child(10);
    pthread_t threads[3];
    start_many(threads, 3, leaves_it);
    release();
    join_many(threads, 3);
    waits(NULL);
    stops();
    join(start(shows_errors, NULL));
    return finished();
}
