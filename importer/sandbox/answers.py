"""What the sandbox answers: results as JSON bytes, problems in Cloudflare's shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import msgspec

JSON_TYPE = "application/json"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})

encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: `body` is the bare result (status 200), or a whole error document."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    content_type: str = JSON_TYPE


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field of a body or one parameter of a query."""

    path: tuple[str | int, ...]
    message: str


class Refusal(Exception):
    """A call that is answered with an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def result(value: Any) -> Answer:
    """A 200 with `value` as its bare result."""
    return Answer(200, encode(value))


def enveloped(body: bytes) -> bytes:
    """A bare result in the envelope that some generated clients expect."""
    return b'{"success":true,"errors":[],"messages":[],"result":' + body + b"}"


def error(status: int, code: int, message: str, headers: Mapping[str, str] = NO_HEADERS) -> Answer:
    """An error document with one entry."""
    return Answer(status, _document([{"code": code, "message": message}]), headers)


def refused_fields(problems: Sequence[FieldProblem]) -> Answer:
    """A 400 with one entry for every problem; the first element of each path says `body` or `query`."""
    entries = [
        {"code": 7001, "message": f"{dotted(problem.path[1:])}: {problem.message}", "path": list(problem.path)}
        for problem in problems
    ]
    return Answer(400, _document(entries))


def dotted(path: Sequence[str | int]) -> str:
    """`aliases[0].confidence`; `body` for the document as a whole."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "body"


def unauthorized() -> Answer:
    return error(401, 10000, "Authentication error")


def forbidden() -> Answer:
    return error(403, 10000, "Authentication error: the token lacks the permission Cloudforce One Write")


def not_found(what: str) -> Answer:
    return error(404, 7002, f"{what} not found")


def no_route(path: str) -> Answer:
    return error(404, 7003, f"Could not route to {path}, perhaps your object identifier is invalid?")


def _document(errors: list[dict[str, Any]]) -> bytes:
    return encode({"success": False, "errors": errors, "messages": [], "result": None})
