# SPDX-License-Identifier: MIT
"""The programs of this directory, built on the spot."""

import os
import subprocess

HERE = os.path.dirname(os.path.realpath(__file__))


def build(directory, name, *libraries):
    program = os.path.join(directory, name)
    subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-O2", "-Wall", "-Wextra",
                    os.path.join(HERE, name + ".c"), "-pthread", *libraries, "-o", program], check=True)
    return program


def microhttpd(directory):
    """None without the library."""
    found = subprocess.run(["pkg-config", "--exists", "libmicrohttpd"]).returncode == 0
    return build(directory, "microhttpd", "-lmicrohttpd") if found else None
