# SPDX-License-Identifier: MIT
"""What an ELF file says of itself, read by pyelftools and, where code matters, capstone. Files are not trusted: each
is read within bounds of time and memory, and whatever is in it, the answer is an Image or Unreadable."""

import io
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

READ_SECONDS = 10.0  # for one file; the largest programs take one or two
MEMORY = 4 << 30  # of the whole command
LARGEST = 512 << 20  # bytes of a file
MOST_SYMBOLS = 1 << 20
MOST_TEXT = 4096  # letters of a name

SYSCALL = b"\x0f\x05"
DISASSEMBLER = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
BEFORE = 48  # bytes before the instruction that are decoded to see whether it is one
VOTES = range(16, BEFORE)  # where decoding begins, in bytes before it: most of these must come to it
NUMBER = re.compile(rb"(?:\xb8|\xc7\xc0)(..)\x00\x00", re.DOTALL)  # moved to %eax or %rax
MOST_SITES = 10000
MOST_NUMBER = 512  # of a system call
# Offsets and sizes, by the word size, of what an ELF header says of sections.
SECTION_FIELDS = {1: ((32, 4), (48, 4)), 2: ((40, 8), (60, 4))}


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
    exports: set = field(default_factory=set)
    tls_size: int = 0
    build_id: str = "none"
    runtimes: set = field(default_factory=set)  # "Go", "Rust"
    syscalls: list = field(default_factory=list)  # (offset in the file, number or None)


def _out_of_time(*_):
    raise ELFError("takes too long to read")


@contextmanager
def _bounded(seconds):
    """Only in the main thread. An alarm that somebody else has set is lost."""
    old = signal.signal(signal.SIGALRM, _out_of_time)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
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


def _read_symbols(symbols, elf, image):
    table, names = _versions(elf)
    known = table.num_symbols() if table else 0
    for index, symbol in enumerate(symbols):
        if index > MOST_SYMBOLS:
            raise ELFError("more symbols than a program has")
        if not symbol.name:
            continue
        if symbol.entry["st_shndx"] == "SHN_UNDEF":
            version = table.get_symbol(index)["ndx"] if index < known else None
            image.imports[_text(symbol.name)] = names.get(version, "")
        elif symbol.entry["st_info"]["type"] == "STT_FUNC":
            image.exports.add(_text(symbol.name))


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
        _read_symbols(section.iter_symbols(), elf, image)


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


def _comes_to(code, start, end):
    """Whether the bytes, decoded from `start`, have the instruction at `end`."""
    for address, _, name, _ in DISASSEMBLER.disasm_lite(code[start:], start):
        if address >= end:
            return address == end and name == "syscall"
    return False


def _find_syscalls(elf, data, image):
    """In what is executable. x86-64 only: elsewhere nothing is found.

    The two bytes may be part of another instruction. Instructions have no marks, but decoding from a wrong byte soon falls
    in with the right ones: so it is one if decoding from most places before it comes to it."""
    if image.machine != "EM_X86_64":
        return
    for segment in elf.iter_segments("PT_LOAD"):
        first = segment["p_offset"]
        last = min(first + segment["p_filesz"], len(data)) if segment["p_flags"] & 1 else 0
        at = data.find(SYSCALL, first, last)
        while at >= 0 and len(image.syscalls) < MOST_SITES:
            code = data[max(first, at - BEFORE):at + len(SYSCALL)]
            end = len(code) - len(SYSCALL)
            starts = [end - back for back in VOTES if back <= end]
            if sum(_comes_to(code, start, end) for start in starts) * 2 > len(starts):
                moved = [int.from_bytes(number, "little") for number in NUMBER.findall(code[:end])]
                image.syscalls.append((at, moved[-1] if moved and moved[-1] < MOST_NUMBER else None))
            at = data.find(SYSCALL, at + 1, last)


def _without_sections(data):
    """The loader does not look at sections: a file whose section headers are broken may run."""
    changed = bytearray(data)
    for at, size in SECTION_FIELDS.get(data[4], ()):
        changed[at:at + size] = bytes(size)
    return io.BytesIO(changed)


def _read_headers(elf, image, with_sections):
    dynamic = _read_segments(elf, image)
    if dynamic:
        _read_dynamic(dynamic, image)
    if with_sections:
        for section in elf.iter_sections():
            _read_section(section, elf, image)
    if dynamic and not image.imports:
        _read_symbols(dynamic.iter_symbols(), elf, image)


def _read(data, path, with_sections):
    elf = ELFFile(io.BytesIO(data) if with_sections else _without_sections(data))
    image = Image(path, machine=str(elf["e_machine"]), bits=elf.elfclass)
    _read_headers(elf, image, with_sections)
    _find_syscalls(elf, data, image)
    return image


def read(path, seconds=READ_SECONDS):
    """The Image of a file, or raises Unreadable."""
    with opened(path) as file, _bounded(seconds):
        try:
            data = file.read(LARGEST + 1)
            if data[:4] != b"\x7fELF":
                raise Unreadable("is no ELF file")
            if len(data) > LARGEST:
                raise Unreadable(f"is larger than {LARGEST >> 20} MiB")
            try:
                return _read(data, path, with_sections=True)
            except Exception:  # a file may make the library raise anything
                return _read(data, path, with_sections=False)
        except Unreadable:
            raise
        except Exception as error:
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
