# SPDX-License-Identifier: MIT
"""unthread doctor: what it says of this machine, and of one that lacks something."""
import pathlib
import re
import resource
import subprocess


def lines(result):
    return result.stdout.decode().splitlines()


def test_says_what_it_found(sandbox):
    result = sandbox.run("doctor")
    assert result.returncode == 0 and result.stderr == b"", result
    text = result.stdout.decode()
    assert f"ok    {sandbox.library}: " in text
    release = pathlib.Path("/proc/sys/kernel/osrelease").read_text().strip()
    maps = pathlib.Path("/proc/sys/vm/max_map_count").read_text().strip()
    assert f"Linux {release}: " in text and f"vm.max_map_count {maps}: " in text
    for line in lines(result)[:-1]:
        assert re.match(r"(ok  |note|BAD )  \S|      \S", line), line


def test_names_the_remedy(sandbox):
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    result = subprocess.run([sandbox.command, "doctor"], capture_output=True, preexec_fn=few)
    found = lines(result)
    assert result.returncode == 0
    for start, remedy in (("note  100 descriptors", "ulimit -n"), ("note  1073741824 bytes", "--stack-size=64K")):
        at = [i for i, line in enumerate(found) if line.startswith(start)]
        assert len(at) == 1 and remedy in found[at[0] + 1], found
    assert found[-1].startswith("It will work")


def test_without_the_library(sandbox):
    hidden = sandbox.library.rename(sandbox.root / "hidden")
    try:
        result = sandbox.run("doctor", env={"PATH": "/usr/bin"})
    finally:
        hidden.rename(sandbox.library)
    assert result.returncode == 1 and lines(result)[0].startswith("BAD   no library"), result
    assert lines(result)[-1] == "It cannot work here as it is."


def test_takes_no_arguments(sandbox):
    result = sandbox.run("doctor", "x")
    assert result.returncode == 2 and b"takes no arguments" in result.stderr


def test_says_when_it_cannot_write(sandbox):
    with open("/dev/full", "w") as full:
        result = subprocess.run([sandbox.command, "doctor"], stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 1 and b"standard output" in result.stderr
