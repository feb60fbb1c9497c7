/* SPDX-License-Identifier: MIT */
/* What the child of a thread has and has not: the mask and the actions, not what is pending; no alarm, no timer;
 * flock but no record lock; directory, umask, name; descriptors with their flags until exec. */
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "check.h"

static int file;

static void ignore(int number)
{
    (void)number;
}

static void look(void)
{
    sigset_t mask, pending;
    struct itimerval timer;
    struct sigaction action;
    char directory[64], name[17] = "";
    must(pthread_sigmask(SIG_SETMASK, NULL, &mask));
    must_sys(sigpending(&pending));
    say("blocked %d %d, pending %d %d\n", sigismember(&mask, SIGUSR1), sigismember(&mask, SIGUSR2),
        sigismember(&pending, SIGUSR1), sigismember(&pending, SIGALRM));
    must_sys(getitimer(ITIMER_REAL, &timer));
    say("timer %d, alarm %d\n", timer.it_value.tv_sec != 0, alarm(0) != 0);
    must_sys(sigaction(SIGUSR2, NULL, &action));
    say("handled %d\n", action.sa_handler == ignore);
    struct flock record = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    must_sys(fcntl(file, F_GETLK, &record));
    say("record lock of another %d\n", record.l_type != F_UNLCK);
    show_sys(flock(file, LOCK_EX | LOCK_NB));
    must_sys(prctl(PR_GET_NAME, name));
    say("%s, umask %o, %s\n", strrchr(getcwd(directory, sizeof directory), '/'), umask(0), name);
    say("flags %d %d\n", fcntl(file, F_GETFD), fcntl(file, F_GETFL) & O_APPEND);
}

static void *forks(void *argument)
{
    sigset_t set;
    int status;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGALRM);
    must(pthread_sigmask(SIG_BLOCK, &set, NULL));
    must(pthread_kill(pthread_self(), SIGUSR1));
    must_sys(kill(getpid(), SIGALRM));
    must(pthread_setname_np(pthread_self(), "forker"));
    alarm(1000);
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        look();
        fflush(stdout);
        _exit(0);
    }
    must_sys(waitpid(child, &status, 0));
    say("status %d, alarm %d\n", status, alarm(0) != 0);
    struct timespec none = {0};
    show_sys(sigtimedwait(&set, NULL, &none) > 0);
    show_sys(sigtimedwait(&set, NULL, &none) > 0);
    return argument;
}

int main(void)
{
    struct flock record = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    sigset_t alarm_only;
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    must(pthread_sigmask(SIG_BLOCK, &alarm_only, NULL));
    signal(SIGUSR2, ignore);
    must_sys(mkdir("inside", 0700));
    must_sys(chdir("inside"));
    umask(037);
    file = (int)must_sys(open("file", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    must_sys(fcntl(file, F_SETLK, &record));
    must_sys(flock(file, LOCK_EX));
    join(start(forks, NULL));
    must_sys(unlink("file"));
    must_sys(chdir(".."));
    must_sys(rmdir("inside"));
    return finished();
}
