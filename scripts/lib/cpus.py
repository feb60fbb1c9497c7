# SPDX-License-Identifier: MIT
"""The server gets one CPU for itself, the load another one, if there is another one."""

import os


def server_and_load():
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]
