# SPDX-License-Identifier: MIT
"""Where the library is looked for."""
import json
import os
import shutil

from sandbox import need


def directories(sandbox):
    result = sandbox.native("meson", "introspect", "--buildoptions", sandbox.build)
    options = {option["name"]: option["value"] for option in json.loads(result.stdout)}
    return options["bindir"], options["libdir"]


def install(sandbox, prefix, below):
    """A tree as meson installs it, somewhere else. Returns the command and the library."""
    bindir, libdir = directories(sandbox)
    command = prefix / bindir / "unthread"
    library = prefix / libdir / below / "libunthread.so"
    command.parent.mkdir(parents=True, exist_ok=True)
    library.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(sandbox.command, command)
    shutil.copy2(sandbox.library, library)
    return command, library


def loaded(sandbox, command, *prefix):
    result = sandbox.run("printenv", "LD_PRELOAD", command=command, prefix=prefix)
    assert result.returncode == 0, result
    return result.stdout.decode().strip()


def test_installed_tree_that_was_moved(sandbox):
    for below in ("", "unthread"):
        command, library = install(sandbox, sandbox.root / f"prefix{below}", below)
        assert loaded(sandbox, command) == str(library)


def test_private_directory_comes_first(sandbox):
    install(sandbox, sandbox.root / "both", "")
    command, library = install(sandbox, sandbox.root / "both", "unthread")
    assert loaded(sandbox, command) == str(library)


def test_through_links_and_path(sandbox):
    command, library = install(sandbox, sandbox.root / "linked", "unthread")
    link = sandbox.root / "links" / "unthread"
    link.parent.mkdir()
    link.symlink_to(command)
    assert loaded(sandbox, link) == str(library)
    result = sandbox.native("sh", "-c", "unthread printenv LD_PRELOAD",
                            env={"PATH": f"{link.parent}:{os.environ['PATH']}"})
    assert result.stdout.decode().strip() == str(library)


def test_missing(sandbox):
    alone = sandbox.root / "alone" / "unthread"
    alone.parent.mkdir()
    shutil.copy2(sandbox.command, alone)
    _, libdir = directories(sandbox)
    text = sandbox.run("true", command=alone).stderr.decode()
    need("libunthread" in text, "one is installed in this build's own prefix")
    sandbox.refused("true", command=alone, why="libunthread.so is neither beside this command")
    sandbox.refused("true", command=alone, why=libdir)


def test_what_is_no_library_is_passed_over(sandbox):
    command, library = install(sandbox, sandbox.root / "odd", "unthread")
    for content in (b"", b"not a library", b"\x7fELF" + b"\0" * 60):
        sandbox.file("odd/" + os.path.relpath(command.parent, sandbox.root / "odd") +
                     "/libunthread.so", content)
        assert loaded(sandbox, command) == str(library)
    (command.parent / "libunthread.so").unlink()
    (command.parent / "libunthread.so").mkdir()
    assert loaded(sandbox, command) == str(library)


def test_paths_that_a_list_cannot_hold(sandbox):
    for name in ("a b", "a:b", "a$LIB"):
        place = sandbox.root / name
        place.mkdir()
        shutil.copy2(sandbox.command, place / "unthread")
        shutil.copy2(sandbox.library, place / "libunthread.so")
        sandbox.refused("true", command=place / "unthread",
                        why=f"{name}/libunthread.so: LD_PRELOAD cannot")


def test_other_strange_paths_work(sandbox):
    place = sandbox.root / "ü;'\"(x)"
    place.mkdir()
    for name in ("unthread", "libunthread.so"):
        shutil.copy2(sandbox.root / name, place / name)
    sandbox.runs_preloaded(sandbox.probe, command=place / "unthread")
