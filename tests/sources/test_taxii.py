"""TAXII collections: against medallion, the reference server, and against a server that misbehaves as it is told."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from importer.errors import SourceError, UsageError
from importer.model import Table
from importer.sources.http_get import Answer, Url
from importer.sources.logins import Login, load_logins
from importer.sources.options import Limits, ReadOptions
from importer.sources.read import read
from importer.sources.taxii import _Page, _Server, fetch_collection

TOGETHER = "2026-03-01T10:00:00.000000Z"
COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"


def actor(number: int, version: int = 0) -> dict[str, Any]:
    """An intrusion set of our own."""
    when = f"2026-01-01T00:00:{version:02}.000Z"
    id_ = f"intrusion-set--{UUID(int=number)}"
    named = f"Actor {number:05}" + (f" v{version}" if version else "")
    return {"type": "intrusion-set", "spec_version": "2.1", "id": id_, "created": when, "modified": when, "name": named}


def objects(data: bytes) -> dict[str, str]:
    """Id -> name of what a bundle holds."""
    return {one["id"]: one["name"] for one in json.loads(data)["objects"]}


class Feed:
    """A collection that is served as the test wants: objects with their dates, pages, and what goes wrong."""

    def __init__(self) -> None:
        self.objects: list[tuple[str, dict[str, Any]]] = []
        self.page = 50
        self.with_next = True
        self.with_dates = True
        self.fail: Callable[[int], int] = lambda call: 0
        """Number of a call for objects -> the status that it fails with, 0 for none."""
        self.change: Callable[[int, dict[str, Any]], dict[str, Any]] = lambda call, envelope: envelope
        self.roots = ["/one/", "/two/"]
        self.asked: list[dict[str, str]] = []
        self.authorized: list[str] = []

    def add(self, *numbers: int, when: str = TOGETHER, version: int = 0) -> None:
        """Actors, added at one instant."""
        self.objects += [(when, actor(number, version)) for number in numbers]

    def answer(self, query: dict[str, str]) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Status, envelope and headers for one call."""
        self.asked.append(query)
        call = len(self.asked)
        if status := self.fail(call):
            return status, {"title": "no"}, {}
        after = query.get("added_after", "")
        size = min(int(query["limit"]), self.page)
        held = [(when, one) for when, one in self.objects if not after or _at(when) > _at(after)]
        start = int(query.get("next", "0"))
        shown = held[start : start + size]
        more = start + size < len(held)
        envelope: dict[str, Any] = {"more": more, "objects": [one for _, one in shown]}
        if more and self.with_next:
            envelope["next"] = str(start + size)
        dates = {"X-TAXII-Date-Added-First": shown[0][0], "X-TAXII-Date-Added-Last": shown[-1][0]} if shown else {}
        return 200, self.change(call, envelope), dates if self.with_dates else {}


def _at(when: str) -> datetime:
    return datetime.fromisoformat(when)


@pytest.fixture
def feed() -> Iterator[tuple[Feed, str]]:
    """The feed, and the URL of its collection."""
    served = Feed()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            served.authorized.append(self.headers.get("Authorization", ""))
            status, headers = 200, dict[str, str]()
            if parts.path == "/taxii2/":
                body: Any = {"title": "t", "api_roots": served.roots}
            elif parts.path in ("/one/", "/two/"):
                body = {"title": "r", "versions": ["application/taxii+json;version=2.1"], "max_content_length": 1}
            elif parts.path.endswith("/collections/"):
                body = {"collections": [{"id": COLLECTION, "title": f"of {parts.path}", "can_read": True}]}
            elif parts.path.endswith("/objects/"):
                status, body, headers = served.answer({key: values[0] for key, values in parse_qs(parts.query).items()})
            else:
                status, body = 404, {}
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield served, f"taxii+http://127.0.0.1:{server.server_port}/one/collections/{COLLECTION}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def poll(url: str, folder: Path, **options: Any) -> dict[str, str]:
    """What one poll gives, with the waits for a broken server left out."""
    located = fetch_collection(url, ReadOptions(cache_dir=folder, **options), sleep=lambda seconds: None)
    return objects(located.open().read())


