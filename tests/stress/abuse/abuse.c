/* SPDX-License-Identifier: MIT */
/*
 * abuse KIND COUNT [DISK]: an echo server, and COUNT threads that commit the abuse KIND.
 *
 * It says "listening on PORT"; at a line of input the abuse begins, and it says "stuck N" when all
 * are in it, N of them stuck in a call by what the kernel says; at the next line it releases and joins
 * them and says "released"; it serves until another line or the end of input. `abuse` alone lists the
 * kinds.
 */
#include "abuse.h"

#include <signal.h>
#include <sys/resource.h>

enum { ENTRY_SECONDS = 30, UNCHANGED_SECONDS = 1 };

static const struct abuse *const kinds[] = {
#define ABUSE(name) &abuse_##name,
#include "abuses.def"
#undef ABUSE
};
enum { KINDS = sizeof kinds / sizeof *kinds };

_Atomic bool over;
const char *disk;
static const struct abuse *kind;
static _Atomic long entered;

void abuse_enter(void)
{
    atomic_fetch_add(&entered, 1);
}

static void *run_abuser(void *index)
{
    kind->commit((long)index);
    return NULL;
}

static const struct abuse *find_kind(const char *name)
{
    for (int i = 0; i < KINDS; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    dprintf(2, "no such kind: %s\n", name);
    exit(2);
}

/* Looks every millisecond, until nothing has changed for SECONDS. */
static long await(long (*look)(void), long wanted, int seconds)
{
    struct timespec pause = {.tv_nsec = 1000 * 1000};
    int64_t changed = now_ns();
    long seen = 0, now;
    while ((now = look()) < wanted && now_ns() < changed + seconds * INT64_C(1000000000)) {
        if (now != seen)
            changed = now_ns();
        seen = now;
        nanosleep(&pause, NULL);
    }
    return now;
}

static long count_entered(void)
{
    return atomic_load(&entered);
}

static void await_order(void)
{
    char byte;
    ssize_t length;
    do
        length = read(0, &byte, 1);
    while (length == 1 && byte != '\n');
    CHECK(length >= 0);
}

static void start(pthread_t *thread, long index, long expected)
{
    MUST(pthread_create(thread, NULL, run_abuser, (void *)index));
    if (index == HOLDER)
        CHECK(await(count_entered, expected, ENTRY_SECONDS) == expected);
}

/* The abusers' descriptors come on top of a thousand connections. */
static void raise_limits(void)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
}

static void commit_all(long count)
{
    pthread_t threads[MOST_ABUSERS], holder;
    long all = count + kind->holder;
    if (kind->holder)
        start(&holder, HOLDER, 1);
    for (long i = 0; i < count; i++)
        start(&threads[i], i, 0);
    long seen = await(count_entered, all, ENTRY_SECONDS);
    if (seen != all)
        dprintf(2, "only %ld of %ld abusers have come to their abuse\n", seen, all);
    CHECK(seen == all);
    printf("stuck %ld\n", kind->stuck ? await(kind->stuck, count, UNCHANGED_SECONDS) : count);
    fflush(stdout);

    await_order();
    atomic_store(&over, true);
    if (kind->release)
        kind->release(count);
    for (long i = 0; i < count; i++)
        MUST(pthread_join(threads[i], NULL));
    if (kind->holder)
        MUST(pthread_join(holder, NULL));
    if (kind->finish)
        kind->finish(count);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        for (int i = 0; i < KINDS; i++)
            puts(kinds[i]->name);
        return argc == 1 ? 0 : 2;
    }
    kind = find_kind(argv[1]);
    disk = argv[3];
    long count = argument(argc, argv, 2, 1);
    CHECK(count > 0 && count <= MOST_ABUSERS);
    raise_limits();
    if (kind->prepare)
        kind->prepare(count);
    printf("listening on %d\n", server_start());
    fflush(stdout);
    await_order();
    commit_all(count);
    printf("released\n");
    fflush(stdout);
    await_order();
    return 0;
}
