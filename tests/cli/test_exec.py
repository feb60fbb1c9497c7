# SPDX-License-Identifier: MIT
"""Becoming the program: preload, status, streams, identity."""
import os
import shutil
import signal


def preload(sandbox, before):
    result = sandbox.run("printenv", "LD_PRELOAD", env={"LD_PRELOAD": before})
    return result.stdout.decode().rstrip("\n")


def test_library_is_loaded(sandbox):
    sandbox.runs_preloaded(sandbox.probe)
    sandbox.runs_preloaded("--off", "--", sandbox.probe)
    assert sandbox.native(sandbox.probe).stdout == b"secure 0 preloaded 0\n"


def test_preload_is_merged(sandbox):
    ours = str(sandbox.library)
    other = sandbox.compile("", sandbox.root / "other.so", "-shared")
    third = sandbox.compile("", sandbox.root / "third.so", "-shared")
    elsewhere = sandbox.root / "elsewhere" / "libunthread.so"
    elsewhere.parent.mkdir()
    shutil.copy(sandbox.library, elsewhere)
    assert preload(sandbox, None) == ours
    assert preload(sandbox, "") == ours
    assert preload(sandbox, f"{other}") == f"{ours}:{other}"
    assert preload(sandbox, f"{other} {third}") == f"{ours}:{other}:{third}"
    assert preload(sandbox, f" :{other}:: {third} ") == f"{ours}:{other}:{third}"
    assert preload(sandbox, ours) == ours
    assert preload(sandbox, f"{other}:{ours}:{third}:{ours}") == f"{ours}:{other}:{third}"
    # Another copy would be a second runtime in the same process.
    assert preload(sandbox, f"{elsewhere} {other}") == f"{ours}:{other}"


def test_similar_names_in_the_preload_are_kept(sandbox):
    similar = sandbox.compile("", sandbox.root / "notlibunthread.so", "-shared")
    assert preload(sandbox, str(similar)) == f"{sandbox.library}:{similar}"


def test_nested_commands(sandbox):
    sandbox.runs_preloaded("--", sandbox.command, "--stats", sandbox.command, sandbox.probe)


def test_exit_status(sandbox):
    for status in (0, 1, 2, 7, 126, 255):
        assert sandbox.run("sh", "-c", f"exit {status}").returncode == status


def test_death_by_signal(sandbox):
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGABRT):
        result = sandbox.run("sh", "-c", f"ulimit -c 0; kill -{int(number)} $$")
        assert result.returncode == -number, result


def test_streams(sandbox):
    data = bytes(range(256)) * 4096
    assert sandbox.run("cat", stdin=data).stdout == data
    result = sandbox.run("sh", "-c", "echo out; echo err >&2")
    assert (result.stdout, result.stderr) == (b"out\n", b"err\n")


def test_same_process_and_name(sandbox):
    result = sandbox.run("sh", "-c", 'echo $0 $$; exec 3<&0; read line; echo "$line"', "name",
                         stdin=b"input\n")
    name, pid = result.stdout.split()[:2]
    assert name == b"name" and result.stdout.endswith(b"input\n") and int(pid) > 1
    with sandbox_process(sandbox, "sh", "-c", "echo $$") as process:
        assert int(process.stdout.read()) == process.pid


def sandbox_process(sandbox, *arguments):
    import subprocess
    return subprocess.Popen([sandbox.command, *arguments], stdout=subprocess.PIPE,
                            env=sandbox.environment())


def test_descriptors_and_signals_are_as_natively(sandbox):
    def prepare():
        os.close(0)
        os.dup2(1, 37)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])

    script = ("import os;print(sorted(os.listdir('/proc/self/fd')));"
              "print([l for l in open('/proc/self/status') if l[:3] in ('Sig', 'Shd')])")
    line = ["/usr/bin/python3", "-S", "-c", script]
    options = {"preexec_fn": prepare, "close_fds": False}
    with_it = sandbox.run("--log-file=/dev/null", "--", *line, **options)
    without = sandbox.native(*line, **options)
    assert with_it.stdout == without.stdout != b"", (with_it, without)
    assert b"'37'" in with_it.stdout and b"'SigQ" in with_it.stdout


def test_arguments_and_variables_arrive_unchanged(sandbox):
    strange = ["", " ", "a\nb", "\\", "*", "é", "--", "-x", "=", "\udcff"]
    script = "import sys,os;print(ascii(sys.argv[1:]), os.environ['STRANGE'])"
    result = sandbox.run("/usr/bin/python3", "-c", script, *strange, env={"STRANGE": "a=b = c"})
    assert result.stdout.decode().strip() == f"{ascii(strange)} a=b = c", result


def test_exec_that_fails_is_126(sandbox):
    # The list is within the kernel's limit for one string until the library is put before it.
    result = sandbox.run("true", env={"LD_PRELOAD": "x" * (131072 - len("LD_PRELOAD=") - 1)})
    assert result.returncode == 126, result.returncode
    assert result.stderr == b"unthread: true: Argument list too long\n"


def test_help_survives_closed_output(sandbox):
    result = sandbox.native("sh", "-c", '"$0" --help >&-', sandbox.command)
    assert result.returncode == 1 and result.stderr.startswith(b"unthread: standard output:")
