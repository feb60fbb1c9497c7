# SPDX-License-Identifier: MIT
"""What an ELF file says of itself, read by pyelftools and, where code matters, capstone. Files are not trusted: each
is read within bounds of time and memory, and whatever is in it, the answer is an Image or Unreadable."""

import mmap
import os
import re
import resource
import signal
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field

import capstone
from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection, GNUVerSymSection
from elftools.elf.sections import SymbolTableSection

READ_SECONDS = 10  # for one file; the largest programs take one or two
MEMORY = 4 << 30  # of the whole command
MOST_SYMBOLS = 1 << 20
MOST_TEXT = 4096  # letters of a name

# mov $number,%eax or %rax, and the bytes of a system call instruction before long.
SYSCALL = re.compile(rb"(?:\xb8|\x48\xc7\xc0)(..)\x00\x00.{0,40}?\x0f\x05", re.DOTALL)
DISASSEMBLER = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
MOST_SITES = 10000
MOST_NUMBER = 512  # of a system call


class Unreadable(Exception):
    """Why it is no ELF file, or none that can be read."""


@dataclass
class Image:
    path: str
    machine: str = ""
    bits: int = 0
    dynamic: bool = False
    interpreter: str | None = None
    needed: list = field(default_factory=list)
    soname: str | None = None
    rpath: list = field(default_factory=list)
    runpath: list = field(default_factory=list)
    imports: dict = field(default_factory=dict)  # name -> version or ""
    tls_size: int = 0
    build_id: str = "none"
    runtimes: set = field(default_factory=set)  # "Go", "Rust"
    syscalls: list = field(default_factory=list)  # (offset in the file, number)


def _out_of_time(*_):
    raise ELFError(f"takes longer than {READ_SECONDS} s to read")


@contextmanager
def _bounded():
    """Only in the main thread. An alarm that somebody else has set is lost."""
    old = signal.signal(signal.SIGALRM, _out_of_time)
    signal.alarm(READ_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)


def bound_memory():
    """For the whole process: a file that claims to be huge must not take the machine's memory."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


@contextmanager
def opened(path):
    """A regular file, for reading; never blocks on others."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise Unreadable(getattr(error, "strerror", None) or str(error)) from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise Unreadable("is a directory" if stat.S_ISDIR(mode) else "is no regular file")
    with os.fdopen(descriptor, "rb") as file:
        yield file


def _text(value):
    return value[:MOST_TEXT]


def _read_dynamic(segment, image):
    image.dynamic = True
    for tag in segment.iter_tags():
        kind = tag.entry.d_tag
        if kind == "DT_NEEDED":
            image.needed.append(_text(tag.needed))
        elif kind == "DT_SONAME":
            image.soname = _text(tag.soname)
        elif kind == "DT_RPATH":
            image.rpath = _text(tag.rpath).split(":")
        elif kind == "DT_RUNPATH":
            image.runpath = _text(tag.runpath).split(":")


def _versions(elf):
    """Of each symbol, by its index; and the names of the versions."""
    table, names = None, {}
    for section in elf.iter_sections():
        if isinstance(section, GNUVerSymSection):
            table = section
        elif isinstance(section, GNUVerNeedSection):
            for _, entries in section.iter_versions():
                names.update((entry["vna_other"], _text(entry.name)) for entry in entries)
    return table, names


def _undefined(symbols, elf):
    table, names = _versions(elf)
    known = table.num_symbols() if table else 0
    for index, symbol in enumerate(symbols):
        if index > MOST_SYMBOLS:
            raise ELFError("more symbols than a program has")
        if symbol.entry["st_shndx"] == "SHN_UNDEF" and symbol.name:
            version = table.get_symbol(index)["ndx"] if index < known else None
            yield _text(symbol.name), names.get(version, "")


def _read_section(section, elf, image):
    name = section.name
    if name in (".go.buildinfo", ".note.go.buildid"):
        image.runtimes.add("Go")
    elif name == ".comment" and section["sh_size"] < 1 << 16 and b"rustc" in section.data():
        image.runtimes.add("Rust")
    elif name == ".note.gnu.build-id" and section["sh_size"] < 1 << 12:
        for note in section.iter_notes():
            if note["n_type"] == "NT_GNU_BUILD_ID":
                image.build_id = str(note["n_desc"])[:MOST_TEXT]
    elif name == ".dynsym" and isinstance(section, SymbolTableSection):
        image.imports.update(_undefined(section.iter_symbols(), elf))


def _read_segments(elf, image):
    """Returns the dynamic one, if there is one."""
    dynamic = None
    for segment in elf.iter_segments():
        kind = segment["p_type"]
        if kind == "PT_INTERP":
            image.interpreter = _text(segment.get_interp_name())
        elif kind == "PT_TLS":
            image.tls_size += segment["p_memsz"]
        elif isinstance(segment, DynamicSegment):
            dynamic = segment
    return dynamic


def _is_syscall(code):
    """Whether the bytes, decoded from their start, end with that very instruction, and come to it."""
    end = len(code) - 2
    for address, size, name, _ in DISASSEMBLER.disasm_lite(code, 0):
        if address >= end or name in ("ret", "jmp", "ud2"):
            return address == end and name == "syscall"
    return False


def _find_syscalls(elf, file, image):
    """In what is executable. x86-64 only: elsewhere nothing is found."""
    if image.machine != "EM_X86_64":
        return
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for segment in elf.iter_segments("PT_LOAD"):
            if not segment["p_flags"] & 1:
                continue
            start = segment["p_offset"]
            for found in SYSCALL.finditer(content, start, min(start + segment["p_filesz"], len(content))):
                number = int.from_bytes(found[1], "little")
                if number < MOST_NUMBER and _is_syscall(found[0]):
                    image.syscalls.append((found.end() - 2, number))
                if len(image.syscalls) >= MOST_SITES:
                    return


def _read(file, path):
    if file.read(4) != b"\x7fELF":
        raise Unreadable("is no ELF file")
    elf = ELFFile(file)
    image = Image(path, machine=str(elf["e_machine"]), bits=elf.elfclass)
    dynamic = _read_segments(elf, image)
    if dynamic:
        _read_dynamic(dynamic, image)
    for section in elf.iter_sections():
        _read_section(section, elf, image)
    if dynamic and not image.imports:  # stripped of its sections
        image.imports.update(_undefined(dynamic.iter_symbols(), elf))
    _find_syscalls(elf, file, image)
    return image


def read(path):
    """The Image of a file, or raises Unreadable."""
    with opened(path) as file, _bounded():
        try:
            return _read(file, path)
        except Unreadable:
            raise
        except Exception as error:  # a file may make the library raise anything
            raise Unreadable(f"a broken ELF file: {str(error) or type(error).__name__}"[:300]) from None


def script_words(path):
    """The interpreter and the argument of a #! line, as the kernel reads it; None if there is none."""
    with opened(path) as file:
        try:
            head = file.read(256)
        except OSError as error:
            raise Unreadable(error.strerror) from None
    if not head.startswith(b"#!"):
        return None
    words = head[2:].split(b"\n")[0].strip(b" \t").split(None, 1)
    return [os.fsdecode(word) for word in words] or None
