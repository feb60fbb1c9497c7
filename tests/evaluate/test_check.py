# SPDX-License-Identifier: MIT
"""unthread check: programs of every kind, and files that are none."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "evaluate"))

import closure  # noqa: E402
import daemon  # noqa: E402
import elfs  # noqa: E402
import findings  # noqa: E402
import known  # noqa: E402
import policy  # noqa: E402
import trace  # noqa: E402

PATIENCE = 60
THREADS = "#include <pthread.h>\n#include <unistd.h>\n#include <sys/socket.h>\n"
SERVER = THREADS + """
static void *serve(void *p) { char c; return (void *)read((int)(long)p, &c, 1); }
int main(void) { pthread_t t; for (;;) pthread_create(&t, 0, serve, (void *)(long)accept(3, 0, 0)); }
"""


def expect(seen, wanted, what=""):
    assert seen == wanted, f"{what}: {seen!r} and not {wanted!r}"


def check(build, *words, status=None):
    """Exit status, and the JSON or None with what it said."""
    ran = subprocess.run([build / "shim" / "unthread", "check", "--json", *map(str, words)], capture_output=True, text=True,
                         errors="replace", timeout=PATIENCE, stdin=subprocess.DEVNULL)  # fmt: skip
    said = ran.stdout + ran.stderr
    assert "Traceback" not in said, said
    assert ran.returncode in (0, 1, 2), said
    if status is not None:
        expect(ran.returncode, status, said)
    return json.loads(ran.stdout) if ran.stdout.startswith("{") else None, said


def compiled(folder, source, *flags, compiler="gcc", name="program"):
    path = Path(folder) / name
    subprocess.run([compiler, "-x", "c", "-", "-o", path, *flags], input=source, text=True, check=True)
    return path


@contextmanager
def place():
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def titles(whole, kind):
    return [finding["title"] for finding in whole["findings"] if finding["kind"] == kind]


# Debian's programs.

SHAPES = {
    "/usr/sbin/mariadbd": "threads and epoll",
    "/usr/bin/stunnel4": "threads",
    "/usr/sbin/privoxy": "threads",
    "/usr/bin/microsocks": "threads",
    "/usr/bin/tinyproxy": "threads",
    "/usr/bin/civetweb": "threads",
    "/usr/sbin/apache2": "modules",
    "/usr/sbin/nginx": "event loop",
    "/usr/bin/redis-server": "event loop",
    "/usr/bin/memcached": "event loop",
    "/usr/bin/python3": "threads and epoll",
    "/usr/bin/java": "modules",
    "/bin/ls": "single",
}


def test_shapes(build):
    postgres = next(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    for path, shape in {**SHAPES, str(postgres): "processes"}.items():
        whole, said = check(build, path)
        expect(whole["shape"], shape, path)
        expect(titles(whole, "blocker"), [], path)
        gains = shape not in ("event loop", "processes", "single")
        expect("gains nothing" in whole["verdict"], not gains, whole["verdict"])
        assert (whole["score"] > 40) == gains, (path, whole["score"])
        expect(whole["score"], max(0, min(100, sum(term["points"] for term in whole["score_terms"]))), "the formula")


def test_policies_of_a_program(build):
    whole, _ = check(build, "/usr/bin/stunnel4")
    expect(whole["symbols"]["accept4"]["policy"], "park")
    expect(whole["symbols"]["fopen"]["policy"], "region")
    assert re.fullmatch(r"GLIBC_2\.\d+", whole["symbols"]["pthread_create"]["version"]), whole["symbols"]
    imported = subprocess.run(["readelf", "-W", "--dyn-syms", "/usr/bin/stunnel4"], capture_output=True, text=True).stdout
    names = set(re.findall(r" UND (\w+)@", imported))
    missing = names & set(policy.load()) - set(whole["symbols"])
    expect(missing, set(), "imported, interposed, and not reported")


def test_interposed_functions_are_all_known(_):
    found = policy.load()
    in_list = re.findall(r"^SYMBOL\((\w+),", (ROOT / "shim" / "symbols.def").read_text(), re.MULTILINE)
    expect(set(in_list) - set(found), set())
    expect({kind for kind, _ in found.values()} - set(policy.MEANINGS), set())


# Programs made for it.


def test_thread_per_connection(build):
    with place() as folder:
        whole, _ = check(build, compiled(folder, SERVER), status=0)
    expect(whole["shape"], "threads")
    assert "--stack-size" in whole["command"], "it sets none of its own"


def test_static_programs(build):
    with place() as folder:
        for flags in (["-static"], ["-static-pie"]):
            path = compiled(folder, SERVER, *flags)
            whole, _ = check(build, path, status=2)
            assert "statically linked" in whole["verdict"], whole["verdict"]
            expect(whole["score"], 0)


def test_every_shape_has_words(_):
    expect(set(findings.GAINS), set(findings.SHAPES))
    expect(set(findings.WORTH), set(findings.SHAPES))


def test_go_program(build):
    with place() as folder:
        (folder / "main.go").write_text('package main\nfunc main() { println("hello") }\n')
        subprocess.run(["go", "build", "-o", folder / "go", folder / "main.go"], check=True,
                       env={**os.environ, "GOCACHE": str(folder / "cache"), "GO111MODULE": "off", "CGO_ENABLED": "0"})  # fmt: skip
        whole, _ = check(build, folder / "go", status=2)
    assert "a Go program" in titles(whole, "note"), whole["findings"]


def test_other_machine(build):
    with place() as folder:
        path = compiled(folder, "int main(void) { return 0; }", compiler="aarch64-linux-gnu-gcc")
        whole, _ = check(build, path, status=2)
    assert "built for" in whole["verdict"] and "AArch64" in whole["verdict"], whole["verdict"]


def test_other_libc(build):
    with place() as folder:
        loader = folder / "ld-musl-x86_64.so.1"
        shutil.copy("/lib64/ld-linux-x86-64.so.2", loader)
        path = compiled(folder, SERVER, f"-Wl,--dynamic-linker={loader}")
        whole, _ = check(build, path, status=2)
    assert "another C library" in whole["verdict"], whole["verdict"]


def test_set_user_id(build):
    """As one who is not its owner."""
    with place() as folder:
        folder.chmod(0o755)
        path = compiled(folder, SERVER)
        path.chmod(path.stat().st_mode | stat.S_ISUID)
        ran = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", build / "shim" / "unthread", "check", path],
                             capture_output=True, text=True, timeout=PATIENCE, cwd="/")  # fmt: skip
        expect(ran.returncode, 2, ran.stdout + ran.stderr)
        assert "set-user-ID" in ran.stdout, ran.stdout + ran.stderr


def test_missing_library(build):
    with place() as folder:
        library = compiled(folder, "int f(void) { return 1; }", "-shared", "-fPIC", name="libgone.so")
        path = compiled(folder, "int f(void); int main(void) { return f(); }", f"-L{folder}", "-lgone")
        library.unlink()
        whole, _ = check(build, path, status=2)
    expect(titles(whole, "blocker"), ["libgone.so is missing"])


def test_finds_libraries_as_the_loader_does(build):
    """By $ORIGIN in RUNPATH and RPATH; the loader's own list is the oracle."""
    with place() as folder:
        (folder / "libs").mkdir()
        inner = "int g(void) { return 1; }"
        compiled(folder / "libs", inner, "-shared", "-fPIC", name="libinner.so")
        compiled(folder / "libs", "int g(void); int f(void) { return g(); }", "-shared", "-fPIC", f"-L{folder}/libs", "-linner",
                 "-Wl,-rpath,$ORIGIN", name="libouter.so")  # fmt: skip
        compiled(folder / "libs", "int g(void); int f(void) { return g(); }", "-shared", "-fPIC", f"-L{folder}/libs", "-linner",
                 name="libplain.so")  # fmt: skip
        path = compiled(folder, "int f(void); int main(void) { return f(); }", f"-L{folder}/libs", "-lplain",
                        "-Wl,--disable-new-dtags,-rpath,$ORIGIN/libs", f"-Wl,-rpath-link,{folder}/libs")  # fmt: skip
        expect(titles(check(build, path)[0], "blocker"), [], "RPATH holds for what a library needs, too")
        path = compiled(folder, "int f(void); int main(void) { return f(); }", f"-L{folder}/libs", "-lplain",
                        "-Wl,--enable-new-dtags,-rpath,$ORIGIN/libs", f"-Wl,-rpath-link,{folder}/libs")  # fmt: skip
        expect(titles(check(build, path)[0], "blocker"), ["libinner.so is missing"], "RUNPATH does not")
        expect(subprocess.run([path], capture_output=True).returncode, 127, "as the loader says")
        for tags in ("--enable-new-dtags", "--disable-new-dtags"):
            path = compiled(folder, "int f(void); int main(void) { return f(); }", f"-L{folder}/libs", "-louter",
                            f"-Wl,{tags},-rpath,$ORIGIN/libs", f"-Wl,-rpath-link,{folder}/libs")  # fmt: skip
            whole, _ = check(build, path)
            expect(titles(whole, "blocker"), [], tags)
            assert {"libouter.so", "libinner.so"} <= set(whole["libraries"]), whole["libraries"]
    for program in ("/usr/sbin/mariadbd", "/usr/bin/python3", "/usr/sbin/apache2"):
        listed = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
        names = {line.split()[0] for line in listed.splitlines() if "=>" in line}
        expect(set(check(build, program)[0]["libraries"]) - {"ld-linux-x86-64.so.2"}, names, program)


