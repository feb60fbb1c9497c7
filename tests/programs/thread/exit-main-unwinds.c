/* SPDX-License-Identifier: MIT */
/* pthread_exit in main from nested frames: its clean-up handlers and the destructors of its keys
 * run, which may block; its threads go on, and can join it; one ends the process by exit. */
#include <semaphore.h>

#include "check.h"

static pthread_t main_thread;
static pthread_key_t key;
static volatile bool exits = true;
static sem_t main_is_ending, go_on;

static void clean_up(void *what)
{
    say("clean-up %s\n", (const char *)what);
}

static void destroy(void *value)
{
    say("key %s\n", (const char *)value);
    must_sys(sem_post(&main_is_ending));
    must_sys(sem_wait(&go_on));
    say("key goes on\n");
}

static void at_exit(void)
{
    say("atexit\n");
}

static void *joins_main(void *argument)
{
    (void)argument;
    must_sys(sem_wait(&main_is_ending));
    show(pthread_tryjoin_np(main_thread, NULL));
    must_sys(sem_post(&go_on));
    say("main's value: %s\n", (const char *)join(main_thread));
    exit(31);
}

static void nested(int depth)
{
    static const char *const names[] = {"inner", "middle", "outer"};
    pthread_cleanup_push(clean_up, (void *)names[depth]);
    if (depth > 0)
        nested(depth - 1);
    else if (exits)
        pthread_exit("the value");
    pthread_cleanup_pop(1);
}

int main(void)
{
    atexit(at_exit);
    must_sys(sem_init(&main_is_ending, 0, 0));
    must_sys(sem_init(&go_on, 0, 0));
    must(pthread_key_create(&key, destroy));
    must(pthread_setspecific(key, "of main"));
    main_thread = pthread_self();
    start(joins_main, NULL);
    nested(2);
    say("not reached\n");
    return 1;
}
