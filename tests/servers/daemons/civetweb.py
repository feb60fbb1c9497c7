# SPDX-License-Identifier: MIT
"""civetweb: a pool of 1,100 threads that wait for connections on a condition variable; files by sendfile()."""

from .files import FileDaemon


class Civetweb(FileDaemon):
    name = "civetweb"
    program = "/usr/bin/civetweb"
    closes_after_404 = True
    volatile = ("last-modified",)  # made with gmtime(), whose result all its threads share

    def command(self):
        return [self.program, "-listening_ports", f"127.0.0.1:{self.port}", "-document_root", self.root,
                "-num_threads", "1100", "-enable_keep_alive", "yes", "-keep_alive_timeout_ms", "300000",
                "-request_timeout_ms", "300000", "-listen_backlog", "1000"]
