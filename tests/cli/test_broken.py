# SPDX-License-Identifier: MIT
"""Broken and hostile files: a verdict, never a crash."""
import random
import struct

from sandbox import need

# Makes the final exec fail with E2BIG, so that a damaged program that was accepted is not run.
NEVER = {"LD_PRELOAD": "x" * (131072 - len("LD_PRELOAD=") - 1)}


def verdict(sandbox, content):
    """The status, 2 or 126, and the line."""
    result = sandbox.run(sandbox.file("broken", content), env=NEVER)
    assert result.returncode in (2, 126), result
    assert result.stderr.count(b"\n") == 1, result
    return result.returncode, result.stderr.decode(errors="replace")


def headers(image):
    """Offset of the program headers, and of the entry of the loader's name."""
    need(image[4] == 2 and image[5] == 1, "64-bit little-endian only")
    phoff, = struct.unpack_from("<Q", image, 32)
    count, = struct.unpack_from("<H", image, 56)
    for index in range(count):
        at = phoff + 56 * index
        if struct.unpack_from("<I", image, at)[0] == 3:
            return phoff, at
    raise AssertionError("no PT_INTERP")


def changed(image, *fields):
    copy = bytearray(image)
    for form, offset, value in fields:
        struct.pack_into(form, copy, offset, value)
    return bytes(copy)


def test_the_unbroken_one_is_accepted(sandbox):
    assert verdict(sandbox, sandbox.probe.read_bytes())[0] == 126


def test_truncated_everywhere(sandbox):
    image = sandbox.probe.read_bytes()
    _, entry = headers(image)
    offset, _, _, size = struct.unpack_from("<QQQQ", image, entry + 8)
    enough = offset + size
    for length in [*range(0, enough + 2, 3), enough - 1, enough, len(image) // 2]:
        status, line = verdict(sandbox, image[:length])
        assert status == (126 if length >= enough else 2), (length, line)
        if 4 <= length < enough:
            assert "broken ELF file" in line, (length, line)


def test_absurd_program_headers(sandbox):
    image = sandbox.probe.read_bytes()
    for value in (2**64 - 1, 2**64 - 56, 2**63, 2**63 - 1, 2**63 - 56, 2**40, len(image),
                  len(image) - 1):
        assert verdict(sandbox, changed(image, ("<Q", 32, value)))[0] == 2, value
    for value in (0, 1171, 65535):
        assert verdict(sandbox, changed(image, ("<H", 56, value)))[0] == 2, value
    for value in (0, 1, 55, 57, 65535):
        assert verdict(sandbox, changed(image, ("<H", 54, value)))[0] == 2, value


def test_absurd_loader_name(sandbox):
    image = sandbox.probe.read_bytes()
    _, entry = headers(image)
    for value in (0, 1, 4097, 2**32, 2**63, 2**64 - 1):
        assert verdict(sandbox, changed(image, ("<Q", entry + 32, value)))[0] == 2, value
    for value in (2**64 - 1, 2**63, 2**63 - 1, len(image), len(image) - 1):
        assert verdict(sandbox, changed(image, ("<Q", entry + 8, value)))[0] == 2, value


def test_loader_name_without_an_end(sandbox):
    image = sandbox.probe.read_bytes()
    _, entry = headers(image)
    size, = struct.unpack_from("<Q", image, entry + 32)
    assert verdict(sandbox, changed(image, ("<Q", entry + 32, size - 1)))[0] == 2
    everything = image + b"/" * 4096
    for size in (4096, 4095, 2):
        fields = ("<Q", entry + 8, len(image)), ("<Q", entry + 32, size)
        assert "broken ELF" in verdict(sandbox, changed(everything, *fields))[1]
    ended = image + b"/" * 4095 + b"\0"
    fields = ("<Q", entry + 8, len(image)), ("<Q", entry + 32, 4096)
    assert "another C library" in verdict(sandbox, changed(ended, *fields))[1]


def test_escape_sequences_in_the_loader_name(sandbox):
    image = sandbox.probe.read_bytes()
    _, entry = headers(image)
    name = b"/\x1b[2J\n\x07x\0"
    content = changed(image + name, ("<Q", entry + 8, len(image)), ("<Q", entry + 32, len(name)))
    assert "loader /?[2J??x" in verdict(sandbox, content)[1]


def test_random_damage_through_the_command(sandbox):
    image = sandbox.probe.read_bytes()
    for seed in range(150):
        chance = random.Random(seed)
        copy = bytearray(image)
        for _ in range(chance.randint(1, 8)):
            copy[chance.randrange(900)] = chance.choice((0, 1, 127, 128, 255,
                                                         chance.randrange(256)))
        verdict(sandbox, bytes(copy))


def inspect(sandbox, *arguments):
    program = sandbox.build / "tests" / "cli" / "inspect"
    assert program.exists(), f"{program} is not built"
    result = sandbox.native(program, *arguments)
    assert result.returncode == 0, (arguments, result.stderr[-3000:])
    return result.stdout.decode().split()


def test_random_damage_with_sanitizers(sandbox):
    static = sandbox.compile("int main(void) { return 0; }", sandbox.root / "fuzz-static",
                             "-static")
    for path in (sandbox.probe, sandbox.library, static):
        for seed in ("1", "2"):
            words = inspect(sandbox, "--mutate", path, seed, "5000")
            assert words[0] == "5000"
            if path == sandbox.probe:
                # Some damage must go deep, or only the first check is tested.
                assert 100 < int(words[2]) < 4900, words


def test_random_scripts_with_sanitizers(sandbox):
    words = inspect(sandbox, "--scripts", "1", "200000")
    assert 1000 < int(words[2]) < 199000, words
