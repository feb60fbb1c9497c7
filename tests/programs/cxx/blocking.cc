// SPDX-License-Identifier: MIT
// Exceptions across calls that wait: thrown after and between waits in try and catch blocks, by std::thread and
// std::async, with RAII objects whose destructors wait; cancellation in each kind of wait unwinds them in order.
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <condition_variable>
#include <cxxabi.h>
#include <future>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.h"

static int ends[2];

struct Waiting {
    int *count;
    explicit Waiting(int *counter) : count(counter) {}
    ~Waiting()
    {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        ++*count;
    }
};

static int throws_after_waiting(int depth, int *count)
{
    Waiting waiting(count);
    std::this_thread::sleep_for(std::chrono::microseconds(100));
    if (depth == 0)
        throw std::runtime_error("deep");
    try {
        return throws_after_waiting(depth - 1, count);
    } catch (const std::exception &) {
        std::this_thread::yield();
        usleep(50);
        throw;
    }
}

static void many_threads()
{
    std::vector<std::future<std::string>> results;
    for (int i = 0; i < 30; i++)
        results.push_back(std::async(std::launch::async, [i] {
            int count = 0;
            try {
                throws_after_waiting(5, &count);
            } catch (const std::exception &caught) {
                usleep(100);
                return std::string(caught.what()) + (count == 6 ? " complete" : " incomplete");
            }
            return std::string("nothing");
        }));
    int complete = 0;
    for (auto &result : results)
        complete += result.get() == "deep complete";
    say("complete %d\n", complete);
}

static std::mutex lock;
static std::condition_variable changed;

static void wait_somehow(int way)
{
    char byte;
    struct pollfd waits = {ends[0], POLLIN, 0};
    switch (way) {
    case 0: (void)!read(ends[0], &byte, 1); break;
    case 1: poll(&waits, 1, -1); break;
    case 2: {
        std::unique_lock<std::mutex> held(lock);
        changed.wait(held, [] { return false; });
        break;
    }
    case 3: std::this_thread::sleep_for(std::chrono::hours(1)); break;
    default: recv(ends[0], &byte, 1, MSG_WAITALL);
    }
}

static int destroyed;

static void *is_cancelled(void *argument)
{
    Waiting outer(&destroyed);
    try {
        Waiting inner(&destroyed);
        wait_somehow(index_of(argument));
    } catch (abi::__forced_unwind &) {
        say("unwound after %d\n", destroyed);
        throw;
    }
    return nullptr;
}

int main()
{
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    many_threads();
    for (int way = 0; way < 5; way++) {
        destroyed = 0;
        pthread_t thread = start(is_cancelled, reinterpret_cast<void *>(static_cast<intptr_t>(way)));
        settle();
        must(pthread_cancel(thread));
        expect(join(thread) == PTHREAD_CANCELED);
        say("way %d: destroyed %d, lock free %d\n", way, destroyed, lock.try_lock());
        lock.unlock();
    }
    return finished();
}
