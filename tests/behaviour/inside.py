"""The program called in this process (an interpreter's start is most of a short command), and a look at its calls."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from importer.cli.main import main
from tests.behaviour.program import Ran, environment


@contextmanager
def _as_process(folder: Path, env: dict[str, str], stdin: str) -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Folder, environment and streams as a process of its own would have them."""
    before, cwd = dict(os.environ), Path.cwd()
    streams = sys.stdin, sys.stdout, sys.stderr
    out, err = io.StringIO(), io.StringIO()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    sys.stdin, sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO(stdin.encode())), out, err
    try:
        yield out, err
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        os.environ.clear()
        os.environ.update(before)
        os.chdir(cwd)


@dataclass(frozen=True, slots=True)
class Here:
    """Runs `tag-importer ARGS...` as the fixture `cli` does, in this process."""

    folder: Path

    def __call__(self, *args: str | Path, env: dict[str, str] | None = None, stdin: str = "") -> Ran:
        with _as_process(self.folder, environment(self.folder, env), stdin) as (out, err):
            try:
                code = main([str(arg) for arg in args])
            except SystemExit as left:  # argparse
                code = int(left.code or 0)
        assert code != 70, err.getvalue()
        return Ran(code, out.getvalue(), err.getvalue())

    def ok(self, *args: str | Path, env: dict[str, str] | None = None) -> Ran:
        """A command that must succeed."""
        ran = self(*args, env=env)
        assert ran.code == 0, ran.err + ran.out
        return ran

    def tags(self, *account: str, env: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
        """What the account holds, by name, as an export has it."""
        self.ok("export", "held.json", "--force", "--quiet", *account, env=env)
        listed = json.loads((self.folder / "held.json").read_text("utf-8"))["tags"]
        return {tag["value"]: tag for tag in listed}


@pytest.fixture
def here(tmp_path: Path) -> Here:
    """The program in this process, in an empty folder."""
    return Here(tmp_path)


@dataclass(slots=True)
class Recorder:
    """Stands between the program and a sandbox, and writes down every call."""

    env: dict[str, str]
    """Leads to the sandbox through the recorder."""
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    """Method, path without query, body."""

    def sent(self, method: str) -> list[Any]:
        """The bodies of all calls with this method."""
        return [body for name, _, body in self.calls if name == method]


@pytest.fixture
def recorded() -> Iterator[Callable[[dict[str, str]], Recorder]]:
    """Put a recorder in front of the sandbox that an environment leads to."""
    servers: list[ThreadingHTTPServer] = []

    def start(env: dict[str, str]) -> Recorder:
        target = env["CLOUDFLARE_BASE_URL"]
        recorder = Recorder({})

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                recorder.calls.append((self.command, self.path.partition("?")[0], json.loads(body) if body else None))
                headers = {name: self.headers[name] for name in ("Authorization", "Content-Type") if self.headers[name]}
                request = urllib.request.Request(
                    target.removesuffix("/client/v4") + self.path, body or None, headers, method=self.command
                )
                try:
                    with urllib.request.urlopen(request) as found:
                        status, told, data = found.status, found.headers, found.read()
                except urllib.error.HTTPError as error:
                    status, told, data = error.code, error.headers, error.read()
                self.send_response(status)
                for name in ("Content-Type", "Ratelimit", "Ratelimit-Policy", "Retry-After"):
                    if told[name]:
                        self.send_header(name, told[name])
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        recorder.env = {**env, "CLOUDFLARE_BASE_URL": f"http://127.0.0.1:{server.server_port}/client/v4"}
        return recorder

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def rows(path: Path, header: str, *lines: str) -> Path:
    """Write a CSV list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
    return path


def summaries(runs: Path) -> list[dict[str, Any]]:
    """The summaries of all runs in a folder, oldest first."""
    found = sorted(runs.glob("*/summary.json"), key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(path.read_text("utf-8")) for path in found]


def last(runs: Path) -> dict[str, Any]:
    """The summary of the last run."""
    return summaries(runs)[-1]
