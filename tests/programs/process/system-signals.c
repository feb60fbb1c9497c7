/* SPDX-License-Identifier: MIT */
/* system and signals: SIGINT and SIGQUIT are ignored as long as anybody is inside, and then as before;
 * SIGCHLD waits; the shell gets the caller's mask and actions; a cancelled one kills its shell. */
#include <signal.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 6 };

static _Atomic int handled[65];

static void handler(int signal)
{
    handled[signal]++;
}

static void on_signal(int signal, void (*action)(int))
{
    struct sigaction wanted = {.sa_handler = action, .sa_flags = SA_RESTART};
    must_sys(sigaction(signal, &wanted, NULL));
}

static void show_actions(const char *when)
{
    struct sigaction interrupt, quit;
    must_sys(sigaction(SIGINT, NULL, &interrupt));
    must_sys(sigaction(SIGQUIT, NULL, &quit));
    say("%s: as before %d, %d\n", when, interrupt.sa_handler == handler,
        quit.sa_handler == SIG_DFL);
}

static void show_status(const char *command)
{
    int status = system(command);
    say("%s: %s %d\n", command, WIFEXITED(status) ? "exited" : "signaled",
        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static void *runs(void *argument)
{
    sigset_t mask, now;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &mask, NULL));
    show_status("kill -INT $PPID; kill -QUIT $PPID; exit 3");
    show_actions("after it");
    say("handled %d\n", handled[SIGINT]);
    show_status("kill -INT $$; exit 4");
    show_status("kill -QUIT $$; exit 4");
    show_status("kill -USR1 $$; exit 5");
    show_status("grep -E 'SigBlk|SigIgn' /proc/self/status");
    errno = 77;
    show_status("exit 6");
    say("errno %d\n", errno);
    must(pthread_sigmask(SIG_BLOCK, NULL, &now));
    say("mask %d %d\n", sigismember(&now, SIGUSR1), sigismember(&now, SIGCHLD));
    on_signal(SIGINT, SIG_IGN);
    show_status("kill -INT $$; exit 7");
    on_signal(SIGINT, handler);
    must(pthread_sigmask(SIG_UNBLOCK, &mask, NULL));
    return argument;
}

/* The overlap is what counts: the last one out restores. */
static void *overlaps(void *argument)
{
    char command[80];
    snprintf(command, sizeof command, "sleep 0.0%d; kill -INT $PPID; exit %d", index_of(argument),
             index_of(argument));
    for (int i = 0; i < 3; i++)
        expect(WEXITSTATUS(system(command)) == index_of(argument));
    return NULL;
}

static void *takes_children(void *argument)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    must(pthread_sigmask(SIG_UNBLOCK, &mask, NULL));
    show_status("exit 8");
    for (int i = 0; i < 2000 && !handled[SIGCHLD]; i++) /* it was for any thread that takes it */
        usleep(1000);
    say("SIGCHLD afterwards %d\n", handled[SIGCHLD]);
    return NULL;
}

static void *is_cancelled(void *argument)
{
    system("exec sleep 1000");
    return NULL;
}

static void *starts_cancelled(void *argument)
{
    must(pthread_cancel(pthread_self()));
    system("exec sleep 1000");
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    sigset_t mask;
    on_signal(SIGINT, handler);
    runs(NULL);
    join(start(runs, NULL));
    start_many(threads, THREADS, overlaps);
    overlaps((void *)3);
    join_many(threads, THREADS);
    show_actions("after many");
    say("handled %d\n", handled[SIGINT]);

    on_signal(SIGCHLD, handler);
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    must(pthread_sigmask(SIG_BLOCK, &mask, NULL));
    join(start(takes_children, NULL));
    must(pthread_sigmask(SIG_UNBLOCK, &mask, NULL));

    pthread_t thread = start(is_cancelled, NULL);
    settle();
    must(pthread_cancel(thread));
    say("cancelled %d\n", join(thread) == PTHREAD_CANCELED);
    say("cancelled %d\n", join(start(starts_cancelled, NULL)) == PTHREAD_CANCELED);
    show_sys(wait(NULL));
    show_actions("after cancellation");
    return finished();
}
