# SPDX-License-Identifier: MIT
"""Just enough of an HTTP/1.1 client to read one answer from a Link exactly, and leave the next one unread."""

from dataclasses import dataclass

# Differ from run to run by their nature; everything else must be the same bytes natively and under unthread.
VOLATILE_HEADERS = {"date"}


@dataclass
class Answer:
    status: int
    headers: list
    body: bytes

    def header(self, name):
        for key, value in self.headers:
            if key == name:
                return value
        return None

    def canonical(self, volatile=()):
        lines = [f"{key}: {value}" for key, value in self.headers
                 if key not in VOLATILE_HEADERS and key not in volatile]
        return f"{self.status}\n".encode() + "\n".join(lines).encode() + b"\n\n" + self.body


def request(method, target, host, extra=(), body=b""):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *extra]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def parse_head(head):
    first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = []
    for line in rest:
        key, _, value = line.partition(":")
        headers.append((key.strip().lower(), value.strip()))
    return int(first.split(" ", 2)[1]), headers


async def read_chunks(link):
    body = bytearray()
    while True:
        size = int((await link.until(b"\r\n")).split(b";")[0], 16)
        body += await link.exactly(size)
        if await link.exactly(2) != b"\r\n":
            raise ValueError("chunk does not end with CRLF")
        if size == 0:
            return bytes(body)


async def read_answer(link, bodiless=False):
    status, headers = parse_head(await link.until(b"\r\n\r\n"))
    answer = Answer(status, headers, b"")
    if bodiless:
        return answer
    if (answer.header("transfer-encoding") or "").lower() == "chunked":
        answer.body = await read_chunks(link)
    elif answer.header("content-length") is not None:
        answer.body = await link.exactly(int(answer.header("content-length")))
    else:
        answer.body = await link.rest()
    return answer
