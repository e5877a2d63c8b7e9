"""The least server that can answer a create: a bare asyncio protocol, so that clients are measured and not it.

`python tests/benchmarks/fast_server.py PORT LATENCY_MS` serves until it is ended. All it keeps are the answers to
creates, by account, for the list at the end of a run: one that never showed them would be waited for.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import uuid
from collections import defaultdict

TIME = "2026-01-01T00:00:00.000Z"
EMPTY_CATEGORIES = json.dumps({"categories": []})
PAGE = 1000


def listed(tags: list[str], target: bytes) -> str:
    """A page of an account's tags."""
    found = re.search(rb"[?&]page=(\d+)", target)
    number = int(found[1]) if found else 1
    of = {"page": number, "pageSize": PAGE, "totalCount": len(tags), "totalPages": -(-len(tags) // PAGE)}
    return f'{{"tags":[{",".join(tags[(number - 1) * PAGE : number * PAGE])}],"pagination":{json.dumps(of)}}}'


class Answers(asyncio.Protocol):
    """One connection: requests in, answers out in the same order."""

    def __init__(self, latency: float, tags: defaultdict[bytes, list[str]]) -> None:
        self.latency = latency
        self.tags = tags
        self.buffer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            lowered = head.lower()
            at = lowered.find(b"content-length:")
            length = int(lowered[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            body = self.buffer[end + 4 : end + 4 + length]
            self.buffer = self.buffer[end + 4 + length :]
            self.answer(head, body)

    def answer(self, head: bytes, body: bytes) -> None:
        target = head.split(b" ", 2)[1]
        account = target.split(b"/accounts/", 1)[-1].split(b"/", 1)[0]
        if head.startswith(b"POST"):
            fields = body.rstrip()[:-1].decode()  # the object, still open: the answer is it and three keys more
            text = f'{fields},"uuid":"{uuid.uuid4()}","createdAt":"{TIME}","updatedAt":"{TIME}","version":1}}'
            self.tags[account].append(text)
        elif b"/categories" in target:
            text = EMPTY_CATEGORIES
        else:
            text = listed(self.tags[account], target)
        payload = text.encode()
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(payload)
        assert self.transport is not None
        if self.latency:
            asyncio.get_running_loop().call_later(self.latency, self.transport.write, answer + payload)
        else:
            self.transport.write(answer + payload)


async def main(port: int, latency: float) -> None:
    """Serve; print the port once listening."""
    tags: defaultdict[bytes, list[str]] = defaultdict(list)
    server = await asyncio.get_running_loop().create_server(lambda: Answers(latency, tags), "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]) / 1000))
