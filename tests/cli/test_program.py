# SPDX-License-Identifier: MIT
"""Which programs are found, and which are refused."""
import os
import shutil

from sandbox import need, need_tool


def search_path(*directories):
    return {"PATH": ":".join([*map(str, directories), "/usr/bin:/bin"])}


def test_missing(sandbox):
    sandbox.refused("no-such-program", why="no-such-program: no such program")
    sandbox.refused("./no-such-program", why="no such program", cwd=sandbox.root)
    sandbox.refused("/no/such/program", why="no such program")
    sandbox.refused(f"{sandbox.probe}/x", why="no such program")
    sandbox.refused("", why="no such program")
    sandbox.refused("x" * 5000, why="name too long")
    sandbox.refused("/" + "x" * 5000, why="name too long")
    (sandbox.root / "loop").symlink_to("loop")
    sandbox.refused(sandbox.root / "loop", why="symbolic links")


def test_not_executable(sandbox):
    sandbox.copy_of_probe("plain", 0o644)
    sandbox.refused("./plain", why="not executable", cwd=sandbox.root)
    sandbox.refused("plain", why="not executable", env=search_path(sandbox.root))
    sandbox.refused("/dev/null", why="not executable")
    os.mkfifo(sandbox.root / "fifo", 0o777)
    sandbox.refused(sandbox.root / "fifo", why="not executable")


def test_directory(sandbox):
    sandbox.refused("/", why="/: is a directory")
    sandbox.refused(".", why="is a directory")
    sandbox.refused("./", why="is a directory")


def test_search(sandbox):
    first, second = sandbox.root / "first", sandbox.root / "second"
    for directory in (first, second):
        directory.mkdir()
    sandbox.copy_of_probe("second/prog")
    sandbox.copy_of_probe("first/prog", 0o644)
    (first / "other").mkdir()
    sandbox.copy_of_probe("second/other")
    env = search_path("/nonexistent", sandbox.probe, first, second)
    sandbox.runs_preloaded("prog", env=env)
    sandbox.runs_preloaded("other", env=env)
    sandbox.runs_preloaded("prog", env={"PATH": f"/nonexistent::{first}"}, cwd=second)
    sandbox.runs_preloaded("prog", env={"PATH": ""}, cwd=second)
    sandbox.refused("prog", env={"PATH": str(first)}, why="not executable")
    sandbox.refused("prog", env={"PATH": "/nonexistent"}, why="no such program")
    locked = sandbox.root / "locked"
    locked.mkdir(mode=0)  # root may search it all the same
    sandbox.refused("none", env=search_path(locked), why="no such program")
    locked.rmdir()
    assert sandbox.run("true", env={"PATH": None}).returncode == 0


def test_relative_programs(sandbox):
    sandbox.runs_preloaded("./probe", cwd=sandbox.root)
    sandbox.runs_preloaded(f"../{sandbox.root.name}/probe", cwd=sandbox.root)


def test_neither_elf_nor_script(sandbox):
    for content in ("", "echo hello\n", "#", "#!", "#! \n", "\x7fEL", "# !/bin/sh\n"):
        path = sandbox.file("data", content)
        sandbox.refused(path, why="neither an ELF program nor a script")


def test_static(sandbox):
    for name, flag in (("static", "-static"), ("static-pie", "-static-pie")):
        sandbox.compile("int main(void) { return 0; }", sandbox.root / name, flag)
        assert sandbox.native(sandbox.root / name).returncode == 0
        sandbox.refused(sandbox.root / name, why="statically linked")


def test_no_program_at_all(sandbox):
    sandbox.compile("int x;", sandbox.root / "object.o", "-c")
    (sandbox.root / "object.o").chmod(0o755)
    sandbox.refused(sandbox.root / "object.o", why="not a program")


def test_other_machine(sandbox):
    compiler = need_tool("aarch64-linux-gnu-gcc")
    need(os.uname().machine == "x86_64", "this is no x86-64 machine")
    path = sandbox.compile("int main(void) { return 0; }", sandbox.root / "arm",
                           compiler=compiler)
    sandbox.refused(path, why="built for AArch64, this is unthread for x86-64")


