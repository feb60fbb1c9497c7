# SPDX-License-Identifier: MIT
"""Judges a program by what it imports. Each finding says why, with what evidence, and what to do."""

import os
import re
from dataclasses import dataclass, field

import policy

BLOCKER, DEGRADED, NOTE, GOOD = "blocker", "degraded", "note", "good news"
KINDS = (BLOCKER, DEGRADED, NOTE, GOOD)
LIBC = ("libc.so.6", "libpthread.so.0", "libm.so.6", "libdl.so.2", "librt.so.1", "libresolv.so.2", "libanl.so.1",
        "libutil.so.1", "libnss_", "ld-linux", "linux-vdso", "libunthread.so")  # fmt: skip
# Behind most programs, and behind those that the tests of this project run: what they import says nothing of this one.
COMMON = ("libcrypto.so", "libssl.so", "libstdc++.so", "libgcc_s.so", "libsystemd.so", "libcap.so", "libgpg-error.so",
          "libgcrypt.so", "libglib-2.0.so", "libcom_err.so", "libkrb5", "libselinux.so", "libpcre2-8.so")  # fmt: skip
# System calls of x86-64 that may block, by number.
BLOCKING = {0: "read", 1: "write", 7: "poll", 23: "select", 34: "pause", 35: "nanosleep", 42: "connect", 43: "accept",
            44: "sendto", 45: "recvfrom", 46: "sendmsg", 47: "recvmsg", 61: "wait4", 65: "semop", 70: "msgrcv", 72: "fcntl",
            73: "flock", 128: "rt_sigtimedwait", 202: "futex", 208: "io_getevents", 230: "clock_nanosleep", 232: "epoll_wait",
            247: "waitid", 270: "pselect6", 271: "ppoll", 281: "epoll_pwait", 288: "accept4", 299: "recvmmsg",
            426: "io_uring_enter"}  # fmt: skip
LARGE_TLS = 64 << 10
EVIDENCE = 6  # names that are listed

LOOPS = ("epoll_wait", "epoll_pwait", "epoll_pwait2", "kevent", "event_base_loop", "ev_run", "uv_run")
LOOP_LIBRARIES = ("libevent", "libev.so", "libuv.so")
# What programs import whose threads each serve somebody and block; a pool of helpers beside an event loop
# has a few of them at most.
THREAD_SIGNS = ("poll", "select", "pthread_cond_timedwait", "pthread_attr_setstacksize", "pthread_detach",
                "pthread_attr_setdetachstate", "pthread_join", "pthread_setspecific")  # fmt: skip
ENOUGH_SIGNS = 5  # of these, beside epoll

SHAPES = {
    "threads": "a thread for each connection, or a pool of threads",
    "threads and epoll": "threads that block, and epoll beside them",
    "event loop": "an event loop, with or without helper threads",
    "processes": "a process for each connection",
    "threads without connections": "threads, but none that accepts connections: a client, or a computation",
    "single": "no threads",
    "modules": "decided by what it loads while it runs",
    "unknown": "cannot be told: it imports nothing",
}
# Points; and expected CPU time per request and kernel memory, as ratios and KB, from this project's own figures.
WORTH = {"threads": 60, "threads and epoll": 50, "modules": 40, "threads without connections": 30, "event loop": 10,
         "processes": 10, "single": 10, "unknown": 0}  # fmt: skip


@dataclass
class Finding:
    kind: str
    title: str
    why: str
    evidence: list = field(default_factory=list)
    advice: str = ""


@dataclass
class Report:
    path: str
    shape: str = ""
    shape_evidence: list = field(default_factory=list)
    findings: list = field(default_factory=list)
    score: int = 0
    terms: list = field(default_factory=list)  # (points, what for)
    gain: str = ""
    command: str = ""
    verdict: str = ""
    symbols: dict = field(default_factory=dict)  # name -> version, policy, family
    libraries: list = field(default_factory=list)
    facts: dict = field(default_factory=dict)
    trace: dict | None = None
    sets_stack_size: bool = False

    def add(self, kind, title, why, evidence=(), advice=""):
        self.findings.append(Finding(kind, title, why, list(evidence), advice))

    def of(self, kind):
        return [finding for finding in self.findings if finding.kind == kind]

    @property
    def status(self):
        return 2 if self.of(BLOCKER) else 1 if self.of(DEGRADED) or self.of(NOTE) else 0


def _is_libc(name):
    return name.startswith(LIBC)


def _some(names):
    names = list(names)
    more = f" and {len(names) - EVIDENCE} more" if len(names) > EVIDENCE else ""
    return ", ".join(names[:EVIDENCE]) + more


