/* SPDX-License-Identifier: MIT */
/* Many threads wait for any child, or any of a group: each child is reported once, everybody else
 * gets ECHILD; whoever is interrupted or cancelled meanwhile does not stop the others. */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 12, CHILDREN = 60 };

static int gate[2];
static _Atomic int seen[CHILDREN], total, without, handled, interrupted, cleaned;
static pid_t group;

static void handler(int signal)
{
    handled++;
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

static void release(int count)
{
    for (int i = 0; i < count; i++)
        must_sys(write(gate[1], "x", 1));
}

static void note(int status)
{
    expect(WIFEXITED(status) && WEXITSTATUS(status) < CHILDREN);
    seen[WEXITSTATUS(status)]++;
    total++;
}

/* Each in a way of its own: three sets, and two forms of the call. */
static bool wait_once(int way)
{
    int status;
    siginfo_t info = {0};
    if (way % 3 == 2) {
        if (waitid(P_ALL, 0, &info, WEXITED) < 0)
            return false;
        status = info.si_status << 8;
    } else if ((way % 3 == 1 ? waitpid(-1, &status, WUNTRACED) : wait(&status)) < 0) {
        return false;
    }
    note(status);
    return true;
}

static void *waits_to_the_end(void *argument)
{
    for (;;) {
        if (wait_once(index_of(argument)))
            continue;
        if (errno == EINTR) {
            interrupted++;
            continue;
        }
        expect(errno == ECHILD);
        without++;
        return NULL;
    }
}

static void show_all(const char *what)
{
    int once = 0;
    for (int i = 0; i < CHILDREN; i++) {
        once += seen[i] == 1;
        seen[i] = 0;
    }
    say("%s: %d, each once: %d, then ECHILD %d times\n", what, total, once, without);
    total = without = 0;
}

static void share_many(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < CHILDREN; i++)
        make_child(i);
    start_many(threads, THREADS, waits_to_the_end);
    settle();
    release(CHILDREN);
    join_many(threads, THREADS);
    show_all("children");
}

/* More come while everybody waits already, from main. */
static void come_later(void)
{
    pthread_t threads[THREADS];
    make_child(0);
    start_many(threads, THREADS, waits_to_the_end);
    settle();
    for (int i = 1; i < CHILDREN; i++)
        make_child(i);
    release(CHILDREN);
    join_many(threads, THREADS);
    show_all("later");
}

static void clean(void *argument)
{
    cleaned++;
}

static void *waits_to_be_cancelled(void *argument)
{
    pthread_cleanup_push(clean, NULL);
    waits_to_the_end((void *)0);
    pthread_cleanup_pop(0);
    return NULL;
}

/* The first three to come are cancelled one after the other, while one of them may hold the call. */
static void are_cancelled(void)
{
    pthread_t victims[3], threads[THREADS];
    for (int i = 0; i < CHILDREN; i++)
        make_child(i);
    start_many(victims, 3, waits_to_be_cancelled);
    settle();
    start_many(threads, THREADS, waits_to_the_end);
    settle();
    for (int i = 0; i < 3; i++) {
        must(pthread_cancel(victims[i]));
        expect(join(victims[i]) == PTHREAD_CANCELED);
    }
    release(CHILDREN);
    join_many(threads, THREADS);
    say("cleaned up %d\n", cleaned);
    show_all("after cancellation");
}

/* Signals for everybody, with and without SA_RESTART. */
static void are_interrupted(int flags)
{
    pthread_t threads[THREADS];
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    must_sys(sigaction(SIGUSR1, &action, NULL));
    handled = interrupted = 0;
    for (int i = 0; i < CHILDREN; i++)
        make_child(i);
    start_many(threads, THREADS, waits_to_the_end);
    settle();
    while (handled < 3 * THREADS || (!flags && interrupted < THREADS)) {
        for (int i = 0; i < THREADS; i++)
            must(pthread_kill(threads[i], SIGUSR1));
        usleep(1000);
    }
    if (flags)
        expect(interrupted == 0);
    release(CHILDREN);
    join_many(threads, THREADS);
    show_all("after signals");
}

static void *waits_for_group(void *argument)
{
    int status;
    while (waitpid(-group, &status, 0) > 0)
        note(status);
    expect(errno == ECHILD);
    without++;
    return NULL;
}

static void belong_to_groups(void)
{
    pthread_t threads[THREADS];
    pid_t other = make_child(1);
    must_sys(setpgid(other, other));
    for (int i = 0; i < 20; i++) {
        pid_t child = make_child(i);
        must_sys(setpgid(child, i ? group : child));
        group = i ? group : child;
    }
    start_many(threads, THREADS, waits_for_group);
    settle();
    must_sys(kill(-group, SIGCONT)); /* of no interest */
    release(21);
    join_many(threads, THREADS);
    expect(waitpid(-other, NULL, 0) == other);
    show_all("of a group");
}

static void *waits_once(void *argument)
{
    show_sys(wait(NULL));
    return argument;
}

int main(void)
{
    must_sys(pipe(gate));
    share_many();
    come_later();
    are_cancelled();
    are_interrupted(0);
    are_interrupted(SA_RESTART);
    belong_to_groups();
    join(start(waits_once, NULL));
    return finished();
}
