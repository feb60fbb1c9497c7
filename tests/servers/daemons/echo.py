# SPDX-License-Identifier: MIT
"""The suite's own echo server (echo.c), built on the spot: says how accept() and pthread_create() failed."""

import os

from pattern import pattern

from .base import Daemon, EchoSession


class Echo(Daemon):
    name = "echo"
    kinds = 5

    def __init__(self, directory, world):
        super().__init__(directory, world)
        self.program = world.echo_program

    def configure(self):
        self.port = self.choose_port()

    def command(self):
        return [self.program, str(self.port)]

    def session(self, index, pace=None):
        return PlainSession(self, index, pace)

    def raw_request(self):
        return self.port, pattern("raw", 3000)


class EchoDemo(Echo):
    """The project's own demonstration server, if the build has it."""

    name = "echo-demo"

    def __init__(self, directory, world):
        super().__init__(directory, world)
        self.program = world.echo_demo

    @staticmethod
    def missing(world):
        return None if os.path.exists(world.echo_demo) else f"the build has no {world.echo_demo}"


class PlainSession(EchoSession):
    async def open(self):
        await self.connect(self.daemon.port)