INLINE = THREADS + """
static long call_inline(long n, long a, void *b, long c) { long r; __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b),
    "d"(c) : "rcx", "r11", "memory"); return r; }
static long pid_inline(void) { long r; __asm__ volatile("movl $39, %%eax\\n\\tsyscall" : "=a"(r) : : "rcx", "r11", "memory");
    return r; }
static void *serve(void *p) { char c; BODY; return p; }
int main(void) { pthread_t t; for (;;) pthread_create(&t, 0, serve, (void *)(long)accept(3, 0, 0)); }
"""


def test_system_call_instructions(build):
    with place() as folder:
        inline = compiled(folder, INLINE.replace("BODY", "(void)c; (void)call_inline; pid_inline()"), "-O1", name="harmless")
        whole, _ = check(build, inline, status=1)
        expect(titles(whole, "note"), ["system call instructions of its own in harmless"])
        blocks = compiled(folder, INLINE.replace("BODY", 'int n = 0; __asm__ volatile("movl $0, %%eax\\n\\tsyscall" : "=a"(n) : '
                                                 '"D"((long)p), "S"(&c), "d"(1L) : "rcx", "r11", "memory"); pid_inline()'),
                          "-O1", name="blocking")  # fmt: skip
        whole, _ = check(build, blocks, status=1)
        expect(titles(whole, "degraded"), ["system call instructions of its own in blocking"])
        assert "may block: read" in json.dumps(whole["findings"]), whole["findings"]
        computed = compiled(folder, INLINE.replace("BODY", "call_inline((long)p, 0, &c, 1)"), "-O0", name="computed")
        whole, _ = check(build, computed, status=1)
        expect(titles(whole, "degraded"), ["system call instructions of its own in computed"])
        assert "number that is computed" in json.dumps(whole["findings"]), whole["findings"]
        data = compiled(folder, SERVER + 'const char data[] = "\\xb8\\x02\\0\\0\\0\\x90\\x0f\\x05";')
        expect(titles(check(build, data, status=0)[0], "note"), [], "data are no code")


