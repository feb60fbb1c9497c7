// SPDX-License-Identifier: MIT
// Cancellation and pthread_exit unwind C++ frames: destructors run, catch (...) sees the forced
// unwinding and must rethrow, function-local thread_locals are destroyed afterwards.
#include <cxxabi.h>

#include "check.h"

struct Loud {
    const char *name;
    ~Loud() { say("destroy %s\n", name); }
};

static int pipes[2];
static pthread_barrier_t has_printed;

static void inner(bool exits)
{
    static thread_local Loud local{"thread_local"};
    Loud frame{"inner frame"};
    char byte;
    say("in %s\n", local.name);
    if (exits)
        pthread_exit((void *)3);
    // Printing is a cancellation point too, and may print twice when it is cancelled.
    pthread_barrier_wait(&has_printed);
    read(pipes[0], &byte, 1);
}

static void *routine(void *argument)
{
    Loud frame{"outer frame"};
    try {
        inner(argument != nullptr);
    } catch (abi::__forced_unwind &) {
        say("forced unwinding\n");
        throw;
    } catch (...) {
        say("wrong: something else was caught\n");
    }
    return nullptr;
}

int main()
{
    must_sys(pipe(pipes));
    must(pthread_barrier_init(&has_printed, nullptr, 2));
    pthread_t thread = start(routine, nullptr);
    pthread_barrier_wait(&has_printed);
    settle();
    must(pthread_cancel(thread));
    expect(join(thread) == PTHREAD_CANCELED);
    say("exit value %ld\n", (long)join(start(routine, pipes)));
    return finished();
}
