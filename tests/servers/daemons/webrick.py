# SPDX-License-Identifier: MIT
"""Ruby's WEBrick: threads under a global lock with a timer thread, signals that end system calls, alternate stacks."""

import re

from .files import FileDaemon

SCRIPT = """\
require 'webrick'
server = WEBrick::HTTPServer.new(
  BindAddress: '127.0.0.1', Port: ARGV[0].to_i, DocumentRoot: ARGV[1], MaxClients: 2000, RequestTimeout: 300,
  ListenBacklog: 1024, AccessLog: [], Logger: WEBrick::Log.new($stderr, WEBrick::Log::WARN))
trap('TERM') { server.shutdown }
server.start
"""


class Webrick(FileDaemon):
    name = "webrick"
    program = "/usr/bin/ruby"
    closes_after_404 = True
    extra = ("Connection: keep-alive",)
    volatile = ("etag",)  # made of the inode number
    noise = (r"(ECONNRESET|EPIPE|ECONNABORTED|EOFError|reset by peer|Broken pipe|BadRequest|bad URI|Request-Line)",)

    def configure(self):
        super().configure()
        self.script = self.write("server.rb", SCRIPT)

    def command(self):
        return [self.program, self.script, str(self.port), self.root]

    def complaints(self, text):
        return {re.sub(r"^\[[^]]*\] |0x[0-9a-f]+|\d+", "", line) for line in text.splitlines() if line.strip()}