def test_system_calls_against_the_disassembler(_):
    """objdump is the oracle, for a library that has many and for one whose data look like some."""
    for name, most in (("libc.so.6", 600), ("libpcre2-8.so.0", 0), ("libsystemd.so.0", 0)):
        path = f"/lib/x86_64-linux-gnu/{name}"
        listed = subprocess.run(["objdump", "-d", path], capture_output=True, text=True).stdout
        sites = {int(line.split(":")[0], 16) for line in listed.splitlines() if line.endswith("syscall ")
                 or line.endswith("syscall")}  # fmt: skip
        found = elfs.read(path).syscalls
        assert len(found) <= len(sites) <= most, (name, len(found), len(sites))
        assert not sites or len(found) > 0.95 * len(sites), (name, len(found), len(sites))


def test_names_of_libc(build):
    """The program's own read comes before that of a preloaded library, for its libraries as well."""
    with place() as folder:
        source = SERVER.replace("int main", "ssize_t recv(int a, void *b, size_t c, int d) { return 0; }\nint main")
        whole, _ = check(build, compiled(folder, source, "-rdynamic"), status=1)
    expect(titles(whole, "degraded"), ["has functions of its own with 1 of libc's names"])


def test_broken_sections(build):
    """The loader does not look at them: what runs fits."""
    with place() as folder:
        path = compiled(folder, SERVER)
        data = bytearray(path.read_bytes())
        data[40:48] = (1 << 40).to_bytes(8, "little")  # e_shoff
        path.write_bytes(data)
        whole, _ = check(build, path)
        expect((whole["shape"], titles(whole, "blocker")), ("threads", []))
        assert "accept" in whole["symbols"], whole["symbols"]


