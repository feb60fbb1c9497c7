# SPDX-License-Identifier: MIT
"""What a reader must know of the machine to make sense of the figures."""

import os
import platform
import resource
import struct
import subprocess
import time
from pathlib import Path

import places
import server
from bench.setting import output, thread_program, value

AT_HWCAP2 = 26
FSGSBASE = 2  # Linux 5.9, arch/x86/include/uapi/asm/hwcap2.h
CALLS = 200000


def has_fast_switch():
    """Whether user space may set the thread pointer itself. Elsewhere each switch between coroutines is
    a system call."""
    if platform.machine() != "x86_64":
        return True
    entries = Path("/proc/self/auxv").read_bytes()
    return any(kind == AT_HWCAP2 and bits & FSGSBASE for kind, bits in struct.iter_unpack("QQ", entries))


def _first(path, name):
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "unknown"


def _commit():
    asked = subprocess.run(["git", "-C", places.ROOT, "rev-parse", "--short", "HEAD"],
                           capture_output=True, text=True)  # fmt: skip
    return asked.stdout.strip() or "unknown"


def facts(bench):
    costs = output([thread_program("costs"), CALLS], server.NATIVE, bench.server_cpu)
    return {
        "CPU": _first("/proc/cpuinfo", "model name"),
        "CPUs": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(_first('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GiB",
        "kernel": platform.release(),
        "glibc": platform.libc_ver()[1],
        "descriptors per process": str(resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
        "thread pointer": "set by an instruction (FSGSBASE)" if bench.fast_switch
        else f"set by a system call of {value(costs, 'set_thread_pointer_ns'):,.0f} ns (no FSGSBASE)",
        "a system call (getppid)": f"{value(costs, 'getppid_ns'):,.0f} ns",
        "server on CPU": str(bench.server_cpu),
        "load on CPU": str(bench.load_cpu),
    }  # fmt: skip


def heading(bench):
    return {
        "title": "unthread bench",
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": _commit(),
        "short": bench.short,
        "machine": facts(bench),
    }
