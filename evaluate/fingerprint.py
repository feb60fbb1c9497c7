# SPDX-License-Identifier: MIT
"""What a reader must know of machine and program to make sense of figures."""

import os
import platform
import resource
import shutil
from pathlib import Path

import elfs


def _field(path, name):
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "unknown"


def build_id(path):
    """Of an ELF file, as hexadecimal digits; "none" if it has none, as a script."""
    try:
        return elfs.read(path).build_id
    except elfs.Unreadable:
        return "none"


def _limit(kind):
    soft, hard = resource.getrlimit(kind)
    return " of ".join("unlimited" if value == resource.RLIM_INFINITY else f"{value:,}" for value in (soft, hard))


def _read(path):
    try:
        return Path(path).read_text().strip()
    except OSError:
        return "unknown"


def facts(program, plan):
    path = os.path.realpath(shutil.which(program) or program)
    return {
        "program": path,
        "build-id": build_id(path),
        "CPU": _field("/proc/cpuinfo", "model name"),
        "CPUs": f"daemon on {','.join(map(str, plan.daemon_cpus))}, load on {','.join(map(str, plan.load_cpus))}",
        "memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.1f} GiB",
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()),
        "descriptors": _limit(resource.RLIMIT_NOFILE),
        "processes": _limit(resource.RLIMIT_NPROC),
        "stack": _limit(resource.RLIMIT_STACK),
        "pid_max": _read("/proc/sys/kernel/pid_max"),
        "max_map_count": _read("/proc/sys/vm/max_map_count"),
        "overcommit": _read("/proc/sys/vm/overcommit_memory"),
    }
