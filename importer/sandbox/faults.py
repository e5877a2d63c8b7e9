"""What the sandbox does wrong on purpose: which calls a fault hits, and how a wrong answer goes over the socket.

Whether a fault hits is decided by a hash of (seed, fault, kind of call, body, attempt), so the same calls are hit in
every run with that seed, whatever the order in which they arrive.
"""

from __future__ import annotations

import socket
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b

from aiohttp import web

from importer.clock import Clock
from importer.sandbox.answers import Answer, error
from importer.sandbox.settings import Fault

_PIECES = 10
_HTML = (
    b"<!DOCTYPE html>\n<html><head><title>%d: Bad gateway</title></head>"
    b"<body><h1>Error %d</h1><p>The web server reported an error.</p></body></html>\n"
)


class Draws:
    """Decides for one server's calls and one kind of fault; remembers only how often it has seen the same call."""

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._faults, self._seed = faults, seed
        self._attempts: Counter[bytes] = Counter()

    def draw(self, kind: str, call: bytes, number: int, elapsed: float) -> tuple[Fault, float] | None:
        """The fault that hits this call, with a further number in [0, 1) for its details; None for no fault.

        `call` is what distinguishes it from other calls (address and body), `number` its place in the server's count,
        `elapsed` seconds since the server's start.
        """
        if not self._faults:
            return None
        digest = blake2b(kind.encode() + b"\0" + call, digest_size=16).digest()
        self._attempts[digest] += 1
        attempt = self._attempts[digest]
        for position, fault in enumerate(self._faults):
            if fault.may_hit(kind, number, elapsed, attempt):
                key = b"%d\0%d\0%s\0%d\0" % (self._seed, position, fault.do.encode(), attempt)
                drawn = blake2b(key + digest, digest_size=16).digest()
                if int.from_bytes(drawn[:8]) / 2**64 < fault.chance:
                    return fault, int.from_bytes(drawn[8:]) / 2**64
        return None


def response(answer: Answer, headers: Mapping[str, str]) -> web.Response:
    """The answer as it should be, with its own headers and these."""
    return web.Response(
        status=answer.status, body=answer.body, headers={**answer.headers, **headers}, content_type=answer.content_type
    )


def cut(request: web.BaseRequest, *, reset: bool = False) -> web.Response:
    """End the connection without an answer: closed in order, or reset (the peer gets ECONNRESET)."""
    transport = request.transport
    if transport is not None:
        raw = transport.get_extra_info("socket")
        if reset and raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=499)


def failure(fault: Fault, draw: float) -> Answer:
    """A 5xx as proxies answer it; `draw` in [0, 1) chooses among the fault's statuses."""
    statuses = (fault.status,) if isinstance(fault.status, int) else fault.status
    status = statuses[int(draw * len(statuses))]
    if fault.body == "json":
        return error(status, 10001, "Internal server error")
    if fault.body == "empty":
        return Answer(status, b"", content_type="text/plain")
    return Answer(status, _HTML % (status, status), content_type="text/html")


def malformed(answer: Answer) -> Answer:
    """The answer with its JSON cut off, as a complete body."""
    return answer._replace(body=answer.body[: max(1, len(answer.body) * 2 // 3)])


async def trickle(request: web.Request, answer: Answer, seconds: float, clock: Clock) -> web.StreamResponse:
    """Send the body in pieces, spread over `seconds`."""
    stream = await _begin(request, answer)
    size = max(1, -(-len(answer.body) // _PIECES))
    try:
        for start in range(0, len(answer.body), size):
            await clock.sleep(seconds / _PIECES)
            await stream.write(answer.body[start : start + size])
        await stream.write_eof()
    except ConnectionError:
        pass  # the caller has lost patience, which is what the fault is for
    return stream


async def cut_body(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Promise the whole body, send half of it and close."""
    stream = await _begin(request, answer)
    try:
        await stream.write(answer.body[: len(answer.body) // 2])
    except ConnectionError:
        return stream
    if request.transport is not None:
        # close(), not abort(): the half that was sent must arrive
        request.transport.close()
    return stream


async def _begin(request: web.Request, answer: Answer) -> web.StreamResponse:
    stream = web.StreamResponse(status=answer.status, headers=answer.headers or None)
    stream.content_type = answer.content_type
    stream.content_length = len(answer.body)
    await stream.prepare(request)
    return stream
