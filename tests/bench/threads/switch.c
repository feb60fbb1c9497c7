/* SPDX-License-Identifier: MIT */
/* switch ROUNDS: the runtime's context switch alone, there and back between two stacks; each
 * switch loads the thread pointer, too. */
#include "machine.h"
#include "measure.h"

static struct ut_context here, there;

static void peer(void)
{
    for (;;)
        ut_arch_switch(&there, &here);
}

int main(int count, char **arguments)
{
    static _Alignas(64) char stack[65536];
    long rounds = number_at(1, count, arguments);
    uint64_t began;

    ut_arch_init(true);
    machine_prepare(&there, stack + sizeof stack, peer);
    here.thread_pointer = there.thread_pointer = ut_arch_thread_pointer();
    ut_arch_switch(&here, &there);
    began = now_ns();
    for (long i = 0; i < rounds; i++)
        ut_arch_switch(&here, &there);
    say("ns_per_switch", (double)(now_ns() - began) / (double)(2 * rounds));
    return 0;
}