def test_own_stacks(build):
    with place() as folder:
        path = compiled(folder, SERVER.replace("pthread_t t;", "pthread_t t; pthread_attr_t a; pthread_attr_setstack(&a, 0, 0);"))
        whole, _ = check(build, path, status=1)
    expect(titles(whole, "degraded"), ["uses pthread_attr_setstack"])


def test_deepbind_and_tls(build):
    with place() as folder:
        path = compiled(folder, SERVER.replace("int main(void) {", "#include <dlfcn.h>\n__thread char much[100000]; int main(void) {"
                                               "dlopen(0, RTLD_DEEPBIND); much[0] = 1;"))  # fmt: skip
        whole, _ = check(build, path, status=1)
    expect(sorted(titles(whole, "note")), ["loads libraries while it runs", "much thread-local memory"])


# What is no program.


def test_scripts(build):
    with place() as folder:
        for line in ("#!/usr/bin/stunnel4", "#!/usr/bin/env stunnel4", "#! /usr/bin/env -S FOO=1 stunnel4 -B"):
            script = folder / "script"
            script.write_text(line + "\nprint()\n")
            script.chmod(0o755)
            whole, _ = check(build, script)
            expect(whole["shape"], "threads", line)
            assert "script →" in whole["facts"]["scripts"], whole["facts"]
        script.write_text(f"#!{script}\n")
        check(build, script, status=2)


def test_not_programs(build):
    with place() as folder:
        (folder / "empty").write_text("")
        (folder / "text").write_text("hello\n")
        (folder / "magic").write_bytes(b"\x7fELF")
        shutil.copy("/bin/ls", folder / "cut")
        os.truncate(folder / "cut", 3000)
        os.mkfifo(folder / "fifo")
        for file in folder.iterdir():
            file.chmod(0o755)
        (folder / "closed").write_text("#!/bin/sh\n")
        (folder / "closed").chmod(0)
        for path in (*folder.iterdir(), folder, folder / "missing", "/dev/zero", "/dev/null", "/proc/self/mem", "no-such-name", "",
                     "999999999", "²", "٣", "a\nb\x1b[31m", "/" + "x" * 5000):  # fmt: skip
            _, said = check(build, path, status=2)
            assert "\x1b" not in said, "what a name has goes to the terminal"


