"""Sending answers over the socket: as they should be, and as the fault plan wants them."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping

from aiohttp import web

from importer.clock import Clock
from importer.sandbox.answers import Answer, error
from importer.sandbox.faults import Fault

_PIECES = 10
_HTML = (
    b"<!DOCTYPE html>\n<html><head><title>%d: Bad gateway</title></head>"
    b"<body><h1>Error %d</h1><p>The web server reported an error.</p></body></html>\n"
)


def response(answer: Answer, headers: Mapping[str, str]) -> web.Response:
    """The answer with its own headers and these."""
    if answer.headers:
        headers = {**answer.headers, **headers}
    return web.Response(status=answer.status, body=answer.body, headers=headers, content_type=answer.content_type)


def cut(request: web.BaseRequest, *, reset: bool) -> web.Response:
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
    status = fault.statuses[int(draw * len(fault.statuses))]
    if fault.body == "json":
        return error(status, 10001, "Internal server error")
    if fault.body == "empty":
        return Answer(status, b"", content_type="text/plain")
    return Answer(status, _HTML % (status, status), content_type="text/html")


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


def malformed(answer: Answer) -> Answer:
    """The answer with its JSON cut off, as a complete body."""
    return Answer(answer.status, answer.body[: max(1, len(answer.body) * 2 // 3)], answer.headers, answer.content_type)


async def _begin(request: web.Request, answer: Answer) -> web.StreamResponse:
    stream = web.StreamResponse(status=answer.status, headers=answer.headers or None)
    stream.content_type = answer.content_type
    stream.content_length = len(answer.body)
    await stream.prepare(request)
    return stream
