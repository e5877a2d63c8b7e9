"""A small server of the tags API whose answers a test decides, call by call; it shares nothing with the sandbox."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

ACCOUNT = "acc0123456789"
TOKEN = "token-of-a-test-0123456789"
_TAGS = f"/client/v4/accounts/{ACCOUNT}/cloudforce-one/events/tags"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer out of the ordinary."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """One call as it came."""

    method: str
    path: str
    """Behind `.../events/tags`, or whole where it is another one."""
    query: dict[str, str]
    body: Any
    number: int
    """Of the calls with this method, from 1."""

    @property
    def name(self) -> str:
        return str(self.body.get("value", "")) if isinstance(self.body, dict) else ""


def error(status: int, code: int | None = None, message: str = "nein") -> Reply:
    """An error as the API words it."""
    entry = {"message": message} | ({} if code is None else {"code": code})
    return Reply(status, json.dumps({"success": False, "errors": [entry], "result": None}).encode())


def page(status: int, text: str = "<html><h1>Attention</h1></html>", ray: str = "8f00-FRA") -> Reply:
    """A firewall's page."""
    return Reply(status, text.encode(), {"Content-Type": "text/html", "cf-ray": ray})


class Scripted:
    """The account behind the server. `refuse` may answer instead of it, `show` is how it gives a tag back."""

    def __init__(self) -> None:
        self.tags: dict[str, dict[str, Any]] = {}
        self.calls: list[Asked] = []
        self.refuse: Callable[[Asked], Reply | None] = lambda asked: None
        self.lose: Callable[[Asked], bool] = lambda asked: False
        self.show: Callable[[dict[str, Any]], dict[str, Any]] = dict
        self.env: dict[str, str] = {}
        self._lock = threading.Lock()
        self._made = 0

    def names(self) -> list[str]:
        """Names of the tags that are held, sorted."""
        return sorted(tag["value"] for tag in self.tags.values())

    def sent(self, method: str) -> list[Asked]:
        """The calls with this method."""
        return [call for call in self.calls if call.method == method]

    def hold(self, *tags: dict[str, Any]) -> None:
        """Put tags into the account."""
        for tag in tags:
            self._made += 1
            self.tags[f"u{self._made}"] = {"uuid": f"u{self._made}", "version": 1, **tag}

    def answer(self, method: str, target: str, data: bytes) -> Reply | None:
        """The answer to a call; None to close the connection without one, the call being carried out."""
        with self._lock:
            parts = urlsplit(target)
            path = parts.path.removeprefix(_TAGS) if parts.path.startswith(_TAGS) else parts.path
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            body = json.loads(data) if data else None
            asked = Asked(method, path, query, body, len(self.sent(method)) + 1)
            self.calls.append(asked)
            if (refused := self.refuse(asked)) is not None:
                return refused
            found = self._done(asked)
            return None if self.lose(asked) else found

    def _done(self, asked: Asked) -> Reply:
        if asked.path == "/create":
            self.hold(asked.body)
            return self._given(self.tags[f"u{self._made}"])
        if asked.method == "GET" and asked.path == "":
            tags = list(self.tags.values())
            for rule in json.loads(asked.query.get("filters", "[]")):
                wanted = {str(value).casefold() for value in rule["value"]}
                tags = [tag for tag in tags if str(tag[rule["field"]]).casefold() in wanted]
            size, number = int(asked.query.get("pageSize", 50)), int(asked.query.get("page", 1))
            pages = {"page": number, "pageSize": size, "totalCount": len(tags), "totalPages": -(-len(tags) // size)}
            shown = [self.show(tag) for tag in tags[(number - 1) * size : number * size]]
            return Reply(200, json.dumps({"tags": shown, "pagination": pages}).encode())
        tag = self.tags.get(unquote(asked.path[1:]))
        if tag is None:
            return error(404, 7003 if asked.path.startswith("/client") else 1001)
        if asked.method == "DELETE":
            del self.tags[tag["uuid"]]
            return Reply(200, json.dumps({"uuid": tag["uuid"]}).encode())
        tag.update(asked.body, version=tag["version"] + 1)
        return self._given(tag)

    def _given(self, tag: dict[str, Any]) -> Reply:
        return Reply(200, json.dumps(self.show(tag)).encode())


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A server of this test's own; `scripted.env` leads the program to it."""
    account = Scripted()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def one(self) -> None:
            reply = account.answer(self.command, self.path, self.rfile.read(int(self.headers["Content-Length"] or 0)))
            if reply is None:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_PATCH = do_DELETE = one  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    account.env = {
        "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
        "CLOUDFLARE_API_TOKEN": TOKEN,
        "CLOUDFLARE_BASE_URL": f"http://127.0.0.1:{server.server_port}/client/v4",
    }
    yield account
    server.shutdown()
    server.server_close()
