/* SPDX-License-Identifier: MIT */
/* Reading from a terminal, termios(3): by lines; with VMIN and VTIME, where a call ends without a byte; in
 * the background, where it fails or stops the process; interrupted, cancelled. */
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "check.h"

static int master, slave;
static volatile int returned;

static void set(bool lines, int least, int tenths)
{
    struct termios attributes;
    must_sys(tcgetattr(slave, &attributes));
    if (lines)
        attributes.c_lflag |= ICANON;
    else
        attributes.c_lflag &= ~(tcflag_t)ICANON;
    attributes.c_lflag &= ~(tcflag_t)ECHO;
    attributes.c_cc[VMIN] = (cc_t)least;
    attributes.c_cc[VTIME] = (cc_t)tenths;
    must_sys(tcsetattr(slave, TCSANOW, &attributes));
}

static void *reads(void *what)
{
    char bytes[16];
    ssize_t got = read(slave, bytes, sizeof bytes);
    int error = errno;
    returned = 1;
    if (got < 0)
        say("%s: %s\n", (char *)what, error_name(error));
    else
        say("%s: %zd bytes \"%.*s\"\n", (char *)what, got, got && bytes[got - 1] == '\n' ? (int)got - 1 : (int)got, bytes);
    return what;
}

/* Written while the other one waits. */
static void read_and_write(char *what, const char *first, const char *second)
{
    pthread_t thread = start(reads, what);
    settle();
    must_sys(write(master, first, strlen(first)));
    settle();
    if (second)
        must_sys(write(master, second, strlen(second)));
    join(thread);
}

static void ignore(int number)
{
    (void)number;
}

static void interrupted(void)
{
    struct sigaction action = {.sa_handler = ignore};
    must_sys(sigaction(SIGUSR1, &action, NULL));
    returned = 0;
    pthread_t thread = start(reads, "interrupted");
    signal_until(thread, SIGUSR1, &returned);
    join(thread);
    action.sa_flags = SA_RESTART;
    must_sys(sigaction(SIGUSR1, &action, NULL));
    thread = start(reads, "restarted");
    settle();
    must(pthread_kill(thread, SIGUSR1));
    settle();
    must_sys(write(master, "after\n", 6));
    join(thread);
    thread = start(reads, "cancelled");
    settle();
    must(pthread_cancel(thread));
    say("cancelled: %d\n", join(thread) == PTHREAD_CANCELED);
}

static void *reads_in_background(void *argument)
{
    char byte;
    ssize_t got = read(0, &byte, 1);
    _exit(got < 0 && errno == EIO ? 5 : 6);
    return argument;
}

/* Its own session, whose terminal's foreground group is another one. Says how the reader ends or stops. */
static void background(bool ignored)
{
    int status, terminal;
    pid_t leader = (pid_t)must_sys(forkpty(&terminal, NULL, NULL, NULL));
    if (leader == 0) {
        signal(SIGHUP, SIG_IGN);
        pid_t reader = fork();
        if (reader == 0) {
            setpgid(0, 0);
            if (ignored)
                signal(SIGTTIN, SIG_IGN);
            join(start(reads_in_background, NULL));
        }
        setpgid(reader, reader);
        waitpid(reader, &status, WUNTRACED);
        kill(reader, SIGKILL);
        _exit(WIFSTOPPED(status) ? WSTOPSIG(status) : WEXITSTATUS(status));
    }
    must_sys(waitpid(leader, &status, 0));
    close(terminal);
    if (ignored)
        say("ignored: %d\n", WEXITSTATUS(status));
    else
        say("stopped by SIGTTIN: %d\n", WEXITSTATUS(status) == SIGTTIN);
}

int main(void)
{
    must_sys(openpty(&master, &slave, NULL, NULL, NULL));
    set(true, 1, 0);
    read_and_write("by lines", "ab", "c\n");
    set(false, 4, 0);
    read_and_write("at least four", "ab", "cd");
    set(false, 1, 0);
    read_and_write("any", "a", NULL);
    set(false, 0, 0);
    join(start(reads, "what is there"));
    set(false, 0, 2);
    join(start(reads, "for a while"));
    read_and_write("in a while", "a", NULL);
    set(true, 1, 0);
    interrupted();
    background(true);
    background(false);
    return finished();
}
