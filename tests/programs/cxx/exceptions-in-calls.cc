// SPDX-License-Identifier: MIT
// Exceptions thrown and caught while other threads of std::thread wait in calls: each thread's
// caught and uncaught exceptions are its own, also across waits in catch blocks and in destructors.
#include <condition_variable>
#include <future>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.h"

enum { THREADS = 24, ROUNDS = 30 };

static std::mutex lock;
static std::condition_variable changed;
static int pipes[THREADS][2];

// Waits while an exception is on its way.
struct WaitsInDestructor {
    int fd, mine;
    ~WaitsInDestructor()
    {
        char byte;
        expect(std::uncaught_exceptions() == 1);
        expect(read(fd, &byte, 1) == 1 && byte == (char)mine);
        std::unique_lock<std::mutex> held(lock);
        changed.wait_for(held, std::chrono::microseconds(100));
        expect(std::uncaught_exceptions() == 1);
    }
};

static void feed(int mine)
{
    char byte = (char)mine;
    must_sys(write(pipes[mine][1], &byte, 1));
}

static void one_round(int mine, int round)
{
    std::string text = std::to_string(mine) + "." + std::to_string(round);
    try {
        WaitsInDestructor waits{pipes[mine][0], mine};
        feed(mine);
        throw std::runtime_error(text);
    } catch (const std::exception &caught) {
        std::unique_lock<std::mutex> held(lock);
        changed.notify_all();
        held.unlock();
        usleep(50);
        try {
            throw;
        } catch (const std::runtime_error &again) {
            expect(&again == &caught && text == again.what());
        }
        expect(std::uncaught_exceptions() == 0);
    }
    expect(!std::current_exception());
}

static void works(int mine, std::promise<int> result)
{
    try {
        for (int round = 0; round < ROUNDS; round++)
            one_round(mine, round);
        if (mine % 2)
            throw std::invalid_argument(std::to_string(mine));
        result.set_value(mine);
    } catch (...) {
        result.set_exception(std::current_exception());
    }
}

int main()
{
    std::vector<std::thread> threads;
    std::vector<std::future<int>> results;
    int values = 0, exceptions = 0;
    for (int i = 0; i < THREADS; i++) {
        std::promise<int> promise;
        must_sys(pipe(pipes[i]));
        results.push_back(promise.get_future());
        threads.emplace_back(works, i, std::move(promise));
    }
    for (auto &result : results) {
        try {
            values += result.get();
        } catch (const std::invalid_argument &caught) {
            exceptions += std::stoi(caught.what());
        }
    }
    for (auto &thread : threads)
        thread.join();
    say("values %d, exceptions %d\n", values, exceptions);
    return finished();
}
