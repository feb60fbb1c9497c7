// SPDX-License-Identifier: MIT
// Cancelled in each of several blocking calls, C++ frames unwind: destructors from the inside out,
// a catch (...) that throws again, locks given back; the destructors may block, too.
#include <condition_variable>
#include <cxxabi.h>
#include <exception>
#include <mutex>
#include <semaphore.h>
#include <thread>

#include "check.h"

static int pipes[2];
static std::mutex lock;
static std::condition_variable changed;
static pthread_mutex_t plain_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t plain_changed = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static pthread_t never_ends;
static bool never;

struct Loud {
    const char *name;
    ~Loud()
    {
        say("destroy %s, uncaught %d\n", name, std::uncaught_exceptions());
    }
};

struct Blocks {
    ~Blocks()
    {
        usleep(1000);
        sched_yield();
        say("blocked in a destructor\n");
    }
};

static void in_read()
{
    char byte;
    read(pipes[0], &byte, 1);
}

// The one of the standard library is noexcept since C++11's DR: it would terminate.
static void in_cond_wait()
{
    struct Unlock {
        ~Unlock()
        {
            say("unlock %s\n", error_name(pthread_mutex_unlock(&plain_lock)));
        }
    };
    must(pthread_mutex_lock(&plain_lock));
    Unlock unlock;
    while (!never)
        pthread_cond_wait(&plain_changed, &plain_lock);
}

static void in_sleep()
{
    sleep(1000);
}

static void in_sem_wait()
{
    sem_wait(&semaphore);
}

static void in_join()
{
    pthread_join(never_ends, nullptr);
}

static void while_locked()
{
    std::lock_guard<std::mutex> guard(lock);
    Loud inside{"inside the lock"};
    in_read();
}

static void in_a_catch()
{
    try {
        throw 42;
    } catch (int) {
        Loud inside{"inside a catch"};
        in_read();
    }
}

static void self_cancelled()
{
    must(pthread_cancel(pthread_self()));
    pthread_testcancel();
}

static const struct {
    const char *name;
    void (*block)();
} calls[] = {
    {"read", in_read},       {"cond_wait", in_cond_wait},
    {"sleep", in_sleep},     {"sem_wait", in_sem_wait},
    {"join", in_join},       {"a lock_guard", while_locked},
    {"a catch", in_a_catch}, {"pthread_testcancel", self_cancelled},
};

static void middle(int which)
{
    Loud frame{"middle"};
    Blocks blocks;
    try {
        Loud tried{"tried"};
        calls[which].block();
    } catch (...) {
        say("catch (...) in %s\n", calls[which].name);
        throw;
    }
}

static void *routine(void *argument)
{
    Loud frame{"outer"};
    try {
        middle(index_of(argument));
    } catch (const std::exception &) {
        say("wrong: a standard exception\n");
    } catch (abi::__forced_unwind &) {
        say("forced unwinding\n");
        throw;
    }
    return nullptr;
}

static void *sleeps(void *)
{
    for (;;)
        pause();
}

int main()
{
    must_sys(pipe(pipes));
    must_sys(sem_init(&semaphore, 0, 0));
    never_ends = start(sleeps, nullptr);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        pthread_t thread = start(routine, (void *)i);
        settle();
        must(pthread_cancel(thread));
        expect(join(thread) == PTHREAD_CANCELED);
        expect(lock.try_lock());
        lock.unlock();
    }
    must(pthread_cancel(never_ends));
    expect(join(never_ends) == PTHREAD_CANCELED);
    return finished();
}
