// SPDX-License-Identifier: MIT
// A function's static object is made once, by one thread, while forty others wait for it; if its
// constructor throws, the next one tries again.
#include <atomic>
#include <stdexcept>

#include "check.h"

static std::atomic<int> made, attempts;
static pthread_barrier_t together;

struct Slow {
    int value;
    Slow()
    {
        usleep(20000);
        made++;
        value = 42;
    }
};

struct Reluctant {
    Reluctant()
    {
        usleep(1000);
        if (++attempts < 3)
            throw std::runtime_error("not yet");
    }
};

static void *routine(void *)
{
    long thrown = 0;
    pthread_barrier_wait(&together);
    static Slow slow;
    expect(slow.value == 42);
    for (;;) {
        try {
            static Reluctant reluctant;
            return (void *)thrown;
        } catch (const std::runtime_error &) {
            thrown++;
        }
    }
}

int main()
{
    pthread_t threads[40];
    long thrown = 0;
    must(pthread_barrier_init(&together, nullptr, 40));
    start_many(threads, 40, routine);
    for (pthread_t thread : threads)
        thrown += (long)join(thread);
    say("made %d, attempts %d, thrown %ld\n", made.load(), attempts.load(), thrown);
    return finished();
}
