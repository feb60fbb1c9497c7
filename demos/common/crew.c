/* SPDX-License-Identifier: MIT */
#include "crew.h"

#include "listener.h"

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct member {
    struct member *next, *previous;
    pthread_t thread; /* written and read by the accepting thread only */
    int socket;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t someone_left = PTHREAD_COND_INITIALIZER;
static struct member members = { .next = &members, .previous = &members };
static struct member *leavers; /* joined crews: linked by `next`, about to return, to be joined */
static const struct crew_duty *duty;

static void unlist(struct member *member)
{
    member->previous->next = member->next;
    member->next->previous = member->previous;
}

static void *member_main(void *argument)
{
    struct member *member = argument;

    duty->serve(member->socket);
    pthread_mutex_lock(&lock);
    /* Closed under the lock: shut_everyone() must never meet a descriptor that was given away. */
    close(member->socket);
    unlist(member);
    if (duty->joined) {
        member->next = leavers;
        leavers = member;
    } else {
        free(member);
    }
    pthread_cond_signal(&someone_left);
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* Called with the lock held, returns with it held. Only the accepting thread takes leavers out. */
static void join_leavers(void)
{
    while (leavers) {
        struct member *member = leavers;

        leavers = member->next;
        pthread_mutex_unlock(&lock);
        pthread_join(member->thread, NULL);
        free(member);
        pthread_mutex_lock(&lock);
    }
}

/* Out of descriptors or threads: the next connection can be had when another has gone. The wait is
 * bounded because a signal that shuts the listener does not wake a condition variable. */
static void wait_for_room(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    pthread_mutex_lock(&lock);
    pthread_cond_timedwait(&someone_left, &lock, &until);
    pthread_mutex_unlock(&lock);
}

static int start_thread(struct member *member)
{
    pthread_attr_t attributes;
    int error;

    pthread_attr_init(&attributes);
    if (!duty->joined)
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    error = pthread_create(&member->thread, &attributes, member_main, member);
    pthread_attr_destroy(&attributes);
    return error;
}

static void admit(int socket)
{
    struct member *member = calloc(1, sizeof *member);
    int on = 1;
    int error = ENOMEM;

    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    pthread_mutex_lock(&lock);
    if (member) {
        member->socket = socket;
        member->next = &members;
        member->previous = members.previous;
        members.previous->next = member;
        members.previous = member;
        /* Under the lock, so that the thread cannot leave before its number is written. */
        error = start_thread(member);
        if (error)
            unlist(member);
    }
    if (error) {
        warnx("connection turned away: %s", strerror(error));
        close(socket);
        free(member);
    }
    pthread_mutex_unlock(&lock);
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* The threads notice because their reads end, or because duty->stop() woke them. */
static void shut_everyone(void)
{
    if (duty->stop)
        duty->stop();
    pthread_mutex_lock(&lock);
    for (struct member *member = members.next; member != &members; member = member->next)
        shutdown(member->socket, SHUT_RDWR);
    for (join_leavers(); members.next != &members; join_leavers())
        if (!leavers)
            pthread_cond_wait(&someone_left, &lock);
    pthread_mutex_unlock(&lock);
}

void crew_serve(int listener, const struct crew_duty *what)
{
    duty = what;
    listener_stop_on_signal(listener);
    for (;;) {
        int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (socket >= 0)
            admit(socket);
        else if (errno == EINVAL)
            break; /* shut by the signal */
        else if (is_shortage(errno))
            wait_for_room();
        else if (errno != EINTR && errno != ECONNABORTED)
            err(1, "accept");
        pthread_mutex_lock(&lock);
        join_leavers();
        pthread_mutex_unlock(&lock);
    }
    shut_everyone();
    close(listener);
}
