/* SPDX-License-Identifier: MIT */
/*
 * look_ups WAY COUNT [crowded|dropped]: COUNT threads look up a name each, all at once, with a name server that
 * takes its time (with_name_server). Every answer is looked at. Printed: the kernel threads, the
 * least number while all look-ups were under way and the largest, and how long it took.
 *
 * WAY: names (getaddrinfo), both (of both families), tcp, missing, never, old (gethostbyname_r),
 * locked (gethostbyname, one after the other in libc), mixed (the three at once). With crowded, a
 * thread of libc's own making is there first; with dropped, root's rights are given up first.
 */
#include "stress.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <sys/socket.h>

enum { NOBODY = 65534 };

static const char *way;
static _Atomic long arrived, finished;
static _Atomic bool go;

static bool is(const char *word)
{
    return strcmp(way, word) == 0;
}

static void look_at(const struct in_addr *address, long number)
{
    char text[32], expected[32];
    inet_ntop(AF_INET, address, text, sizeof text);
    snprintf(expected, sizeof expected, "10.%ld.%ld.1", number >> 8, number & 255);
    CHECK(strcmp(text, expected) == 0);
}

static void new_way(const char *name, long number)
{
    struct addrinfo hints = {.ai_family = is("both") ? AF_UNSPEC : AF_INET,
                             .ai_socktype = SOCK_STREAM}, *list;
    int error = getaddrinfo(name, "80", &hints, &list);
    if (is("missing") || is("never")) {
        CHECK(error == (is("never") ? EAI_AGAIN : EAI_NONAME));
        return;
    }
    CHECK(error == 0 && list->ai_family == AF_INET && !list->ai_next);
    look_at(&((struct sockaddr_in *)(void *)list->ai_addr)->sin_addr, number);
    freeaddrinfo(list);
}

static void old_way(const char *name, long number)
{
    struct hostent entry, *found;
    char buffer[1024];
    int error;
    CHECK(gethostbyname_r(name, &entry, buffer, sizeof buffer, &found, &error) == 0 && found);
    look_at((struct in_addr *)(void *)found->h_addr_list[0], number);
}

/* Its answer may be another thread's by now; but somebody's it is. */
static void oldest_way(const char *name)
{
    struct hostent *found = gethostbyname(name);
    CHECK(found && found->h_length == 4);
}

static void *looks_up(void *index)
{
    long number = (long)index;
    char name[64];
    snprintf(name, sizeof name, "%c%ld.test", is("tcp") ? 't' : is("missing") ? 'x' : 'h', number);
    atomic_fetch_add(&arrived, 1);
    while (!atomic_load(&go)) {
        struct timespec pause = {.tv_nsec = 1000 * 1000};
        nanosleep(&pause, NULL);
    }
    if (is("locked") || (is("mixed") && number % 20 == 0))
        oldest_way(name);
    else if (is("old") || (is("mixed") && number % 2))
        old_way(name, number);
    else
        new_way(name, number);
    atomic_fetch_add(&finished, 1);
    return NULL;
}

static void *sleeps(void *forever)
{
    for (;;)
        pause();
    return forever;
}

/* Past the interposed name: libc's own. */
static void make_native_thread(void)
{
    pthread_t thread;
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    CHECK(libc);
    *(void **)&create = dlsym(libc, "pthread_create");
    CHECK(create);
    MUST(create(&thread, NULL, sleeps, NULL));
}

int main(int argc, char **argv)
{
    long count = argument(argc, argv, 2, 200), least = -1, most = 0;
    pthread_t *threads = calloc((size_t)count, sizeof *threads);
    struct timespec moment = {.tv_nsec = 2 * 1000 * 1000};
    CHECK(argc > 1 && threads);
    way = argv[1];
    if (argc > 3 && strcmp(argv[3], "crowded") == 0)
        make_native_thread();
    if (argc > 3 && strcmp(argv[3], "dropped") == 0)
        CHECK(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
    for (long i = 0; i < count; i++)
        MUST(pthread_create(&threads[i], NULL, looks_up, (void *)i));
    while (atomic_load(&arrived) < count)
        nanosleep(&moment, NULL);
    int64_t begin = now_ns();
    atomic_store(&go, true);
    while (atomic_load(&finished) < count) {
        long now = process_status("Threads");
        if (atomic_load(&finished) == 0 && (least < 0 || now < least))
            least = now;
        if (now > most)
            most = now;
        nanosleep(&moment, NULL);
    }
    int64_t end = now_ns();
    for (long i = 0; i < count; i++)
        MUST(pthread_join(threads[i], NULL));
    printf("least %ld\nmost %ld\nmilliseconds %ld\n", least, most, (long)((end - begin) / 1000000));
    return 0;
}
