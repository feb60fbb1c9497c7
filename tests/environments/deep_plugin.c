/* SPDX-License-Identifier: MIT */
/* What deep_host opens. */
#include <unistd.h>

_Atomic int plugin_arrived;

void *plugin_waits(void *argument)
{
    char byte;
    plugin_arrived++;
    return (void *)(long)read(*(int *)argument, &byte, 1);
}
