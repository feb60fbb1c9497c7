// SPDX-License-Identifier: MIT
// std::condition_variable: wait_for and wait_until on both clocks (pthread_cond_clockwait), a
// shared_mutex, a timed mutex, call_once.
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "check.h"

using namespace std::chrono_literals;

static std::mutex lock;
static std::condition_variable changed;
static std::condition_variable_any changed_any;
static std::timed_mutex timed;
static std::shared_timed_mutex shared;
static std::once_flag once;
static int turn, runs;

static const char *word(std::cv_status status)
{
    return status == std::cv_status::timeout ? "timeout" : "no timeout";
}

static void time_outs()
{
    std::unique_lock<std::mutex> held(lock);
    int64_t begin = now_ns();
    say("%s ", word(changed.wait_until(held, std::chrono::steady_clock::now() + 40ms)));
    say("%s\n", elapsed_word(begin, 40));
    begin = now_ns();
    say("%s ", word(changed.wait_until(held, std::chrono::system_clock::now() + 40ms)));
    say("%s\n", elapsed_word(begin, 39));
    begin = now_ns();
    say("%d ", changed.wait_for(held, 40ms, [] { return false; }));
    say("%s\n", elapsed_word(begin, 40));
    begin = now_ns();
    say("%s ", word(changed_any.wait_for(held, 40ms)));
    say("%s\n", elapsed_word(begin, 40));
}

static void try_locks()
{
    int64_t begin = now_ns();
    say("%d ", timed.try_lock_for(40ms));
    say("%d ", timed.try_lock_until(std::chrono::system_clock::now() + 40ms));
    say("%d ", shared.try_lock_shared_for(40ms));
    say("%d ", shared.try_lock_for(40ms));
    say("%s\n", elapsed_word(begin, 158));
}

static void take_turns(int mine, int players, int turns)
{
    std::call_once(once, [] { runs++; });
    std::unique_lock<std::mutex> held(lock);
    while (turn < turns) {
        changed.wait_for(held, 10s, [&] { return turn >= turns || turn % players == mine; });
        if (turn < turns)
            turn++;
        changed.notify_all();
    }
}

int main()
{
    time_outs();
    std::thread(time_outs).join();
    timed.lock();
    shared.lock();
    std::thread(try_locks).join();
    timed.unlock();
    shared.unlock();
    std::vector<std::thread> threads;
    for (int i = 0; i < 20; i++)
        threads.emplace_back(take_turns, i, 20, 1000);
    for (auto &thread : threads)
        thread.join();
    say("turn %d, runs %d\n", turn, runs);
    return finished();
}