class _Judge:
    def __init__(self, closure, report):
        self.closure, self.report = closure, report
        self.libraries = {name: image for name, image in closure.libraries.items() if not _is_libc(name)}
        self.images = {os.path.basename(closure.program.path): closure.program, **self.libraries}

    def importers(self, *names):
        """Which of its files import one of them: "file: names"."""
        found = []
        for file, image in self.images.items():
            if file.startswith(COMMON):
                continue
            there = [name for name in names if name in image.imports]
            if there:
                found.append(f"{file}: {_some(there)}")
        return found

    def body(self):
        """The program; and, where it is but a shell around libraries, these as well."""
        imports = set(self.closure.program.imports)
        if not imports & {"accept", "accept4", "pthread_create", "fork", "thrd_create"}:
            for name, image in self.libraries.items():
                imports |= set() if name.startswith(COMMON) else set(image.imports)
        return imports

    def needs(self, *parts):
        return [name for name in self.libraries if name.startswith(parts)]

    def shape(self):
        imports = self.body()
        accepts = sorted(imports & {"accept", "accept4"})
        makes = sorted(imports & {"pthread_create", "thrd_create"})
        loops = sorted(imports & set(LOOPS)) + self.needs(*LOOP_LIBRARIES)
        signs = [name for name in THREAD_SIGNS if name in imports]
        evidence = self.report.shape_evidence
        for what, names in (("makes threads", makes), ("accepts connections", accepts), ("waits for many at once", loops),
                            ("blocks, as threads do", signs), ("forks", sorted(imports & {"fork", "vfork"}))):  # fmt: skip
            if names:
                evidence.append(f"{what}: {', '.join(names)}")
        if self.needs("libapr-1", "libjli"):
            evidence.append(f"is a host of modules: {', '.join(self.needs('libapr-1', 'libjli'))}")
            return "modules"
        if not makes:
            return ("event loop" if accepts and loops and "fork" not in imports else
                    "processes" if accepts and "fork" in imports else "single")  # fmt: skip
        if not accepts:
            return "threads without connections"
        if not loops:
            return "threads"
        if self.needs(*LOOP_LIBRARIES) or len(signs) < ENOUGH_SIGNS:
            return "event loop"
        return "threads and epoll"

    # Each of these adds what it finds.

    def loadable(self, refusal):
        if refusal:
            self.report.add(BLOCKER, "cannot be loaded into it", refusal, advice="what the manual page says of refusals")
        for name, who in self.closure.missing:
            self.report.add(BLOCKER, f"{name} is missing", "The program itself would not start.", [f"needed by {who}"],
                            "install the package that has it, or set LD_LIBRARY_PATH")
        newest = max((version for image in self.images.values() for version in image.imports.values()
                      if re.fullmatch(r"GLIBC_2\.\d+(\.\d+)?", version)), key=_glibc_version, default=None)  # fmt: skip
        if newest:
            self.report.facts["needs"] = newest
            name, here = os.confstr("CS_GNU_LIBC_VERSION").split()
            if name == "glibc" and _glibc_version(newest) > _glibc_version(here):
                self.report.add(BLOCKER, f"needs {newest}", f"This machine has glibc {here}: the program itself would not start.")

    def runtimes(self):
        add, program = self.report.add, self.closure.program
        if "Go" in program.runtimes:
            add(NOTE, "a Go program", "Go has a scheduler of its own, makes system calls by instructions of its own, and "
                "has no thread for each connection.", ["section .go.buildinfo"], "run it as it is")
        if "Rust" in program.runtimes and self.importers("epoll_wait"):
            add(NOTE, "a Rust program with epoll", "It may run on tokio or a like runtime, which has coroutines already.",
                ["rustc in .comment"])
        if self.needs("libjvm", "libjli"):
            add(NOTE, "a Java virtual machine", "A plain ServerSocket with a thread for each connection works; larger "
                "programs have not been tried.", self.needs("libjvm", "libjli"), "try it with --trace first")
        parallel = self.needs("libgomp", "libomp", "libiomp", "libopenblas", "libmkl", "libtbb")
        if parallel:
            add(NOTE, "computes in parallel", "Threads of these libraries compute, one for each CPU: they gain nothing.",
                parallel, "--native-threads with the library's name leaves them native")

    def loading(self):
        for line in self.closure.broken:
            self.report.add(DEGRADED, "not all of it could be read", line, advice="what is missing here may matter")
        if "dlopen" in self.closure.program.imports:
            self.report.add(NOTE, "loads libraries while it runs", "What they import is not seen here, except in a running "
                            "process.", self.importers("dlopen"), "check its process ID, or use --trace")  # fmt: skip

    def system_calls(self):
        for name, image in self.images.items():
            if not image.syscalls or name.startswith(COMMON):
                continue
            offset = min(image.syscalls)[0]
            blocking = sorted({BLOCKING[number] for _, number in image.syscalls if number in BLOCKING})
            evidence = [f"{len(image.syscalls)} places, the first at file offset {offset:#x}"]
            evidence += [f"may block: {', '.join(blocking)}"] if blocking else []
            unknown = any(number is None for _, number in image.syscalls)
            evidence += ["some with a number that is computed"] if unknown else []
            self.report.add(DEGRADED if blocking or unknown else NOTE, f"system call instructions of its own in {name}",
                            "unthread does not see such calls. One that blocks keeps its kernel thread, and the others go on "
                            "with another one.", evidence, "--trace shows whether they block" if blocking else "")  # fmt: skip
        if "Go" not in self.closure.program.runtimes and (users := self.importers("syscall")):
            self.report.add(NOTE, "calls syscall()", "Futexes by syscall() work as they do natively; other calls keep their "
                            "kernel thread while they block.", users)  # fmt: skip

    def own_names(self, policies):
        """Symbols of the program come before those of a preloaded library."""
        names = sorted(self.closure.program.exports & set(policies))
        if names:
            self.report.add(DEGRADED, f"has functions of its own with {len(names)} of libc's names",
                            "Whoever calls them gets the program's, not unthread's: where they wait, they keep a kernel thread.",
                            [_some(names)])  # fmt: skip

    def threads(self):
        add = self.report.add
        tls = sum(image.tls_size for image in [self.closure.program, *self.closure.libraries.values()])
        self.report.facts["thread-local memory"] = f"{tls:,} bytes for each thread"
        stacks = self.importers("pthread_attr_setstacksize")
        self.report.sets_stack_size = bool(stacks)
        self.report.facts["stacks"] = f"sized by {stacks[0].split(':')[0]}" if stacks else "of the default size, ulimit -s"
        if tls > LARGE_TLS:
            add(NOTE, "much thread-local memory", "Each thread has all of it, natively and under unthread.",
                [f"{tls:,} bytes × threads"])
        for names, why in (
            (("pthread_attr_setstack",), "Threads with a stack of the program's own stay native, and are counted."),
            (("pthread_attr_setschedpolicy", "sched_setscheduler", "pthread_setschedparam"),
             "Threads of a real-time class stay native, and are counted; the others do not notice."),
            (("pthread_mutexattr_setrobust",), "A robust mutex in shared memory is marked when a thread ends, not when "
             "the whole process is killed."),
            (("makecontext", "swapcontext"), "It has coroutines of its own; each of its threads may switch as it likes."),
            (("ptrace",), "Threads that trace must wait with __WALL."),
            (("io_uring_submit", "io_submit"), "Asynchronous I/O needs no threads; what waits for it is seen as any other wait."),
        ):  # fmt: skip
            if users := self.importers(*names):
                degraded = names[0] == "pthread_attr_setstack"
                add(DEGRADED if degraded else NOTE, f"uses {names[0]}" if len(names) == 1 else f"uses {names[0]} and the like",
                    why, users, "--trace counts threads that stay native" if degraded else "")  # fmt: skip
        if self.importers("fdopen") and self.importers("accept", "accept4"):
            add(NOTE, "may read sockets by stdio", "Works; whoever waits for the lock of a stream whose holder waits keeps a "
                "kernel thread.", self.importers("fdopen"))  # fmt: skip
        if self.importers("fork", "vfork") and self.importers("pthread_create"):
            add(NOTE, "forks", "Works, as with threads: the child has the forking thread only, as a native thread. Those that it makes are coroutines.",
                self.importers("fork", "vfork"))  # fmt: skip

    def calls(self, policies):
        """What the blocking calls of the program come to; returns the share that waits for nothing."""
        by_policy = {}
        for image in self.images.values():
            for name, version in image.imports.items():
                if name in policies:
                    kind, family = policies[name]
                    self.report.symbols[name] = {"version": version, "policy": kind, "family": family}
                    by_policy.setdefault(kind, set()).add(name)
        park, region = (by_policy.get(kind, set()) for kind in ("park", "region"))
        if park:
            self.report.add(GOOD, f"{len(park)} calls that wait without a kernel thread", policy.MEANINGS["park"].capitalize() + ".",
                            [_some(sorted(park))])  # fmt: skip
        if names := [name for name in ("getaddrinfo", "gethostbyname", "gethostbyname_r") if name in self.report.symbols]:
            self.report.add(GOOD, "looks up names", "Waits for a name server without a kernel thread.", names)
        if region:
            self.report.add(GOOD, f"{len(region)} calls that may block on files",
                            "Each " + policy.MEANINGS["region"] + ": no stall.", [_some(sorted(region))])  # fmt: skip
        return len(park) / (len(park) + len(region)) if park or region else 0.0


