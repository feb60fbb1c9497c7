# SPDX-License-Identifier: MIT
"""Apache's mpm_worker: a parent forks, and its child then makes 2,000 threads that pass connections on."""

import os
import re

from .files import FileDaemon

MODULES = "/usr/lib/apache2/modules"
CONFIGURATION = """\
ServerRoot {directory}
ServerName localhost
PidFile {directory}/pid
Mutex pthread
DefaultRuntimeDir {directory}
Listen 127.0.0.1:{port}
ListenBacklog 1024
LoadModule mpm_{mpm}_module {modules}/mod_mpm_{mpm}.so
LoadModule authz_core_module {modules}/mod_authz_core.so
{user}
ServerLimit 1
StartServers 1
ThreadLimit 2000
ThreadsPerChild 2000
MaxRequestWorkers 2000
MinSpareThreads 1
MaxSpareThreads 2000
KeepAlive On
KeepAliveTimeout 300
MaxKeepAliveRequests 0
Timeout 300
ErrorLog /dev/stderr
LogLevel warn
DocumentRoot {root}
"""


class Apache(FileDaemon):
    name = "apache-worker"
    program = "/usr/sbin/apache2"
    mpm = "worker"

    def configure(self):
        super().configure()
        user = "User www-data\nGroup www-data" if os.getuid() == 0 else ""
        for path in (self.directory, self.root):
            os.chmod(path, 0o755)
        self.configuration = self.write("config", CONFIGURATION.format(
            directory=self.directory, port=self.port, modules=MODULES, mpm=self.mpm, root=self.root, user=user))

    def command(self):
        return [self.program, "-f", self.configuration, "-DFOREGROUND"]

    def watched(self, pid):
        """Its child does the work."""
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            return int(children.read().split()[0])

    def complaints(self, text):
        return {re.sub(r"^\[[^]]*\] |\d+", "", line) for line in text.splitlines() if line.strip()}


class ApacheEvent(Apache):
    """Apache's own answer to many connections: an event loop for those that are idle."""

    name = "apache-event"
    mpm = "event"