def test_refusals_agree_with_run(build):
    """Whatever run refuses has a blocker, and the other way round."""
    with place() as folder:
        programs = [compiled(folder, SERVER, name="dynamic"), compiled(folder, SERVER, "-static", name="static"),
                    compiled(folder, SERVER, "-shared", "-fPIC", name="shared.so"), Path("/bin/true"),
                    Path("/lib64/ld-linux-x86-64.so.2"), Path("/usr/bin/ldd"), folder]  # fmt: skip
        for path in programs:
            ran = subprocess.run([build / "shim" / "unthread", "examine", path], capture_output=True)
            whole, said = check(build, path)
            expect(bool(titles(whole, "blocker")), ran.returncode == 2, f"{path}: {said}")


def test_usage(build):
    for words, said in (([], "no program given"), (["--load", "true", "ls"], "belongs to --trace"),
                        (["--trace", "0", "ls"], "--trace"), (["--nonsense"], "unrecognized"),
                        (["--html", "/no/such/place", "/bin/ls"], "No such file")):  # fmt: skip
        assert said in check(build, *words, status=2)[1], (words, said)


def test_page(build):
    with place() as folder:
        check(build, "--html", folder / "page.html", "/usr/sbin/mariadbd")
        page = (folder / "page.html").read_text()
    assert "mariadbd fits" in page and "accept4" in page
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page), "the page refers to the network"


def test_name_that_is_no_text(build):
    with place() as folder:
        path = os.fsencode(compiled(folder, SERVER)) + b"\xff\xfe"
        shutil.copy(folder / "program", path)
        for more in ([], ["--json"], ["--html", folder / "page.html"]):
            ran = subprocess.run([build / "shim" / "unthread", "check", *more, path], capture_output=True, timeout=PATIENCE)
            expect(ran.returncode, 0, ran.stdout + ran.stderr)
        assert b"accept" in (folder / "page.html").read_bytes()


def test_text(build):
    ran = subprocess.run([build / "shim" / "unthread", "check", "--symbols", "/usr/sbin/privoxy"], capture_output=True, text=True)
    for part in ("score    ", "shape    ", "gain     ", "run      unthread", "good news:", "accept "):
        assert part in ran.stdout, (part, ran.stdout)


# Processes and traces.


@contextmanager
def running(words, **more):
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **more)
    try:
        port = int(re.search(r"listening on (\d+)", process.stdout.readline())[1])
        yield process, port
    finally:
        process.kill()
        process.wait()


def test_process(build):
    echo = build / "demos" / "echo" / "echo"
    with running([echo, "0"]) as (process, _):
        whole, _ = check(build, process.pid)
        expect(whole["path"], str(echo))
        assert "libc.so.6" in whole["libraries"], whole["libraries"]
        _, said = check(build, "--trace", "0.2", process.pid, status=2)
        assert "does not run under unthread" in said, said


def ask(build, port):
    subprocess.run([build / "tests" / "bench" / "load", "--port", str(port), "--connections", "10", "--requests", "100"],
                   check=True, stdout=subprocess.DEVNULL)  # fmt: skip


def test_traces_a_process(build):
    echo = build / "demos" / "echo" / "echo"
    with place() as folder:
        words = [build / "shim" / "unthread", "--stats-signal=usr2", f"--log-file={folder}/log", "--", echo, "0"]
        with running(words) as (process, port):
            ask(build, port)
            whole, _ = check(build, "--trace", "0.3", process.pid)
            assert ", under unthread already" in whole["facts"]["process"], whole["facts"]
            expect(whole["trace"]["counters"]["coroutines made (each with a thread control block of its own)"], 10)
            assert process.poll() is None, "it goes on"
        with running([build / "shim" / "unthread", "--", echo, "0"]) as (process, _):
            _, said = check(build, "--trace", "0.2", process.pid, status=2)
            assert "--stats-signal" in said, said