def _glibc_version(text):
    return tuple(map(int, text.removeprefix("GLIBC_").split(".")))


def _score(report, share):
    """0 to 100; the terms say how it came about."""
    if report.of(BLOCKER):
        report.terms = [(0, "it cannot be loaded, or not started")]
        return 0
    degraded = len(report.of(DEGRADED))
    report.terms = [
        (WORTH[report.shape], f"its shape: {SHAPES[report.shape]}"),
        (round(30 * share), f"30 × {share:.0%}, the share of its blocking calls that need no kernel thread"),
        (-10 * degraded, f"10 off for each of {degraded} degraded findings") if degraded else (10, "nothing is degraded"),
    ]  # fmt: skip
    if report.shape in ("event loop", "processes", "single"):  # the calls do not matter where no thread waits in them
        report.terms = report.terms[:1]
    return max(0, min(100, sum(points for points, _ in report.terms)))


THREADED = ("CPU time per request 0.5 to 0.9 of native where connections mostly wait and requests are small, up to 1.08 where it "
            "copies files or computes; some 20 KB of kernel memory less for each connection; kernel threads: CPUs + 4.")  # fmt: skip
GAINS = {
    "threads": THREADED,
    "threads and epoll": THREADED + " Nothing where epoll serves the connections.",
    "modules": "With modules that serve each connection by a thread: " + THREADED,
    "threads without connections": "Nothing where threads compute; where they wait for peers, as a client's do, fewer kernel threads.",
    "event loop": "Nothing: an event loop has no threads that wait. Those that were tried answer and end as natively.",
    "processes": "Nothing: processes stay processes. Nothing was lost either: PostgreSQL's pgbench -S took 0.96 of the native time.",
    "single": "Nothing: without threads the library stays inert. A start took 0.13 ms more (/bin/true).",
    "unknown": "Cannot be told.",
}  # fmt: skip


