# SPDX-License-Identifier: MIT
"""Clients that no server likes: aborting, half-closed, byte by byte, dripping, killed by the hundred."""

import asyncio
import collections
import json
import os
import random
import signal
import socket
import struct
import time

from link import Link
from load import Crowd, Tally

READ_TIMEOUT = 5.0
BYTE_PACE = 0.001
FIRST_INDEX = 50000  # client numbers that no load uses
DRIP_PACE = 1.0  # between two bytes of a client that drips
VICTIMS_READY_SECONDS = 40
VICTIMS = 4  # processes of clients at a time, where they are killed at random


async def in_ramp(daemon, count, action):
    """Runs action(number) `count` times, no more than the daemon's ramp at a time; returns the results."""
    gate = asyncio.Semaphore(daemon.ramp)

    async def one(number):
        async with gate:
            return await action(number)
    return await asyncio.gather(*(one(number) for number in range(count)))


async def one_answer(daemon):
    session = daemon.session(FIRST_INDEX)
    try:
        await asyncio.wait_for(session.open(), READ_TIMEOUT)
        await asyncio.wait_for(session.ask(0), READ_TIMEOUT)
        await session.close()
    finally:
        session.reset()


async def abort_mid_request(daemon, count):
    port, request = daemon.raw_request()

    async def abort(number):
        link = await Link.open(port)
        await link.send(request[:1 + number % (len(request) - 1)])
        link.reset()

    for first in range(0, count, daemon.ramp):
        await asyncio.gather(*(abort(number) for number in range(first, min(first + daemon.ramp, count))))
        await one_answer(daemon)  # everybody before this client has been accepted: the backlog is empty


async def abort_mid_answer(daemon, count):
    async def abort(number):
        session = daemon.session(FIRST_INDEX + number)
        try:
            await session.open()
            await asyncio.wait_for(session.abandon(), READ_TIMEOUT)
        finally:
            session.reset()
    await in_ramp(daemon, count, abort)


async def half_close(daemon, count):
    """Half a request, then FIN. Returns what the clients saw then, by kind."""
    port, request = daemon.raw_request()

    async def half(_):
        link = await Link.open(port)
        try:
            await link.send(request[:len(request) // 2])
            link.half_close()
            answer = await asyncio.wait_for(link.rest(), READ_TIMEOUT)
            return "bytes, then end" if answer else "end"
        except asyncio.TimeoutError:
            return "nothing"
        except ConnectionError:
            return "reset"
        finally:
            link.reset()
    return collections.Counter(await in_ramp(daemon, count, half))


async def write_slowly(daemon, count):
    """Whole exchanges written one byte at a time; returns the tally."""
    tally = Tally()
    crowd = Crowd(daemon, count, tally, FIRST_INDEX, BYTE_PACE)
    try:
        await crowd.open()
        await crowd.round(1)
        await crowd.close()
    finally:
        crowd.reset()
    return tally


async def drip_once(daemon, writes, end):
    """One client that sends its request, or reads its answer, a byte a second. What became of it until `end`."""
    loop = asyncio.get_running_loop()
    port, request = daemon.raw_request()
    with socket.socket() as sock:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the least there is: the daemon feels it
        try:
            await asyncio.wait_for(loop.sock_connect(sock, ("127.0.0.1", port)), READ_TIMEOUT)
            if not writes:
                await loop.sock_sendall(sock, request)
            position = 0
            while loop.time() < end:
                if writes and position < len(request):
                    await loop.sock_sendall(sock, request[position:position + 1])
                    position += 1
                elif not await asyncio.wait_for(loop.sock_recv(sock, 1), max(0.1, end - loop.time())):
                    return "end"
                await asyncio.sleep(DRIP_PACE)
        except ConnectionError:
            return "reset"
        except asyncio.TimeoutError:
            pass
        return "goes on"


async def drip(daemon, count, seconds):
    end = asyncio.get_running_loop().time() + seconds
    names = ["writer", "reader"] * (count // 2)
    seen = await asyncio.gather(*(drip_once(daemon, name == "writer", end) for name in names))
    return collections.Counter(f"{name}: {outcome}" for name, outcome in zip(names, seen))


class Drip:
    """A process of slow writers and slow readers that runs beside what its `with` statement does."""

    def __init__(self, daemon, count, seconds):
        self.daemon, self.count, self.seconds = daemon, count, seconds
        self.seen = {}

    def __enter__(self):
        readable, writable = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                signal.alarm(int(self.seconds) + VICTIMS_READY_SECONDS)  # also when the parent is gone
                seen = asyncio.run(drip(self.daemon, self.count, self.seconds))
                os.write(writable, json.dumps(seen).encode())
            finally:
                os._exit(0)
        os.close(writable)
        self.readable = readable
        return self

    def __exit__(self, failure, *_):
        if failure:
            os.kill(self.pid, signal.SIGKILL)
        with open(self.readable, "rb") as answer:
            text = answer.read()
        os.waitpid(self.pid, 0)
        self.seen = json.loads(text) if text else {}


async def hold_forever(daemon, count, ready):
    tally = Tally()
    crowd = Crowd(daemon, count, tally, FIRST_INDEX)
    await crowd.open()
    os.write(ready, struct.pack("i", len(crowd.sessions)))
    await asyncio.Event().wait()


async def ask_forever(daemon, first, count):
    """Clients that come, ask and go, until their process is killed."""
    async def one(index):
        for number in range(1_000_000):
            session = daemon.session(index)
            try:
                await session.open()
                for _ in range(1 + number % 3):
                    await session.ask(number)
                await session.close()
            except Exception:  # the daemon's answers are checked elsewhere
                await asyncio.sleep(0.01)
            finally:
                session.reset()
    await asyncio.gather(*(one(first + number) for number in range(count)))


def kill_at_random(daemon, seconds):
    """For so long, processes of a few clients each are killed whatever they are just doing. How many were."""
    end, killed, chance = time.monotonic() + seconds, 0, random.Random()
    while time.monotonic() < end:
        victims = []
        for number in range(VICTIMS):
            pid = os.fork()
            if pid == 0:
                try:
                    signal.alarm(VICTIMS_READY_SECONDS)  # also when the parent is gone
                    asyncio.run(ask_forever(daemon, FIRST_INDEX + 1000 * number, max(1, min(8, daemon.ramp // 4))))
                finally:
                    os._exit(1)
            victims.append(pid)
        for pid in victims:
            time.sleep(chance.uniform(0, 0.15))  # the moment is the experiment
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            killed += 1
    return killed


def kill_clients(daemon, count):
    """A process that holds `count` clients dies by SIGKILL. Returns how many it held."""
    readable, writable = os.pipe()
    victim = os.fork()
    if victim == 0:
        try:
            os.close(readable)
            signal.alarm(VICTIMS_READY_SECONDS)  # also when the parent is gone
            asyncio.run(hold_forever(daemon, count, writable))
        finally:
            os._exit(1)
    os.close(writable)
    try:
        message = os.read(readable, struct.calcsize("i"))
        return struct.unpack("i", message)[0] if message else 0
    finally:
        os.close(readable)
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)
