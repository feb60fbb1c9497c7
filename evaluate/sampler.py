# SPDX-License-Identifier: MIT
"""What the kernel says about a process and its children."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path


def stat_fields(pid):
    """The fields of /proc/PID/stat from the third one on; the second may contain spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()


def tree(root):
    """The process and all its descendants."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents.setdefault(int(stat_fields(entry.name)[1]), []).append(int(entry.name))
            except (OSError, IndexError):
                continue
    found = [root]
    for pid in found:
        found.extend(parents.get(pid, []))
    return found


def _process_clock(pid):
    """The clock that clock_getcpuclockid() gives: nanoseconds of all threads, also those that
    ended."""
    return (~pid << 3) | 2


def cpu_seconds(root):
    """CPU time of the tree, with children that have been waited for."""
    total = 0.0
    for pid in tree(root):
        try:
            total += time.clock_gettime(_process_clock(pid))
            reaped = stat_fields(pid)[13:15]
            total += sum(map(int, reaped)) / 100
        except (OSError, IndexError):
            continue
    return total


def ticks(root):
    """User and system time of the tree, with children that have been waited for, in clock ticks."""
    user = system = 0
    for pid in tree(root):
        try:
            fields = stat_fields(pid)
        except OSError:
            continue
        user += int(fields[11]) + int(fields[13])
        system += int(fields[12]) + int(fields[14])
    return user, system


def _status(pid, *names):
    values = dict.fromkeys(names, 0)
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in values:
                values[name] = int(value.split()[0])
    except OSError:
        pass
    return values


def switches_by_thread(root):
    """Context switches of each kernel thread that the tree has now: voluntary, and not."""
    found = {}
    for pid in tree(root):
        try:
            tasks = list(Path(f"/proc/{pid}/task").iterdir())
        except OSError:
            continue
        for task in tasks:
            status = _status(
                f"{pid}/task/{task.name}", "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"
            )
            found[task.name] = tuple(status.values())
    return found


def switches(root):
    """Of all kernel threads that the tree has now, of both kinds."""
    return sum(map(sum, switches_by_thread(root).values()))


@dataclass
class Sample:
    threads: int  # kernel threads
    resident: int  # KiB
    available: int  # KiB, of the whole machine
    kernel: int  # KiB that the kernel holds for itself: stacks, page tables, slabs
    cpu: float  # seconds


def _memory():
    try:
        # The kernel adds up its counters of each CPU now and then: now, if we may ask.
        Path("/proc/sys/vm/stat_refresh").read_bytes()
    except OSError:
        pass
    lines = Path("/proc/meminfo").read_text().splitlines()
    return {line.partition(":")[0]: int(line.split()[1]) for line in lines}


def memory_available():
    return _memory()["MemAvailable"]


def wait_for_memory(tolerance=256, deadline=6.0):
    """Waits until what the last run left behind has been freed, which the kernel does little
    by little: until MemAvailable has not risen for a few readings, or the deadline has come."""
    end = time.monotonic() + deadline
    highest = memory_available()
    quiet = 0
    while quiet < 4 and time.monotonic() < end:
        time.sleep(0.1)
        now = memory_available()
        quiet = 0 if now > highest + tolerance else quiet + 1
        highest = max(highest, now)


def threads_and_resident(root):
    """Kernel threads, and resident KiB."""
    threads = resident = 0
    for pid in tree(root):
        status = _status(pid, "Threads", "VmRSS")
        threads += status["Threads"]
        resident += status["VmRSS"]
    return threads, resident


def sample(root):
    threads, resident = threads_and_resident(root)
    memory = _memory()
    kernel = memory["KernelStack"] + memory["PageTables"] + memory["SUnreclaim"]
    return Sample(threads, resident, memory["MemAvailable"], kernel, cpu_seconds(root))


class Watcher:
    """Remembers the most kernel threads that the tree had while the context was open; and `held`, what was there `at`
    seconds after its beginning: a Sample, and the context switches for each second until then."""

    def __init__(self, root, at=None):
        self.threads = 0
        self.held = self.switches_per_second = None
        self._at = at
        self._root = root
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _hold(self, began, before):
        seconds = time.monotonic() - began
        if self._at is None or self.held or seconds < self._at:
            return
        now = switches_by_thread(self._root)
        self.switches_per_second = sum(sum(now[task]) - sum(before.get(task, ())) for task in now) / seconds
        self.held = sample(self._root)

    def _watch(self):
        began, before = time.monotonic(), switches_by_thread(self._root)
        while True:
            self._hold(began, before)
            now = sum(_status(pid, "Threads")["Threads"] for pid in tree(self._root))
            self.threads = max(self.threads, now)
            if self._over.wait(0.25):
                return

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
