# SPDX-License-Identifier: MIT
"""The servers behind the daemons under test: echo, echo over TLS, HTTP. A process of its own, always native.

Prints its ports as one line of JSON and serves until its standard input ends, so it cannot outlive the test."""

import asyncio
import hashlib
import json
import ssl
import sys

from pattern import pattern

MORE_THAN_ALL_CONNECTIONS = 4096
CHUNK = 7000


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


def chunked(body):
    parts = [body[start:start + CHUNK] for start in range(0, len(body), CHUNK)] + [b""]
    return b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts)


def answer(method, target, body):
    """/bytes/SEED/SIZE, /chunked/SEED/SIZE: a pattern; POST /sum: the digest of what was sent."""
    kind, *arguments = target.strip("/").split("/")
    if method == "POST" and kind == "sum":
        content = hashlib.sha256(body).hexdigest().encode()
    elif kind in ("bytes", "chunked") and len(arguments) == 2:
        content = pattern(arguments[0], int(arguments[1]))
    else:
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
    if kind == "chunked":
        return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(content)
    return head + f"Content-Length: {len(content)}\r\n\r\n".encode() + content


async def serve_http(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            method, target, _ = first.split(" ")
            headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            writer.write(answer(method, target, body))
            await writer.drain()
            if headers.get("connection") == "close":
                break
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main(certificate, key):
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)  # aborted TLS clients are part of the test
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    common = {"host": "127.0.0.1", "port": 0, "backlog": MORE_THAN_ALL_CONNECTIONS}
    servers = {
        "echo": await loop.create_server(Echo, **common),
        "tls_echo": await loop.create_server(Echo, ssl=context, **common),
        "http": await asyncio.start_server(serve_http, **common),
    }
    ports = {name: server.sockets[0].getsockname()[1] for name, server in servers.items()}
    print(json.dumps(ports), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
