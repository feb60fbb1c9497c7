# SPDX-License-Identifier: MIT
"""A daemon as a process: started in a session of its own, watched through /proc, always cleaned up by pid."""

import collections
import ctypes
import errno
import os
import resource
import signal
import socket
import subprocess
import time

READY_SECONDS = 15.0
START_ATTEMPTS = 3
PR_SET_PDEATHSIG = 1
TCP_LISTEN = "0A"  # as /proc/net/tcp writes it
TICKS = os.sysconf("SC_CLK_TCK")
LIBC = ctypes.CDLL(None)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def accepts(port):
    """Whether something accepts on the port. A loopback socket may connect to itself: that does not count."""
    with socket.socket() as sock:
        sock.settimeout(2)
        try:
            sock.connect(("127.0.0.1", port))
        except OSError:
            return False
        return sock.getsockname() != sock.getpeername()


def listening_inodes():
    inodes = set()
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}") as lines:
            fields = (line.split() for line in lines)
            inodes.update(field[9] for field in fields if field[3] == TCP_LISTEN)
    return inodes


def unix_inodes():
    with open("/proc/net/unix") as lines:
        return {line.split()[6] for line in lines}


def wait_until(condition, seconds, interval=0.02):
    """Polls the condition; true as soon as it holds, false when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        if condition():
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(interval)


class Process:
    """One running daemon. Its output goes to a log file that is read in parts, phase by phase."""

    def __init__(self, command, directory, limits=None, environment=None):
        self.log_path = os.path.join(directory, "log")
        self.log_position = 0
        self.limits = limits or {}
        with open(self.log_path, "wb") as log:
            self.popen = subprocess.Popen(
                command, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=self._before_exec, env=environment)
        self.pid = self.popen.pid
        self.watched = self.pid  # what is measured: see Daemon.watched

    def _before_exec(self):
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for name, value in self.limits.items():
            resource.setrlimit(name, (value, value))

    def alive(self):
        return self.popen.poll() is None

    def wait_ready(self, ports):
        def settled():
            return not self.alive() or all(accepts(port) for port in ports)
        return wait_until(settled, READY_SECONDS) and self.alive()

    def status(self, key):
        with open(f"/proc/{self.watched}/status") as status:
            for line in status:
                if line.startswith(key + ":"):
                    return int(line.split()[1])
        raise KeyError(key)

    def threads(self):
        return self.status("Threads")

    def resident_kib(self):
        return self.status("VmRSS")

    def cpu_seconds(self):
        with open(f"/proc/{self.watched}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def cpus(self):
        return len(os.sched_getaffinity(self.watched))

    def executable(self):
        return os.path.realpath(f"/proc/{self.watched}/exe")

    def maps(self, name):
        with open(f"/proc/{self.watched}/maps") as maps:
            return any(name in line for line in maps)

    def descriptors(self):
        """How many open descriptors of each kind (socket, pipe, anon_inode, file)."""
        kinds = collections.Counter()
        folder = f"/proc/{self.watched}/fd"
        for entry in os.listdir(folder):
            try:
                target = os.readlink(f"{folder}/{entry}")
            except OSError as error:
                if error.errno == errno.ENOENT:
                    continue
                raise
            kind = target.partition(":")[0]
            kinds["file" if kind.startswith("/") else kind] += 1
        return kinds

    def connections(self):
        """Open sockets other than TCP listeners and Unix sockets; one that a RST has closed still counts."""
        inodes = set()
        folder = f"/proc/{self.watched}/fd"
        for entry in os.listdir(folder):
            try:
                kind, _, inode = os.readlink(f"{folder}/{entry}").partition(":")
            except FileNotFoundError:
                continue
            if kind == "socket":
                inodes.add(inode.strip("[]"))
        return len(inodes - listening_inodes() - unix_inodes())

    def new_log(self):
        """What was logged since the last call."""
        with open(self.log_path, "rb") as log:
            log.seek(self.log_position)
            text = log.read()
        self.log_position += len(text)
        return text.decode("utf-8", "replace")

    def outcome(self):
        """Exit status as the shell's caller sees it: 'exit 0', 'SIGTERM' or 'running'."""
        code = self.popen.poll()
        if code is None:
            return "running"
        return f"exit {code}" if code >= 0 else signal.Signals(-code).name

    def kill(self):
        """Ends the daemon's whole session, which this object has created, whatever state it is in."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait()


def start(daemon, prefix, limits=None):
    """Starts a daemon; a free port may be taken before the daemon binds it, hence several attempts."""
    for _ in range(START_ATTEMPTS):
        daemon.configure()
        process = Process(prefix + daemon.command(), daemon.directory, limits)
        if process.wait_ready(daemon.ports()):
            process.new_log()
            process.watched = daemon.watched(process.pid)
            return process
        outcome, log = process.outcome(), process.new_log()
        process.kill()
    raise RuntimeError(f"{daemon.name} did not start ({outcome}): {log[-600:].strip()}")