def test_other_machine_class_and_order(sandbox):
    image = bytearray(sandbox.probe.read_bytes())
    little = image[5] == 1

    def altered(*changes):
        copy = bytearray(image)
        for offset, value in changes:
            copy[offset] = value
        return sandbox.file("altered", bytes(copy))

    need(little, "a big-endian machine")
    sandbox.refused(altered((18, 243), (19, 0)), why="built for RISC-V, ")
    sandbox.refused(altered((18, 0x67), (19, 0x12)), why="built for machine 4711, ")
    sandbox.refused(altered((4, 1), (18, 3), (19, 0)), why="built for 32-bit i386, ")
    sandbox.refused(altered((4, 1), (18, 62), (19, 0)), why="built for 32-bit x86-64, ")
    sandbox.refused(altered((5, 2), (18, 0), (19, 22)), why="built for S/390, ")
    sandbox.refused(altered((4, 0)), why="built for ")


def with_loader(sandbox, loader):
    """The probe with another name in the place of its loader's."""
    image = sandbox.probe.read_bytes()
    start = image.index(b"/ld-linux")
    start = image.rindex(b"\0", 0, start) + 1
    end = image.index(b"\0", start)
    assert len(loader) <= end - start
    loader = loader.encode().ljust(end - start, b"\0")
    return sandbox.file("loaded", image[:start] + loader + image[end:])


def test_other_libc(sandbox):
    sandbox.refused(with_loader(sandbox, "/lib/ld-musl-x86_64.so.1"),
                    why="another C library than glibc (loader /lib/ld-musl-x86_64.so.1)")
    sandbox.refused(with_loader(sandbox, "/system/bin/linker64"), why="another C library")


def test_loader_that_is_missing(sandbox):
    sandbox.refused(with_loader(sandbox, "/no/ld-linux-x86-64.so.2"),
                    why="its loader /no/ld-linux-x86-64.so.2: No such file")


def test_loader_by_another_name(sandbox):
    """A vendor's link to glibc's loader is glibc's loader."""
    image = sandbox.probe.read_bytes()
    start = image.rindex(b"\0", 0, image.index(b"/ld-linux")) + 1
    real = image[start:image.index(b"\0", start)].decode()
    link = sandbox.root / "l"
    link.symlink_to(real)
    path = with_loader(sandbox, "/proc/self/cwd/l")
    sandbox.runs_preloaded(path, cwd=sandbox.root)
    # And the loader itself is a command that honours the preload.
    sandbox.runs_preloaded(real, sandbox.probe)


def test_unreadable_but_executable(sandbox):
    need(os.geteuid() == 0, "needs root to become somebody else")
    setpriv = need_tool("setpriv")
    path = sandbox.copy_of_probe("unreadable", 0o711)
    sandbox.runs_preloaded(path, prefix=[setpriv, "--reuid=65534", "--regid=65534",
                                         "--clear-groups"])


def test_many_system_programs_are_accepted(sandbox):
    """No false alarm: what is on the machine is examined, and what is refused, rightly so."""
    inspect = sandbox.build / "tests" / "cli" / "inspect"
    files = [entry.path for entry in os.scandir("/usr/bin") if entry.is_file()]
    result = sandbox.native(inspect, *sorted(files))
    assert result.returncode == 0, result.stderr[-2000:]
    lines = result.stdout.decode(errors="replace").splitlines()
    assert len(lines) == len(files)
    refused = [line for line in lines if not line.endswith(": fine")]
    for line in refused:
        assert any(word in line for word in ("statically linked", "runs set-", "capabilities",
                                             "no such program", "not executable",
                                             "neither an ELF")), line
        if "statically linked" in line:
            described = sandbox.native("readelf", "-l", line.split(":")[0]).stdout
            assert b"INTERP" not in described, line
    assert len(refused) < len(lines) / 4
    assert shutil.which("sh") in [line[:-6] for line in lines if line.endswith(": fine")] or \
        os.path.realpath(shutil.which("sh")) in [line[:-6] for line in lines]
