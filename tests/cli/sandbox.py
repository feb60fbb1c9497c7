# SPDX-License-Identifier: MIT
"""A directory with a copy of the command, an empty library beside it, and programs to try."""
import os
import pathlib
import shutil
import subprocess
import tempfile

PROBE = r"""
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
/* Says whether the kernel calls this execution privileged, and what is preloaded. */
int main(void)
{
    char line[8192];
    int preloaded = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps))
        preloaded |= strstr(line, "/libunthread.so") != NULL;
    printf("secure %lu preloaded %d\n", getauxval(AT_SECURE), preloaded);
    return 0;
}
"""


class Skip(Exception):
    """This machine cannot run the test."""


class Sandbox:
    def __init__(self, build, here):
        self.build = build
        self.here = here
        self.source = here.parent.parent
        # The empty library isolates these tests from the runtime's own state of health.
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="unthread-cli-"))
        self.root.chmod(0o755)
        self.command = self.root / "unthread"
        self.library = self.root / "libunthread.so"
        shutil.copy2(build / "shim" / "unthread", self.command)
        self.compile("", self.library, "-shared", "-fPIC")
        self.probe = self.root / "probe"
        self.compile(PROBE, self.probe)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root)

    def compile(self, text, output, *flags, compiler="cc"):
        subprocess.run([compiler, "-x", "c", "-", "-o", str(output), *flags], input=text,
                       text=True, check=True, capture_output=True)
        return output

    def file(self, name, content, mode=0o755):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path

    def copy_of_probe(self, name, mode=0o755):
        return self.file(name, self.probe.read_bytes(), mode)

    def environment(self, **changes):
        env = {name: value for name, value in os.environ.items()
               if not name.startswith("UNTHREAD") and name != "LD_PRELOAD"}
        for name, value in changes.items():
            if value is None:
                env.pop(name, None)
            else:
                env[name] = value
        return env

    def run(self, *arguments, command=None, env=None, prefix=(), stdin=b"", **options):
        """Runs unthread with these arguments; the result has bytes."""
        line = [*prefix, command or self.command, *arguments]
        return subprocess.run([os.fspath(word) for word in line], input=stdin,
                              capture_output=True, timeout=60, env=self.environment(**(env or {})),
                              **options)

    def native(self, *arguments, stdin=b"", env=None, **options):
        return subprocess.run([os.fspath(word) for word in arguments], input=stdin,
                              capture_output=True, timeout=60, env=self.environment(**(env or {})),
                              **options)

    def refused(self, *arguments, why, **options):
        """Asserts one line on standard error, nothing on standard output, status 2."""
        result = self.run(*arguments, **options)
        text = result.stderr.decode(errors="replace")
        assert result.returncode == 2, (result.returncode, text)
        assert result.stdout == b"", result.stdout
        assert text.startswith("unthread: ") and text.endswith("\n") and text.count("\n") == 1, text
        assert why in text, f"{why!r} is not in {text!r}"
        return text

    def runs_preloaded(self, *arguments, **options):
        result = self.run(*arguments, **options)
        assert (result.returncode, result.stdout, result.stderr) == \
            (0, b"secure 0 preloaded 1\n", b""), result


def need(condition, what):
    if not condition:
        raise Skip(what)


def need_tool(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    need(path, f"{name} is not installed")
    return path
