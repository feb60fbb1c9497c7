/* SPDX-License-Identifier: MIT */
/* Signals as old programs say them: sigset, sighold, sigrelse, sigignore, sigpause in both meanings, sysv_signal,
 * siginterrupt, sigblock and sigsetmask; on threads, with signals directed at them. */
#include <semaphore.h>
#include <signal.h>

#include "check.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

/* Headers hide these, or give them other names; libc has them for binaries that are older. */
int pause_by_mask(int mask) __asm__("sigpause");
int pause_for_signal(int signal) __asm__("__xpg_sigpause");
sighandler_t bsd_signal(int signal, sighandler_t handler);
int sigblock(int mask);
int sigsetmask(int mask);
int old_getmask(void); /* linkers complain about the name itself */
__asm__(".symver old_getmask, siggetmask@GLIBC_2.2.5");
int __sigpause(int signal_or_mask, int is_signal);
sighandler_t __sysv_signal(int signal, sighandler_t handler);

static __thread volatile sig_atomic_t handled;
static sem_t waiting;

static void handle(int number)
{
    (void)number;
    handled++;
}

static const char *word(sighandler_t handler)
{
    return handler == SIG_DFL    ? "default"
           : handler == SIG_IGN  ? "ignored"
           : handler == SIG_HOLD ? "held"
           : handler == SIG_ERR  ? "error"
           : handler == handle   ? "handled"
                                 : "other";
}

static void send(const char *what)
{
    handled = 0;
    must(pthread_kill(pthread_self(), SIGUSR1));
    say("%s: handled %d\n", what, handled);
}

static void *uses_system_v(void *argument)
{
    say("%s\n", word(sigset(SIGUSR1, handle)));
    send("set");
    say("%s\n", word(sigset(SIGUSR1, SIG_HOLD)));
    send("held");
    say("%s\n", word(sigset(SIGUSR1, SIG_HOLD)));
    say("%s, handled %d\n", word(sigset(SIGUSR1, handle)), handled);
    show_sys(sighold(SIGUSR1));
    send("held");
    show_sys(sigrelse(SIGUSR1));
    say("released: handled %d\n", handled);
    show_sys(sigignore(SIGUSR1));
    send("ignored");
    say("%s\n", word(sysv_signal(SIGUSR1, handle)));
    send("once");
    say("%s\n", word(__sysv_signal(SIGUSR1, SIG_IGN)));
    say("%s\n", word(sigset(99, handle)));
    show_sys(sighold(-1));
    show_sys(sigignore(0));
    say("%s\n", word(sigset(SIGKILL, handle)));
    return argument;
}

static void *uses_bsd(void *argument)
{
    say("%s\n", word(ssignal(SIGUSR1, handle)));
    say("%s\n", word(bsd_signal(SIGUSR1, handle)));
    say("before %x\n", sigblock(1 << (SIGUSR1 - 1)));
    send("blocked");
    say("mask %x\n", old_getmask());
    say("before %x, handled %d\n", sigsetmask(0), handled);
    handled = 0;
    show_sys(gsignal(SIGUSR1));
    say("handled %d\n", handled);
    say("before %x\n", sigblock(1 << (SIGUSR1 - 1)));
    handled = 0;
    must(pthread_kill(pthread_self(), SIGUSR1));
    show_sys(pause_by_mask(0));
    say("handled %d, mask %x\n", handled, old_getmask());
    must(pthread_kill(pthread_self(), SIGUSR1));
    show_sys(pause_for_signal(SIGUSR1));
    must(pthread_kill(pthread_self(), SIGUSR1));
    show_sys(__sigpause(SIGUSR1, 1));
    say("handled %d, mask %x\n", handled, old_getmask());
    sigsetmask(0);
    return argument;
}

static void *is_interrupted(void *argument)
{
    char byte;
    handled = 0;
    sem_post(&waiting);
    show_sys(read(index_of(argument), &byte, 1));
    say("handled %d\n", handled);
    return NULL;
}

static void interrupt(int flag)
{
    int ends[2];
    must_sys(pipe(ends));
    signal(SIGUSR1, handle);
    show_sys(siginterrupt(SIGUSR1, flag));
    signal(SIGUSR1, handle); /* remembers it */
    pthread_t thread = start(is_interrupted, (void *)(intptr_t)ends[0]);
    must_sys(sem_wait(&waiting));
    settle();
    must(pthread_kill(thread, SIGUSR1));
    settle();
    must_sys(write(ends[1], "x", 1));
    join(thread);
}

int main(void)
{
    must_sys(sem_init(&waiting, 0, 0));
    uses_system_v(NULL);
    join(start(uses_system_v, NULL));
    uses_bsd(NULL);
    join(start(uses_bsd, NULL));
    interrupt(1);
    interrupt(0);
    show_sys(siginterrupt(99, 1));
    return finished();
}
