/* SPDX-License-Identifier: MIT */
/* SIGSEGV, SIGBUS, SIGFPE and SIGILL are handled on the thread that caused them, with its own
 * pthread_self and thread-locals, thirty threads at once; siglongjmp leaves the handler. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "check.h"

enum { THREADS = 30, ROUNDS = 10 };

static __thread sigjmp_buf recover;
static __thread int mine = -1;
static __thread void *fault_address;
static pthread_t threads[THREADS];
static char *beyond_file;

static void handle(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (!pthread_equal(pthread_self(), threads[mine]))
        number = 77;
    fault_address = info->si_addr;
    siglongjmp(recover, number);
}

static int cause(int which)
{
    int number = sigsetjmp(recover, 1);
    if (number)
        return number;
    switch (which) {
    case SIGSEGV:
        *(volatile char *)((char *)bad_pointer + mine) = 1;
        break;
    case SIGBUS:
        *(volatile char *)beyond_file = 1;
        break;
    case SIGILL:
        __builtin_trap();
    default:
        raise(SIGFPE);
    }
    return 0;
}

static void *faults(void *argument)
{
    static const int kinds[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    mine = index_of(argument);
    threads[mine] = pthread_self();
    for (int i = 0; i < ROUNDS; i++) {
        int which = kinds[(i + mine) % 4];
        sched_yield();
        expect(cause(which) == which);
        if (which == SIGSEGV)
            expect(fault_address == (char *)bad_pointer + mine);
        if (which == SIGBUS)
            expect(fault_address == beyond_file);
        sigset_t mask;
        must(pthread_sigmask(SIG_SETMASK, NULL, &mask));
        expect(!sigismember(&mask, which));
    }
    return NULL;
}

int main(void)
{
    pthread_t started[THREADS];
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    int fd = (int)must_sys(open("empty", O_RDWR | O_CREAT, 0600));
    beyond_file = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    must_sys(sigaction(SIGSEGV, &action, NULL));
    must_sys(sigaction(SIGBUS, &action, NULL));
    must_sys(sigaction(SIGFPE, &action, NULL));
    must_sys(sigaction(SIGILL, &action, NULL));
    start_many(started, THREADS, faults);
    join_many(started, THREADS);
    unlink("empty");
    return finished();
}