def test_traces_a_run(build):
    port = daemon.free_port()
    load = f"{build}/tests/bench/load --port {port} --connections 10 --requests 500"
    whole, _ = check(build, "--trace", "3", "--load", load, build / "demos" / "echo" / "echo", "--", port)
    expect(whole["trace"]["counters"]["coroutines made (each with a thread control block of its own)"], 10)
    assert 0 < whole["trace"]["kernel_threads"] <= 2 + 6, whole["trace"]
    assert whole["facts"]["its threads"].startswith("10 × "), whole["facts"]
    assert "mostly computes" not in titles(whole, "note"), whole["trace"]
    assert "nothing held a kernel thread" in titles(whole, "good news") or whole["trace"]["kinds"], whole["findings"]
    expect(daemon.is_listening(port), False, "it stays")


HOG = """
import hashlib, threading
data = b"1" * 10000000
def work():
    for _ in range(24): hashlib.sha512(data)
threads = [threading.Thread(target=work) for _ in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_trace_finds_who_computes(build):
    with place() as folder:
        script = folder / "hog"
        script.write_text("#!/usr/bin/python3\n" + HOG)
        script.chmod(0o755)
        whole, _ = check(build, "--trace", "20", script, status=1)
    held = [finding for finding in whole["findings"] if "held a kernel thread" in finding["title"]]
    assert any("computing" in finding["title"] for finding in held), whole["findings"]
    assert "mostly computes" in titles(whole, "note"), whole["findings"]
    assert whole["trace"]["cpu_seconds"] > 0.5 and whole["trace"]["ended_alone"], whole["trace"]


def test_trace_names_locks_and_threads(build):
    source = """#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
pthread_mutex_t bottleneck = PTHREAD_MUTEX_INITIALIZER, quick = PTHREAD_MUTEX_INITIALIZER;
pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;
int word;
void *serve(void *unused)
{
    for (int i = 0; i < 4; i++) {
        pthread_mutex_lock(&bottleneck);
        usleep(15000);
        pthread_mutex_unlock(&bottleneck);
        pthread_mutex_lock(&quick);
        pthread_mutex_unlock(&quick);
    }
    pthread_rwlock_wrlock(&table);
    usleep(150000);
    return pthread_rwlock_unlock(&table) ? &word : unused;
}
void *keep_house(void *unused)
{
    struct timespec time = {.tv_nsec = 30000000};
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &time, 0, 0);
    return unused;
}
int main(void)
{
    pthread_t threads[5];
    for (int i = 0; i < 5; i++)
        pthread_create(&threads[i], 0, i ? serve : keep_house, 0);
    for (int i = 0; i < 5; i++)
        pthread_join(threads[i], 0);
}
"""
    with place() as folder:
        whole, text = check(build, "--trace", "20", compiled(folder, source, "-rdynamic"), status=1)
    expect(sorted(whole["facts"]["its threads"].split(", ")), ["1 × keep_house+0 (program)", "4 × serve+0 (program)"])
    notes = [title for title in titles(whole, "note") if title.startswith("threads slept")]
    for lock in ("the lock bottleneck", "the lock table", "the futex word"):
        assert any(f"for {lock}" in title for title in notes), whole["findings"]
    assert not any("quick" in title for title in notes), notes
    evidence = next(one["evidence"] for one in whole["findings"] if "bottleneck" in one["title"])
    assert evidence[0] == "pthread_mutex_lock" and any(line.startswith("at serve+") for line in evidence), evidence


def test_trace_tells_of_counters(build):
    source = """#include <dlfcn.h>
