# SPDX-License-Identifier: MIT
"""OpenJDK: a ServerSocket and a thread for each connection; stack banging, safepoints, signals that end calls."""

from .base import Daemon
from .echo import Echo, PlainSession

SOURCE = """\
import java.io.*;
import java.net.*;

public class Echo {
    static void serve(Socket socket) {
        try (socket) {
            byte[] buffer = new byte[65536];
            InputStream in = socket.getInputStream();
            OutputStream out = socket.getOutputStream();
            for (int n; (n = in.read(buffer)) > 0;)
                out.write(buffer, 0, n);
        } catch (IOException gone) {
        }
    }

    public static void main(String[] arguments) throws IOException {
        ServerSocket server = new ServerSocket(
            Integer.parseInt(arguments[0]), 1024, InetAddress.getByName("127.0.0.1"));
        for (;;) {
            Socket socket = server.accept();
            new Thread(() -> serve(socket)).start();
        }
    }
}
"""


class Java(Echo):
    name = "java"
    program = "/usr/bin/java"

    def __init__(self, directory, world):
        Daemon.__init__(self, directory, world)

    @classmethod
    def missing(cls, world):
        return super(Echo, cls).missing(world)

    def configure(self):
        self.port = self.choose_port()
        self.source = self.write("Echo.java", SOURCE)

    def command(self):
        return [self.program, "-Xss256k", "-XX:+UseSerialGC", self.source, str(self.port)]

    def session(self, index, pace=None):
        return PlainSession(self, index, pace)