def test_pages_of_one_date_lose_nothing(feed: tuple[Feed, str], tmp_path: Path) -> None:
    """5,000 objects of one date in pages of 50, ten polls while more come with that date: none missed, none twice."""
    served, url = feed
    for round_ in range(10):
        served.add(*range(round_ * 500, round_ * 500 + 500))
        found = poll(url, tmp_path)
        assert sorted(found.values()) == [f"Actor {number:05}" for number in range((round_ + 1) * 500)]


def test_a_later_poll_asks_for_what_came_since(feed: tuple[Feed, str], tmp_path: Path) -> None:
    """`added_after` is an instant before the server's last date, kept between polls; the list is all that was seen."""
    served, url = feed
    served.add(1, 2, when="2026-03-01T10:00:00Z")
    served.add(3, when="2026-03-01T10:00:05.5Z")
    poll(url, tmp_path)
    assert "added_after" not in served.asked[-1]
    assert "intrusion-set" in served.asked[-1]["match[type]"].split(",")
    served.objects.clear()
    served.add(4, when="2026-03-02T00:00:00Z")
    assert sorted(poll(url, tmp_path).values()) == ["Actor 00001", "Actor 00002", "Actor 00003", "Actor 00004"]
    assert served.asked[-1]["added_after"] == "2026-03-01T10:00:05.499999Z"
    assert sorted(poll(url, tmp_path, fresh=True).values()) == ["Actor 00004"]
    assert "added_after" not in served.asked[-1]


def test_dates_of_objects_and_our_clock_move_nothing(feed: tuple[Feed, str], tmp_path: Path) -> None:
    """A server that says no dates is asked for everything each time."""
    served, url = feed
    served.with_dates = False
    served.add(*range(120))
    poll(url, tmp_path)
    assert len(poll(url, tmp_path)) == 120
    assert not [query for query in served.asked if "added_after" in query]


def test_next_is_not_mixed_up_with_dates(feed: tuple[Feed, str], tmp_path: Path) -> None:
    """While pages are followed by `next` the rest of the question stays as it was."""
    served, url = feed
    for day in range(1, 5):
        served.add(*range(day * 100, day * 100 + 40), when=f"2026-03-0{day}T00:00:00Z")
    poll(url, tmp_path)
    served.add(*range(900, 1000), when="2026-03-09T00:00:00Z")
    before = len(served.asked)
    poll(url, tmp_path)
    later = served.asked[before:]
    assert len(later) == 3
    assert {query["added_after"] for query in later} == {"2026-03-03T23:59:59.999999Z"}


