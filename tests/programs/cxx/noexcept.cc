// SPDX-License-Identifier: MIT
// What cannot unwind terminates the process: a cancellation through a noexcept frame, one that
// catch (...) swallows, an exception that leaves a thread, pthread_exit in a noexcept frame.
#include <csignal>
#include <exception>
#include <initializer_list>
#include <sys/wait.h>
#include <thread>

#include "check.h"

static int pipes[2];

static void says_and_ends()
{
    say("terminate\n");
    _exit(7);
}

static void *through_noexcept(void *)
{
    auto inner = []() noexcept {
        char byte;
        must(pthread_cancel(pthread_self()));
        read(pipes[0], &byte, 1);
    };
    inner();
    return nullptr;
}

static void *blocked_in_noexcept(void *)
{
    auto inner = []() noexcept {
        char byte;
        read(pipes[0], &byte, 1);
    };
    inner();
    return nullptr;
}

static void *in_a_destructor(void *)
{
    struct Points {
        ~Points()
        {
            must(pthread_cancel(pthread_self()));
            pthread_testcancel();
        }
    };
    Points points;
    return nullptr;
}

static void *swallowed(void *)
{
    try {
        must(pthread_cancel(pthread_self()));
        pthread_testcancel();
    } catch (...) {
        say("swallowed\n");
    }
    return nullptr;
}

static void *leaves_thread(void *)
{
    throw 1;
}

static void *exits_in_noexcept(void *)
{
    auto inner = []() noexcept { pthread_exit(nullptr); };
    inner();
    return nullptr;
}

static const struct {
    const char *name;
    void *(*routine)(void *);
} ways[] = {
    {"through noexcept", through_noexcept}, {"blocked in noexcept", blocked_in_noexcept},
    {"in a destructor", in_a_destructor},   {"swallowed", swallowed},
    {"leaves the thread", leaves_thread},   {"pthread_exit in noexcept", exits_in_noexcept},
};

static void child(void *(*routine)(void *), bool own_handler)
{
    fclose(stderr); // libc and the C++ library would say the same in two orders
    if (own_handler)
        std::set_terminate(says_and_ends);
    pthread_t thread = start(routine, nullptr);
    if (routine == blocked_in_noexcept) {
        settle();
        must(pthread_cancel(thread));
    }
    join(thread);
    say("joined\n");
    _exit(0);
}

int main()
{
    must_sys(pipe(pipes));
    for (const auto &way : ways)
        for (bool own_handler : {false, true}) {
            int status;
            say("%s\n", way.name);
            pid_t process = (pid_t)must_sys(fork());
            if (process == 0)
                child(way.routine, own_handler);
            must_sys(waitpid(process, &status, 0));
            if (WIFSIGNALED(status))
                say("killed by %d\n", WTERMSIG(status));
            else
                say("status %d\n", WEXITSTATUS(status));
        }
    return finished();
}
