# SPDX-License-Identifier: MIT
"""#! lines: the command must see them as the kernel does."""
import os


def static_program(sandbox):
    path = sandbox.root / "static-interpreter"
    if not path.exists():
        sandbox.compile("int main(void) { return 0; }", path, "-static")
    return path


def natively(sandbox, path):
    try:
        return sandbox.native(path).returncode
    except OSError as error:
        return error.strerror


def test_plain(sandbox):
    for line in ("#!{}\n", "#! {}\n", "#!\t {} \t\n", "#!{}", "#!{} argument with blanks\n"):
        path = sandbox.file("script", line.format(sandbox.probe))
        sandbox.runs_preloaded(path)


def test_refused_interpreters(sandbox):
    static = static_program(sandbox)
    data = sandbox.file("data-interpreter", "no program\n")
    cases = {
        "/no/such/interpreter": "its interpreter /no/such/interpreter: no such program",
        f"{static}": f"its interpreter {static}: statically linked",
        f"{data}": f"its interpreter {data}: neither an ELF program",
        "/": "its interpreter /: is a directory",
        "/dev/null": "its interpreter /dev/null: not executable",
        "/bin/sh\r": "its interpreter /bin/sh?: no such program",
    }
    for interpreter, why in cases.items():
        sandbox.refused(sandbox.file("script", f"#!{interpreter}\nexit 0\n"), why=why)


def test_chains_up_to_the_kernels_limit(sandbox):
    """Script N is interpreted by script N-1, ..., script 0 by the probe."""
    paths = [sandbox.file("chain0", f"#!{sandbox.probe}\n")]
    for depth in range(1, 8):
        paths.append(sandbox.file(f"chain{depth}", f"#!{paths[-1]}\n"))
    works = [natively(sandbox, path) == 0 for path in paths]
    assert works[0] and not works[-1], works
    for path, fine in zip(paths, works):
        if fine:
            sandbox.runs_preloaded(path)
        else:
            sandbox.refused(path, why="too many of them")


def test_long_lines_as_the_kernel_reads_them(sandbox):
    """The kernel looks at 256 bytes: an argument may be cut there, an interpreter may not."""
    link = sandbox.root / "p"
    link.symlink_to(sandbox.probe)
    verdicts = set()
    for length in (*range(245, 262), 400):
        for kind in ("path", "blanks", "argument"):
            start = f"{link}"
            if kind == "path":
                start = start.replace("/", "/" * (length - 2 - len(start)), 1)
            elif kind == "blanks":
                start = start.rjust(length - 2)
            else:
                start = (start + " ").ljust(length - 2, "a")
            for end in ("\n", "", " \n"):
                path = sandbox.file("script", "#!" + start + end)
                fine = natively(sandbox, path) == 0
                verdicts.add((kind, fine))
                if fine:
                    sandbox.runs_preloaded(path)
                else:
                    result = sandbox.run(path)
                    assert result.returncode == 2, (kind, length, end, result)
    assert verdicts == {("path", True), ("path", False), ("blanks", True), ("blanks", False),
                        ("argument", True)}, verdicts


def test_env_is_resolved(sandbox):
    static = static_program(sandbox)
    place = sandbox.root / "envpath"
    place.mkdir()
    (place / "dynamic").symlink_to(sandbox.probe)
    (place / "static").symlink_to(static)
    sandbox.file("envpath/nested", "#!/usr/bin/env static\n")
    env = {"PATH": f"{place}:{os.environ['PATH']}"}
    for words in ("dynamic", "-S dynamic x", "-S A=1 dynamic", "--split-string=dynamic x"):
        sandbox.runs_preloaded(sandbox.file("script", f"#!/usr/bin/env {words}\n"), env=env)
    for words, why in (("static", "static: statically linked"),
                       ("-S static -x", "statically linked"),
                       ("-S A=b static", "statically linked"), ("nested", "statically linked"),
                       ("no-such", "its interpreter no-such: no such program"),
                       ("/no/such", "its interpreter /no/such: no such program")):
        sandbox.refused(sandbox.file("script", f"#!/usr/bin/env {words}\n"), env=env, why=why)


def test_env_that_is_too_clever_is_left_alone(sandbox):
    """What env's own language would mean is not guessed: env itself is then the program."""
    for words in ("-S 'true'", "-S \"true\"", "-S --unset=X true"):
        path = sandbox.file("script", f"#!/usr/bin/env {words}\n")
        assert sandbox.run(path).returncode == natively(sandbox, path) == 0, words


def test_circles(sandbox):
    me = sandbox.root / "circle"
    sandbox.refused(sandbox.file("circle", f"#!/usr/bin/env {me}\n"), why="in a circle")
    sandbox.refused(sandbox.file("circle", f"#!{me}\n"), why="too many of them")


def test_a_script_without_read_permission_is_no_crash(sandbox):
    path = sandbox.file("script", "#!/bin/sh\nexit 3\n", 0o111)
    assert sandbox.run(path).returncode == natively(sandbox, path)
