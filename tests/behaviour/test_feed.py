"""A TAXII collection as the source of a sync, through the command line."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from .program import Cli, Ran

PASSWORD = "correct-horse-battery"


def actor(number: int, name: str) -> dict[str, Any]:
    """A threat actor of our own."""
    when = "2026-01-01T00:00:00.000Z"
    id_ = f"threat-actor--{UUID(int=number)}"
    return {"type": "threat-actor", "spec_version": "2.1", "id": id_, "created": when, "modified": when, "name": name}


def counts(ran: Ran) -> dict[str, int]:
    """How many rows ended in which way."""
    return {name: count for name, count in ran.json["counts"].items() if count}


@pytest.fixture
def collection() -> Iterator[tuple[dict[str, list[dict[str, Any]]], int]]:
    """Date -> the objects that were added then, served with `added_after`; and the port."""
    held: dict[str, list[dict[str, Any]]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            after = self.path.partition("added_after=")[2].partition("&")[0]
            shown = {date: objects for date, objects in sorted(held.items()) if date > after}
            data = json.dumps({"objects": [one for objects in shown.values() for one in objects]}).encode()
            self.send_response(200 if self.headers.get("Authorization", "").startswith("Basic ") else 401)
            for name, date in zip(("First", "Last"), (min(shown, default=""), max(shown, default="")), strict=True):
                self.send_header(f"X-TAXII-Date-Added-{name}", date)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield held, server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_feed_is_synced_night_by_night(
    collection: tuple[dict[str, list[dict[str, Any]]], int], cli: Cli, tmp_path: Path
) -> None:
    """Each night sends what is new; what the server stops giving is not deleted; the login is shown nowhere."""
    held, port = collection
    url = f"taxii+http://127.0.0.1:{port}/root/collections/actors/"
    (tmp_path / "logins.yaml").write_text(f"127.0.0.1: {{user: ann, password: {PASSWORD}}}\n")
    (tmp_path / "logins.yaml").chmod(0o600)
    (tmp_path / "night.yaml").write_text(
        f"sources: [{url!r}]\nlogins: logins.yaml\nmode: upsert\nmarking: {{managed_by: feed, prune: true}}\n"
    )
    held["2026-03-01T00:00:00.000000Z"] = [actor(1, "Glass Heron"), actor(2, "Iron Moth")]
    first = cli("apply", "night.yaml", "--sandbox", "--format", "json")
    assert (first.code, first.json["counts"]["created"]) == (0, 2), first.err
    held.clear()
    held["2026-03-02T00:00:00.000000Z"] = [actor(3, "Salt Wren")]
    second = cli("apply", "night.yaml", "--sandbox", "--format", "json")
    assert (second.code, counts(second)) == (0, {"created": 1, "unchanged": 2}), second.err
    held.clear()
    third = cli("apply", "night.yaml", "--sandbox", "--format", "json")
    assert counts(third) == {"unchanged": 3}, third.err
    fresh = cli("apply", "night.yaml", "--sandbox", "--fresh", "--format", "json")
    assert fresh.code == 3, "a feed that gives nothing from its beginning is not a list"
    held["2026-03-02T00:00:00.000000Z"] = [actor(3, "Salt Wren")]
    fresh = cli("apply", "night.yaml", "--sandbox", "--fresh", "--allow-empty", "--max-shrink", "100%")
    assert "nothing is deleted" in fresh.out + fresh.err, "a feed of changes never prunes"
    written = b"".join(
        file.read_bytes() for file in tmp_path.rglob("*") if file.is_file() and file.name != "logins.yaml"
    )
    assert PASSWORD.encode() not in written + (first.out + first.err + second.out + second.err).encode()


def test_a_feed_without_its_login_says_how_to_give_one(
    collection: tuple[dict[str, list[dict[str, Any]]], int], cli: Cli
) -> None:
    """401 is an error of the source, and names the option."""
    ran = cli("validate", f"taxii+http://127.0.0.1:{collection[1]}/root/collections/actors/")
    assert ran.code == 3
    assert "--logins" in ran.err
