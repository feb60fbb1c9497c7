/* SPDX-License-Identifier: MIT */
/* A thread that waits for signals which all have blocked: sigwait, sigwaitinfo, sigtimedwait,
 * signalfd; process-directed, thread-directed and queued ones. */
#include <semaphore.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "check.h"

static sigset_t set;
static sem_t taken;

static void *waits(void *argument)
{
    siginfo_t info;
    int number = 0;
    show(sigwait(&set, &number));
    say("number %d\n", number == SIGUSR1);
    sem_post(&taken);
    show_sys(sigwaitinfo(&set, &info) == SIGUSR2);
    expect(info.si_code == SI_QUEUE && info.si_value.sival_int == 5 && info.si_pid == getpid());
    sem_post(&taken);
    struct timespec late = {1000, 0};
    show_sys(sigtimedwait(&set, &info, &late) == SIGTERM);
    expect(info.si_code == SI_USER && info.si_pid == getpid());
    return argument;
}

static void *times_out(void *argument)
{
    struct timespec forty = {0, 40 * MILLISECOND}, zero = {0, 0}, bad = {0, SECOND};
    siginfo_t info;
    int64_t begin = now_ns();
    show_sys(sigtimedwait(&set, &info, &forty));
    say("%s\n", elapsed_word(begin, 40));
    show_sys(sigtimedwait(&set, &info, &zero));
    show_sys(sigtimedwait(&set, &info, &bad));
    /* Pending for this thread alone, then taken by it. */
    must(pthread_kill(pthread_self(), SIGUSR1));
    sigset_t pending;
    must_sys(sigpending(&pending));
    say("pending %d\n", sigismember(&pending, SIGUSR1));
    show_sys(sigtimedwait(&set, NULL, &zero) == SIGUSR1);
    must_sys(sigpending(&pending));
    say("pending %d\n", sigismember(&pending, SIGUSR1));
    return argument;
}

static void *reads_signals(void *argument)
{
    struct signalfd_siginfo info;
    int fd = (int)must_sys(signalfd(-1, &set, SFD_CLOEXEC));
    for (int i = 0; i < 3; i++) {
        expect(read(fd, &info, sizeof info) == sizeof info);
        say("signalfd %d value %d\n", (int)info.ssi_signo == SIGRTMIN, info.ssi_int);
    }
    close(fd);
    return argument;
}

int main(void)
{
    union sigval value = {.sival_int = 5};
    must_sys(sem_init(&taken, 0, 0));
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGRTMIN);
    must(pthread_sigmask(SIG_BLOCK, &set, NULL));
    join(start(times_out, NULL));
    pthread_t thread = start(waits, NULL);
    settle();
    must_sys(kill(getpid(), SIGUSR1));
    must_sys(sem_wait(&taken));
    must_sys(sigqueue(getpid(), SIGUSR2, value));
    must_sys(sem_wait(&taken));
    must(pthread_kill(thread, SIGTERM));
    join(thread);
    thread = start(reads_signals, NULL);
    for (value.sival_int = 1; value.sival_int <= 3; value.sival_int++) {
        settle();
        must_sys(sigqueue(getpid(), SIGRTMIN, value));
    }
    join(thread);
    return finished();
}