#include <pthread.h>
static void *load(void *name) { return dlopen(name, RTLD_NOW | RTLD_DEEPBIND); }
int main(void) { pthread_t t; pthread_create(&t, 0, load, "libz.so.1"); return pthread_join(t, 0); }
"""
    with place() as folder:
        whole, _ = check(build, "--trace", "20", compiled(folder, source), status=1)
    assert any(title.startswith("1 × dlopen calls whose RTLD_DEEPBIND") for title in titles(whole, "note")), whole["findings"]


def test_trace_of_a_program_that_cannot_be(build):
    for words in (["/bin/sh", "--", "-c", "kill -9 $$"], ["/bin/sh", "--", "-c", "trap '' TERM; while :; do sleep 1; done"]):
        _, said = check(build, "--trace", "0.3", *words, status=2)
        assert "no account" in said, said


ACCOUNT = """unthread[1]: hello
          50  coroutines made (each with a thread control block of its own)
       times    total ms  longest ms  which threads there were: the worst of 2
          49   30000.000   10000.000  process_work (server)
           1   10000.000   10000.000  server+0x1230
       times    total ms  longest ms  which locks were waited for: the worst of 1
          99     396.304       4.194  pthread_mutex_lock of counter (server)
                                        thread "server"
                                        at process_work+0x24 (server)
       times    total ms  longest ms  what held a kernel thread: the worst of 2
           5    1799.088     669.518  computing
                                        thread "python3" of python3+0x23bb20
                                        at libc.so.6+0x891f5
           1       0.100       0.100  fsync
"""


def test_reads_an_account(_):
    found = trace.read_account(ACCOUNT)
    expect(found["counters"], {"coroutines made (each with a thread control block of its own)": 50})
    expect([(one["what"], one["times"], one["longest_ms"], len(one["stack"])) for one in found["kinds"]],
           [("computing", 5, 669.518, 2), ("fsync", 1, 0.1, 0)])
    expect([(one["what"], one["times"]) for one in found["threads"]], [("process_work (server)", 49), ("server+0x1230", 1)])
    expect([(one["what"], one["total_ms"], len(one["stack"])) for one in found["locks"]],
           [("pthread_mutex_lock of counter (server)", 396.304, 2)])


def test_all_libraries_together_have_a_budget(build):
    with place() as folder:
        flags = ["-Wl,--no-as-needed", f"-L{folder}", f"-Wl,-rpath,{folder}"]
        for name in ("one", "two", "three", "four"):
            compiled(folder, f"int {name};", "-shared", "-fPIC", f"-Wl,-soname,lib{name}.so", name=f"lib{name}.so")
            flags.append(f"-l{name}")
        program = compiled(folder, SERVER, *flags)
        found = closure.gather(str(program))
        expect((found.broken, found.missing), ([], []))
        assert {"libone.so", "libtwo.so", "libthree.so", "libfour.so"} <= set(found.libraries), found.libraries
        clock, given, read = [0.0], [], elfs.read

        def take_long(path, seconds=elfs.READ_SECONDS):
            given.append(seconds)
            clock[0] += 14
            return read(path)

        with mock.patch.object(closure.elfs, "read", take_long), mock.patch.object(closure.time, "monotonic", lambda: clock[0]):
            found = closure.gather(str(program))
        expect(given[1:], [elfs.READ_SECONDS, elfs.READ_SECONDS, closure.MOST_SECONDS - 28], "the last has what is left")
        expect(found.broken, [f"reading all libraries takes longer than {closure.MOST_SECONDS:g} s"])
        expect(len(found.libraries), 3)
        assert "libfour.so" in [name for name, _ in found.missing], found.missing


def test_known(build):
    ran = subprocess.run([build / "shim" / "unthread", "check", "--known"], capture_output=True, text=True)
    for one in known.load():
        expect(set(known.FIELDS) - set(one), set(), one)
        assert one["program"] in ran.stdout and one["version"] in ran.stdout, one
    assert len(known.load()) >= 8
    readme = (ROOT / "README.md").read_text()
    assert known.markdown() in readme, "the README's table is not what the database says: put this there\n" + known.markdown()