def _conclude(report, tried):
    name = os.path.basename(report.path)
    blockers = report.of(BLOCKER)
    if blockers:
        report.verdict = f"{name} does not fit: {blockers[0].why}"
        report.gain = "None."
        return
    report.gain = GAINS[report.shape]
    report.command = f"unthread -- {name}"
    if report.shape in ("event loop", "processes", "single"):
        report.verdict = f"{name} runs unharmed and gains nothing: {SHAPES[report.shape]}."
        report.command = f"{name}    # as it is"
    elif report.of(DEGRADED):
        report.verdict = f"{name} fits, but see what is degraded: {SHAPES[report.shape]}."
    else:
        report.verdict = f"{name} fits: {SHAPES[report.shape]}."
    if not report.sets_stack_size and report.shape.startswith("threads"):
        report.command += "    # it sets no stack size: --stack-size=64K takes 4 KB less for a connection, if it needs no more"
    for one in tried:
        report.verdict += f" Tried by this project ({one['version']}, {one['date']}): {one['verdict']}."


def judge(closure, refusal, tried=()):
    """`refusal` is what the unthread command says of it, or None; `tried` are entries of the database."""
    program = closure.program
    report = Report(program.path)
    judge_ = _Judge(closure, report)
    report.facts = {"build-id": program.build_id, "machine": program.machine, "interpreter": program.interpreter or "none"}
    if closure.scripts:
        report.facts["scripts"] = " → ".join([*closure.scripts, program.path])
    report.libraries = sorted(closure.libraries)
    judge_.loadable(refusal)
    report.shape = judge_.shape() if program.dynamic else "unknown"
    policies = policy.load()
    share = judge_.calls(policies)
    judge_.runtimes()
    judge_.loading()
    if report.shape not in ("processes", "single"):  # without threads the library is inert
        judge_.own_names(policies)
        judge_.system_calls()
        judge_.threads()
    if report.shape in ("event loop", "processes", "single") and not report.of(BLOCKER):
        report.add(GOOD, "stays as it is", GAINS[report.shape])
    report.score = _score(report, share)
    _conclude(report, tried)
    return report
