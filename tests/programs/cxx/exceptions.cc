// SPDX-License-Identifier: MIT
// Exceptions in a hundred threads at once, kept across waits inside catch blocks, carried between
// threads by exception_ptr, futures and promises.
#include <exception>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.h"

static void fall(int depth, int value)
{
    std::string on_the_way(100, 'x');
    if (depth == 0)
        throw std::runtime_error(std::to_string(value));
    fall(depth - 1, value);
    sched_yield();
}

static void *throws(void *argument)
{
    int mine = index_of(argument);
    for (int i = 0; i < 50; i++) {
        try {
            fall(10, mine);
        } catch (const std::exception &outer) {
            // The list of caught exceptions is the thread's own: let others catch meanwhile.
            sched_yield();
            try {
                fall(3, mine + 1);
            } catch (const std::exception &inner) {
                usleep(50);
                expect(std::stoi(inner.what()) == mine + 1);
                expect(std::uncaught_exceptions() == 0);
            }
            expect(std::stoi(outer.what()) == mine);
            expect(std::current_exception() != nullptr);
        }
    }
    return nullptr;
}

static void futures()
{
    std::vector<std::future<int>> results;
    for (int i = 0; i < 50; i++)
        results.push_back(std::async(std::launch::async, [i] {
            if (i % 5 == 0)
                throw std::out_of_range("five");
            usleep(500);
            return i;
        }));
    int sum = 0, thrown = 0;
    for (auto &result : results) {
        try {
            sum += result.get();
        } catch (const std::out_of_range &) {
            thrown++;
        }
    }
    say("sum %d, thrown %d\n", sum, thrown);
}

static void promises()
{
    std::promise<std::string> promise;
    auto future = promise.get_future();
    auto status = future.wait_for(std::chrono::milliseconds(30));
    say("%s\n", status == std::future_status::timeout ? "timeout" : "other");
    std::thread setter([&] { promise.set_value("the promised"); });
    say("%s\n", future.get().c_str());
    setter.join();
    std::future<int> broken = std::promise<int>().get_future();
    try {
        broken.get();
    } catch (const std::future_error &error) {
        say("%d\n", error.code() == std::future_errc::broken_promise);
    }
}

int main()
{
    pthread_t threads[100];
    start_many(threads, 100, throws);
    join_many(threads, 100);
    futures();
    promises();
    return finished();
}
