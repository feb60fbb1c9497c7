# SPDX-License-Identifier: MIT
"""A program and everything it needs, found as the loader finds it: DT_RPATH, LD_LIBRARY_PATH, DT_RUNPATH,
ld.so.cache, the default directories (ld.so(8)). Nothing of the program runs."""

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import elfs

DEFAULTS = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
            "/lib64", "/usr/lib64", "/lib", "/usr/lib")  # fmt: skip
TOKENS = {"ORIGIN": None, "LIB": "lib/x86_64-linux-gnu", "PLATFORM": "x86_64"}
MOST_LIBRARIES = 1000
MOST_SECONDS = 30.0  # for all files together
SCRIPT_DEPTH = 5  # interpreters that may themselves be scripts: fs/exec.c


@dataclass
class Closure:
    """`libraries` are Images by soname, without the program; `missing` are names with who needs them."""
    program: elfs.Image
    libraries: dict = field(default_factory=dict)
    missing: list = field(default_factory=list)
    scripts: list = field(default_factory=list)  # that led to the program
    broken: list = field(default_factory=list)


def _cache():
    """What ld.so.cache has, by soname; the first is the loader's first choice."""
    try:
        printed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, errors="replace",
                                 timeout=20).stdout  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found = {}
    for name, kind, path in re.findall(r"^\s+(\S+) \(([^)]*)\) => (\S+)$", printed, re.MULTILINE):
        if "x86-64" in kind or "AArch64" in kind:
            found.setdefault(name, path)
    return found


def _expand(directories, image):
    origin = os.path.dirname(os.path.realpath(image.path))
    for directory in directories:
        yield re.sub(r"\$(?:(ORIGIN|LIB|PLATFORM)\b|\{(ORIGIN|LIB|PLATFORM)\})",
                     lambda found: TOKENS[found[1] or found[2]] or origin, directory)  # fmt: skip


class _Finder:
    def __init__(self, program):
        self._program = program
        self._cache = _cache()
        self._fits = {}
        self._end = time.monotonic() + MOST_SECONDS
        self.parents = {}  # of an image's path, the image that needed it first

    def _is_right(self, path):
        """Another word size or machine is passed over, as the loader does."""
        if path not in self._fits:
            left = self._end - time.monotonic()
            try:
                if left <= 0:
                    raise elfs.Unreadable("all its libraries take too long to read")
                self._fits[path] = elfs.read(path, min(left, elfs.READ_SECONDS))
            except elfs.Unreadable:
                self._fits[path] = None
        image = self._fits[path]
        right = image and (image.bits, image.machine) == (self._program.bits, self._program.machine)
        return image if right else None

    def is_late(self):
        return time.monotonic() > self._end

    def _rpaths(self, who):
        """Of the image and of those that led to it; none if it has a DT_RUNPATH."""
        if who.runpath:
            return
        while who:
            yield from _expand([] if who.runpath else who.rpath, who)
            who = self.parents.get(who.path)

    def _places(self, name, who):
        if "/" in name:
            yield from _expand([name], who)
            return
        environment = filter(None, re.split("[:;]", os.environ.get("LD_LIBRARY_PATH", "")))
        for directory in (*self._rpaths(who), *environment, *_expand(who.runpath, who)):
            yield os.path.join(directory, name)
        if name in self._cache:
            yield self._cache[name]
        yield from (os.path.join(directory, name) for directory in DEFAULTS)

    def find(self, name, who):
        for place in self._places(name, who):
            if os.path.isfile(place) and (image := self._is_right(place)):
                return image
        return None


def follow_scripts(path):
    """The ELF file that the kernel would execute, and the scripts on the way."""
    scripts = []
    while (words := elfs.script_words(path)) is not None:
        scripts.append(path)
        if len(scripts) > SCRIPT_DEPTH:
            raise elfs.Unreadable("its interpreters are scripts, too many of them")
        path = words[0]
        if os.path.basename(path) == "env" and len(words) > 1:
            target = next((word for word in words[1].split() if not word.startswith("-") and "=" not in word), "")
            path = shutil.which(target) or path
    return path, scripts


def gather(path):
    path, scripts = follow_scripts(path)
    closure = Closure(elfs.read(path), scripts=scripts)
    finder, queue = _Finder(closure.program), [closure.program]
    for image in queue:
        for name in image.needed:
            if name in closure.libraries or len(closure.libraries) > MOST_LIBRARIES:
                continue
            library = finder.find(name, image)
            if library is None:
                if name not in [missing for missing, _ in closure.missing]:
                    closure.missing.append((name, os.path.basename(image.path)))
                continue
            closure.libraries[name] = library
            finder.parents.setdefault(library.path, image)
            queue.append(library)
    if finder.is_late():
        closure.broken.append(f"reading all libraries takes longer than {MOST_SECONDS:g} s")
    return closure


def of_process(pid):
    """The program of a process and what is mapped into it: libraries that it has loaded by itself, too."""
    try:
        path = os.readlink(f"/proc/{pid}/exe")
        maps = os.fsdecode(Path(f"/proc/{pid}/maps").read_bytes())
    except OSError as error:
        raise elfs.Unreadable(f"process {pid}: {error.strerror}") from None
    closure = Closure(elfs.read(f"/proc/{pid}/exe"))
    closure.program.path = path
    for mapped in sorted(set(re.findall(r" r-xp .*? (/\S+\.so[.\d]*)$", maps, re.MULTILINE))):
        try:
            image = elfs.read(mapped)
        except elfs.Unreadable as why:
            closure.broken.append(f"{mapped}: {why}")
            continue
        closure.libraries[image.soname or os.path.basename(mapped)] = image
    return closure
