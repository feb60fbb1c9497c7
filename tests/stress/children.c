/* SPDX-License-Identifier: MIT */
/*
 * children CERTAIN ANY KERNEL_THREADS: CERTAIN threads wait for a child of their own each, and ANY
 * more for any child at all; while all wait the process must have KERNEL_THREADS kernel threads at
 * most (0: not looked at). Then the children end, and each is reported once, with its own status.
 * Some of the certain ones find theirs taken by those who take any.
 */
#include "stress.h"

#include <sched.h>
#include <sys/wait.h>

enum { SETTLING_SECONDS = 20, MOST = 4096 };

static int gate[2];
static pid_t children[MOST];
static _Atomic int reports[MOST];
static _Atomic long arrived, by_certain, by_any;
static long certain, any;

static pid_t make_child(long number)
{
    char byte;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        read(gate[0], &byte, 1);
        _exit((int)(number % 251));
    }
    return child;
}

static void report(pid_t child, int status)
{
    long number = 0;
    while (number < certain && children[number] != child)
        number++;
    CHECK(number < certain);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == number % 251);
    CHECK(atomic_fetch_add(&reports[number], 1) == 0);
}

static void *wait_for_own(void *index)
{
    pid_t child = children[(long)index];
    int status;
    atomic_fetch_add(&arrived, 1);
    pid_t result = waitpid(child, &status, 0);
    if (result < 0) {
        CHECK(errno == ECHILD);
        return NULL;
    }
    CHECK(result == child);
    report(child, status);
    atomic_fetch_add(&by_certain, 1);
    return NULL;
}

static void *wait_for_any(void *unused)
{
    int status;
    pid_t child;
    atomic_fetch_add(&arrived, 1);
    while ((child = wait(&status)) > 0) {
        report(child, status);
        atomic_fetch_add(&by_any, 1);
    }
    CHECK(errno == ECHILD);
    return unused;
}

int main(int argc, char **argv)
{
    static pthread_t threads[MOST];
    certain = argument(argc, argv, 1, 300);
    any = argument(argc, argv, 2, 50);
    long most = argument(argc, argv, 3, 0);
    CHECK(certain + any <= MOST && pipe(gate) == 0);
    for (long i = 0; i < certain; i++)
        children[i] = make_child(i);
    for (long i = 0; i < certain + any; i++)
        MUST(pthread_create(&threads[i], NULL, i < certain ? wait_for_own : wait_for_any, (void *)i));
    while (atomic_load(&arrived) < certain + any)
        sched_yield();
    usleep(300000); /* the last ones have arrived, but may not be in their call */
    long kernel_threads = most ? await_threads(most, SETTLING_SECONDS) : process_status("Threads");
    for (long i = 0; i < certain; i++)
        CHECK(write(gate[1], "x", 1) == 1);
    for (long i = 0; i < certain + any; i++)
        MUST(pthread_join(threads[i], NULL));
    for (long i = 0; i < certain; i++)
        CHECK(atomic_load(&reports[i]) == 1);
    printf("kernel threads %ld\nby their own %ld\nby any %ld\n", kernel_threads,
           atomic_load(&by_certain), atomic_load(&by_any));
    CHECK(!most || kernel_threads <= most);
    return 0;
}
