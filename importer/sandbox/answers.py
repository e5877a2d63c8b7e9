"""What the sandbox answers: results as JSON bytes, problems in Cloudflare's shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder().decode

Path = tuple[str | int, ...]
"""Where something is in a request: its first part is `body` or `query`."""


class Answer(NamedTuple):
    """One answer: `body` is the bare result (status 200), or a whole error document."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}
    content_type: str = "application/json"


class FieldProblem(NamedTuple):
    """What is wrong with one field of a body or one parameter of a query."""

    path: Path
    message: str


Problems = list[FieldProblem]


class Refusal(Exception):
    """A call that is answered with an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def result(value: Any) -> Answer:
    """A 200 with `value` as its bare result."""
    return Answer(200, encode(value))


def enveloped(answer: Answer) -> Answer:
    """A bare result in the envelope that some generated clients expect."""
    return answer._replace(body=b'{"success":true,"errors":[],"messages":[],"result":' + answer.body + b"}")


def error(status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An error document with one entry."""
    return Answer(status, _document([{"code": code, "message": message}]), headers or {})


def not_found(what: str) -> Refusal:
    """A 404 for a uuid that `what` does not have."""
    return Refusal(error(404, 7002, f"{what} not found"))


def refused(problems: Problems) -> Refusal:
    """A 400 with one entry for every problem."""
    entries = [
        {"code": 7001, "message": f"{_dotted(problem.path[1:])}: {problem.message}", "path": list(problem.path)}
        for problem in problems
    ]
    return Refusal(Answer(400, _document(entries)))


def json_object(body: bytes) -> dict[str, Any]:
    """The object in a request's body. Refusal (400) when it is not JSON, or not an object."""
    try:
        value = decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal(error(400, 7001, "The request body is not valid JSON")) from None
    if type(value) is not dict:
        raise refused([FieldProblem(("body",), "Expected object")])
    return value


def _dotted(path: Sequence[str | int]) -> str:
    """`aliases[0].confidence`; `body` for the document as a whole."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "body"


def _document(errors: list[dict[str, Any]]) -> bytes:
    return encode({"success": False, "errors": errors, "messages": [], "result": None})