def test_a_server_without_next_is_paged_by_date(feed: tuple[Feed, str], tmp_path: Path) -> None:
    """Nothing is lost between two such pages; where a page's objects all share one date the error says so."""
    served, url = feed
    served.with_next = False
    start = datetime(2026, 3, 1, tzinfo=UTC)
    for number in range(400):
        served.add(number, when=(start + timedelta(seconds=number // 30)).isoformat())
    assert len(poll(url, tmp_path)) == 400
    served.add(*range(400, 500))
    with pytest.raises(SourceError, match="more objects share one date than a page holds"):
        poll(url, tmp_path, fresh=True)


def test_the_newest_version_counts(feed: tuple[Feed, str], tmp_path: Path) -> None:
    """Of one object its greatest `modified` is kept, in whatever order versions come."""
    served, url = feed
    served.add(1, version=2)
    served.add(1, version=1)
    served.add(1, version=3, when="2026-03-02T00:00:00Z")
    assert list(poll(url, tmp_path).values()) == ["Actor 00001 v3"]


def test_a_page_that_fails_for_a_moment_is_asked_for_again(feed: tuple[Feed, str], tmp_path: Path) -> None:
    """Three failures in a row of any page pass unnoticed."""
    served, url = feed
    served.add(*range(200))
    served.fail = lambda call: {3: 500, 4: 503, 5: 429}.get(call, 0)
    assert len(poll(url, tmp_path)) == 200


def test_a_broken_page_costs_no_page_before_it(feed: tuple[Feed, str], tmp_path: Path) -> None:
    """What came before is kept, the error says so, and the next poll goes on after it."""
    served, url = feed
    for hour in range(8):
        served.add(*range(hour * 50, hour * 50 + 50), when=f"2026-03-01T0{hour}:00:00Z")
    served.fail = lambda call: 500 if call > 4 else 0
    with pytest.raises(SourceError, match="answered 500") as caught:
        poll(url, tmp_path)
    assert "200 objects that came before are kept" in caught.value.hint
    served.fail = lambda call: 0
    assert len(poll(url, tmp_path)) == 400
    assert served.asked[-5]["added_after"] == "2026-03-01T02:59:59.999999Z"


@pytest.mark.parametrize("lie", ["empty", "same page"])
def test_more_for_ever_ends(lie: str, feed: tuple[Feed, str], tmp_path: Path) -> None:
    """A server that always says that there is more, and gives nothing new, is left with an error."""
    served, url = feed
    served.add(*range(20))
    held = [one for _, one in served.objects]
    served.change = lambda call, envelope: {"more": True, "next": "1", "objects": [] if lie == "empty" else held}
    with pytest.raises(SourceError, match="gives the same objects again"):
        poll(url, tmp_path)
    assert len(served.asked) < 6


def test_endless_new_objects_meet_a_limit(feed: tuple[Feed, str], tmp_path: Path) -> None:
    """Objects without end stop at the limits of rows and bytes."""
    served, url = feed
    served.change = lambda call, envelope: {
        "more": True, "next": "1", "objects": [actor(call * 100 + number) for number in range(100)]
    }  # fmt: skip
    with pytest.raises(SourceError, match="more than 1,000 objects"):
        poll(url, tmp_path, limits=Limits(rows=1000))
    with pytest.raises(SourceError, match="larger than"):
        poll(url, tmp_path, limits=Limits(download_bytes=100_000))


@pytest.mark.parametrize("times", [1, 2])
def test_a_page_that_comes_twice_costs_no_object(times: int, feed: tuple[Feed, str], tmp_path: Path) -> None:
    """A page in the place of another one is asked for again; where it stays so, the next poll asks for what it hid."""
    served, url = feed
    for number in range(120):
        served.add(number, when=f"2026-03-01T10:{number // 60:02}:{number % 60:02}Z")
    first = [one for _, one in served.objects[:50]]
    served.change = lambda call, envelope: {**envelope, "objects": first} if 1 < call <= 1 + times else envelope
    assert len(poll(url, tmp_path)) == (120 if times == 1 else 70)
    assert len(poll(url, tmp_path)) == 120


def test_pages_out_of_order_prove_nothing(feed: tuple[Feed, str], tmp_path: Path) -> None:
    """Where a server does not keep to the order of dates, what came meanwhile may have an earlier one than the last."""
    served, url = feed
    served.add(*range(50), when="2026-03-02T10:00:00Z")
    served.add(*range(50, 60), when="2026-03-01T10:00:00Z")
    poll(url, tmp_path)
    served.add(60, when="2026-03-01T12:00:00Z")
    assert len(poll(url, tmp_path)) == 61


@pytest.mark.parametrize("odd", [
    {"more": None, "next": None}, {"more": False, "next": None, "x_other": []}, {"more": False, "next": 7},
])  # fmt: skip
def test_what_a_server_may_leave_empty_is_no_fault(odd: dict[str, Any], feed: tuple[Feed, str], tmp_path: Path) -> None:
    """Null for what is not there is read as if it were left out; objects without an id are told apart."""
    served, url = feed
    served.change = lambda call, envelope: {"objects": [{"type": "threat-actor", "name": name} for name in "xy"], **odd}
    located = fetch_collection(url, ReadOptions(cache_dir=tmp_path))
    assert [one["name"] for one in json.loads(located.open().read())["objects"]] == ["x", "y"]


def test_pages_without_objects_are_passed_over(feed: tuple[Feed, str], tmp_path: Path) -> None:
    """A server that looks for the types page by page may have many pages that hold none of them."""
    served, url = feed
    served.change = lambda call, envelope: (
        {"more": True, "next": f"{call}"} if call < 20 else {"objects": [actor(1)], "more": False}
    )
    assert len(poll(url, tmp_path)) == 1


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "yesterday", ""])
def test_a_date_that_makes_no_sense_moves_nothing(date: str, feed: tuple[Feed, str], tmp_path: Path) -> None:
    """The list is read, and read whole the next time."""
    served, url = feed
    served.add(1)
    real = served.answer
    served.answer = lambda query: (*real(query)[:2], {"X-TAXII-Date-Added-Last": date})  # type: ignore[method-assign]
    for _ in range(2):
        assert len(poll(url, tmp_path)) == 1
    assert "added_after" not in served.asked[-1]


def test_a_server_lists_its_collections(feed: tuple[Feed, str], tmp_path: Path) -> None:
    """One collection below the URL is taken; of several each is named with its URL."""
    served, url = feed
    served.add(1)
    host = url.split("/one/")[0]
    assert len(poll(f"{host}/one/", tmp_path)) == 1
    with pytest.raises(SourceError, match="has 2 collections") as caught:
        poll(f"{host}/taxii2/", tmp_path)
    assert caught.value.details[0].startswith(url)
    with pytest.raises(SourceError, match="answered 404"):
        poll(f"{host}/three/", tmp_path)


def test_discovery_leads_to_collections_of_this_server(feed: tuple[Feed, str], tmp_path: Path) -> None:
    """The server alone is asked at /taxii2/; its name with another scheme is itself, and other servers are named."""
    served, url = feed
    served.add(1)
    host = url.split("/one/")[0]
    served.roots = [
        host.removeprefix("taxii+").replace("http:", "https:") + "/one/",
        "http://[",
        "https://else.example/",
    ]
    assert len(poll(host, tmp_path)) == 1
    served.roots = ["https://else.example/root/"]
    with pytest.raises(SourceError, match="no collection") as caught:
        poll(f"{host}/", tmp_path)
    assert "taxii+https://else.example/root/" in caught.value.hint


@pytest.mark.parametrize("body", [b'{"objects":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}", b'{"objects":["\xff"]}'])
def test_hostile_answers_are_refused(body: bytes, tmp_path: Path) -> None:
    """Depth without end and text that is none are an answer that is not TAXII's, and nothing of it is kept."""
    server = _Server(ReadOptions(), Url.of("http://127.0.0.1/"), lambda seconds: None)
    server.ask = lambda address: Answer(body, Message())  # type: ignore[method-assign]
    with pytest.raises(SourceError, match="does not answer as a TAXII"):
        server.decoded("http://127.0.0.1/", _Page)


def test_an_empty_collection_and_other_answers_are_said(feed: tuple[Feed, str], tmp_path: Path) -> None:
    """No object, or an answer that is not TAXII's, is an error of the source."""
    served, url = feed
    with pytest.raises(SourceError, match="holds no objects of the types"):
        poll(url, tmp_path)
    served.change = lambda call, envelope: {"objects": "none"}
    with pytest.raises(SourceError, match="does not answer as a TAXII"):
        poll(url, tmp_path)


def test_a_login_goes_to_its_own_host(feed: tuple[Feed, str], tmp_path: Path) -> None:
    """A login is shown to the server that it is written for, whatever else is asked."""
    served, url = feed
    served.add(1)
    host = urlsplit(url.removeprefix("taxii+")).netloc
    poll(url, tmp_path, logins={host: Login(token="abc-def")})
    poll(url, tmp_path, logins={"127.0.0.1": Login(user="ann", password="secret")})
    poll(url, tmp_path, logins={"elsewhere.example": Login(token="abc-def")})
    assert served.authorized == ["Bearer abc-def", "Basic YW5uOnNlY3JldA==", ""]
    assert "abc-def" not in repr(Login(token="abc-def"))


def test_what_one_login_was_given_another_does_not_see(feed: tuple[Feed, str], tmp_path: Path) -> None:
    """What is kept belongs to a login."""
    served, url = feed
    served.add(1)
    poll(url, tmp_path, logins={"127.0.0.1": Login(token="abc-def")})
    served.objects.clear()
    with pytest.raises(SourceError, match="holds no objects"):
        poll(url, tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a.example: {tokn: x}", "tokn"),
        ("a.example: {user: x}", "belong together"),
        ("a.example: {token: x, user: y, password: z}", "one of them"),
        ("a.example: {key: x}", "belongs to a `certificate:`"),
    ],
)
def test_a_mistake_in_the_logins_has_its_line(text: str, told: str, tmp_path: Path) -> None:
    """What is wrong is named with its line, and no value is repeated."""
    file = tmp_path / "logins.yaml"
    file.write_text(f"# ours\n{text}\n")
    with pytest.raises(UsageError) as caught:
        load_logins(file)
    assert told in "".join(caught.value.details)
    assert f"{file}:2:" in "".join(caught.value.details)


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """Before anything is sent; its path counts from the file's folder."""
    (tmp_path / "client.pem").write_text("nothing")
    (tmp_path / "logins.yaml").write_text("a.example: {certificate: client.pem}\n")
    login = load_logins(tmp_path / "logins.yaml")["a.example"]
    options = ReadOptions(logins={"a.example": login})
    with pytest.raises(UsageError, match=r"client certificate .*client\.pem cannot be used"):
        fetch_collection("taxii+https://a.example/one/collections/x/", options)


def test_rows_of_a_collection_are_those_of_its_bundle(feed: tuple[Feed, str], tmp_path: Path) -> None:
    """A collection reads as the same STIX in a file, and says that it is a feed of changes."""
    served, url = feed
    served.add(1, 2)
    found = list(read([url], ReadOptions(cache_dir=tmp_path)))
    table = next(one for one in found if isinstance(one, Table))
    assert list(table.frame["name"]) == ["Actor 00001", "Actor 00002"]
    assert "feed-of-changes" in [getattr(one, "code", "") for one in found]


@pytest.fixture(scope="module")
def medallion(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The OASIS server with 120 actors in pages of 7: the URL of its discovery, with a login."""
    if importlib.util.find_spec("medallion") is None:
        pytest.skip("medallion is not installed")
    folder = tmp_path_factory.mktemp("medallion")
    held = [actor(number) for number in range(120)]
    manifest = [
        {"id": one["id"], "date_added": f"2026-03-01T00:0{at // 40}:00.000000Z", "version": one["modified"],
         "media_type": "application/stix+json;version=2.1"}
        for at, one in enumerate(held)
    ]  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = {
        "information": {"title": "r", "versions": ["application/taxii+json;version=2.1"], "max_content_length": 1},
        "status": [],
        "collections": [{"id": COLLECTION, "title": "Actors", "can_read": True, "can_write": True,
                         "media_types": ["application/stix+json;version=2.1"], "objects": held, "manifest": manifest}],
    }  # fmt: skip
    address = f"http://127.0.0.1:{port}/root/"
    discovery = {"title": "t", "default": address, "api_roots": [address]}
    (folder / "data.json").write_text(json.dumps({"/discovery": discovery, "root": root}))
    backend = {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend",
               "filename": str(folder / "data.json")}  # fmt: skip
    config = {"backend": backend, "users": {"ann": "pass"}, "taxii": {"max_page_size": 7}}
    (folder / "config.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "medallion.scripts.run", "--port", str(port), str(folder / "config.json")]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            for _ in range(300):
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    assert process.poll() is None, (folder / "log").read_text()
                    time.sleep(0.1)
            yield f"taxii+http://ann:pass@127.0.0.1:{port}/taxii2/"
        finally:
            process.terminate()


def test_the_reference_server_is_read_whole(medallion: str, tmp_path: Path) -> None:
    """Discovery, login, pages by its `next`, and a second poll that asks for the last date's objects alone."""
    assert len(poll(medallion, tmp_path)) == 120
    kept = json.loads(next(tmp_path.glob("*.taxii.json")).read_text())
    assert kept["added_after"] == "2026-03-01T00:01:59.999999Z"
    assert len(poll(medallion, tmp_path)) == 120
    with pytest.raises(SourceError, match="answered 401") as caught:
        poll(medallion.replace("ann:pass@", ""), tmp_path)
    assert "--logins" in caught.value.hint
