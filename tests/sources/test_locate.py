"""Files, folders, globs, standard input and URLs."""

from __future__ import annotations

import base64
import gc
import gzip
import io
import json
import os
import threading
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request

import pytest

from importer.errors import SourceError
from importer.sources.http_get import Url, _Redirects
from importer.sources.options import Limits
from importer.system import open_regular

from .reading import got, written

LIST = b"name,country\nA,CN\n"


def test_all_missing_files_are_named_at_once(tmp_path: Path) -> None:
    """One error lists every source that cannot be read, with the nearest name as a hint where there is one."""
    written(tmp_path, "actors.csv", LIST)
    with pytest.raises(SourceError, match="2 sources cannot be read") as caught:
        got(tmp_path / "actors.csv", tmp_path / "x.csv", tmp_path / "y.csv")
    assert len(caught.value.details) == 2
    with pytest.raises(SourceError, match="does not exist") as caught:
        got(tmp_path / "actor.csv")
    assert "actors.csv" in caught.value.hint


def test_a_folder_is_read_in_order_and_passes_over_the_rest(tmp_path: Path) -> None:
    """Lists in a folder are read sorted; what holds no list is passed over with a word; files are read once."""
    (tmp_path / "in").mkdir()
    written(tmp_path / "in", "b.csv", b"name,c\nB,1\n")
    written(tmp_path / "in", "a.csv", b"name,c\nA,1\n")
    written(tmp_path / "in", "notes.md", b"text")
    written(tmp_path / "in", "page.csv", b"<html></html>")
    read = got(tmp_path / "in")
    assert [row.cells[0] for row in read.rows] == ["A", "B"]
    assert sorted(Path(issue.place.file).name for issue in read.notes) == ["notes.md", "page.csv"]
    twice = got(tmp_path / "in" / "a.csv", str(tmp_path / "in" / "[ab].csv"))
    assert [row.cells[0] for row in twice.rows] == ["A", "B"]
    assert twice.codes() == ["named-twice"]


def test_a_folder_gives_neither_our_own_runs_nor_the_mapping_beside_an_export(tmp_path: Path) -> None:
    """Reports of earlier runs, and a mapping that an export wrote, are never read as lists of actors."""
    folder = tmp_path / "in"
    run = folder / "tag-importer-runs" / "one"
    run.mkdir(parents=True)
    written(folder, "a.csv", b"name,c\nA,1\n")
    written(folder, "a.csv.mapping.yaml", b"- name: X\n")
    written(run, "results.csv", b"name,c\nB,1\n")
    read = got(folder)
    assert [row.cells[0] for row in read.rows] == ["A"]
    assert [Path(issue.place.file).name for issue in read.notes] == ["a.csv.mapping.yaml"]


def test_a_folder_without_a_list_is_an_error(tmp_path: Path) -> None:
    """Nothing to read is never a success."""
    written(tmp_path, "page.csv", b"<html></html>")
    with pytest.raises(SourceError, match="no list of actors was found"):
        got(tmp_path)
    with pytest.raises(SourceError, match="No file matches"):
        got(tmp_path / "*.xlsx")


def test_standard_input(tmp_path: Path) -> None:
    """`-` reads what is piped in, of any kind."""
    assert got("-", stdin=LIST).cells == [("A", "CN")]
    assert got("-", stdin=b'[{"name": "A"}]').files[0].file == "-"


class _Server(ThreadingHTTPServer):
    asked: list[dict[str, str]]
    over: threading.Event


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.asked.append(dict(self.headers))
        if self.path == "/away":
            self._answer(302, b"", {"Location": "http://example.org/list.csv"})
        elif self.path == "/big":
            self._answer(200, b"x" * 3000, {})
        elif self.path == "/slow":
            self.send_response(200)
            self.send_header("X-Slow", "yes")
            for _ in range(100):  # a header that never ends, each piece well within a socket's limit
                self.flush_headers()
                self.send_header("X-More", "y")
                if self.server.over.wait(0.05):
                    return
        elif self.path == "/index.json":
            self._answer(200, _index(f"http://127.0.0.1:{self.server.server_port}"), {})
        elif self.path == "/circle.json":
            self._answer(200, _index(f"http://127.0.0.1:{self.server.server_port}", "/circle.json"), {})
        elif self.path in ("/packed", "/bomb", "/torn", "/unpacked"):
            packed = gzip.compress(LIST if self.path != "/bomb" else LIST + b"x" * 10_000_000)
            body = {"/torn": packed[:-9], "/unpacked": LIST}.get(self.path, packed)
            self._answer(200, body, {"Content-Encoding": "gzip"})
        elif self.path == "/part":
            self._answer(206, LIST, {"Content-Range": "bytes 0-18/900"})
        elif self.path == "/gone":
            self._answer(404, b"", {})
        elif self.headers.get("If-None-Match") == '"v1"':
            self._answer(304, b"", {})
        else:
            self._answer(200, LIST, {"ETag": '"v1"'})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        return


def _index(base: str, path: str = "") -> bytes:
    """An index of releases as ATT&CK's is: each version is a list of its own."""

    def collection(name: str, *versions: str) -> dict[str, Any]:
        urls = [{"version": version, "url": f"{base}{path or f'/{name}-{version}.csv'}"} for version in versions]
        return {"id": f"x-mitre-collection--{name}", "name": f"{name} things", "versions": urls}

    return json.dumps({"collections": [collection("Alpha", "9.1", "10.2"), collection("Beta", "3.0")]}).encode()


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Handler) as running:
        running.asked, running.over = [], threading.Event()
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.over.set()
        running.shutdown()


def address(server: _Server, path: str, user: str = "") -> str:
    return f"http://{user}127.0.0.1:{server.server_port}{path}"


def test_an_unchanged_download_is_not_sent_again(server: _Server, tmp_path: Path) -> None:
    """The second run asks with the ETag and reads the kept copy; a spoiled copy is fetched anew."""
    url = address(server, "/list.csv")
    for _ in range(2):
        assert got(url, cache_dir=tmp_path / "cache").cells == [("A", "CN")]
    assert [headers.get("If-None-Match") for headers in server.asked] == [None, '"v1"']
    next((tmp_path / "cache").glob("*.body")).write_bytes(b"spoiled")
    assert got(url, cache_dir=tmp_path / "cache").cells == [("A", "CN")]
    assert server.asked[-1].get("If-None-Match") is None


@pytest.mark.parametrize(
    ("wanted", "release"),
    [("", "Alpha-10.2"), ("#alpha", "Alpha-10.2"), ("#alpha@9.1", "Alpha-9.1"), ("#beta", "Beta-3.0")],
)
def test_an_index_of_releases_leads_to_the_one_that_is_named(wanted: str, release: str, server: _Server) -> None:
    """The newest of the collection, by number and not by letter, or the version that the URL names."""
    assert got(address(server, f"/index.json{wanted}")).tables[0].header.file == address(server, f"/{release}.csv")


def test_an_index_leads_nowhere_else(server: _Server) -> None:
    """A release that is not listed is said with those that are; an index of indexes is not followed without end."""
    with pytest.raises(SourceError, match="no release 'alpha@7'") as caught:
        got(address(server, "/index.json#alpha@7"))
    assert "Alpha things (9.1, 10.2...)" in caught.value.hint
    with pytest.raises(SourceError):
        got(address(server, "/circle.json"))
    assert len(server.asked) == 3
    with pytest.raises(SourceError, match="an address inside"):
        Url.of("https://example.org/index.json").check_leads_to("https://10.0.0.1/x")


def test_credentials_are_sent_and_shown_nowhere(server: _Server) -> None:
    """They go into the header; the file's name, the table and errors have none of them."""
    read = got(address(server, "/list.csv?key=secret2", "user:secret@"))
    assert server.asked[0]["Authorization"] == "Basic " + base64.b64encode(b"user:secret").decode()
    assert "secret" not in repr((read.files, read.tables[0].header))
    with pytest.raises(SourceError, match="404") as caught:
        got(address(server, "/gone", "user:secret@"))
    assert "secret" not in repr((caught.value.message, caught.value.hint, caught.value.details))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the connection that was given up
def test_a_download_whose_headers_never_end_is_given_up(server: _Server) -> None:
    """The time for a download covers its headers too, however little comes at a time."""
    with pytest.raises(SourceError, match="took longer than") as caught:
        got(address(server, "/slow"), limits=Limits(download_seconds=0.3))
    assert "--limit download_seconds=N" in caught.value.hint
    server.over.set()
    for thread in threading.enumerate():
        if thread.name == "fetch":
            thread.join(5)
    gc.collect()


def _redirected(url: str, to: str) -> Request | None:
    """What the program does when a server at `url` redirects."""
    return _Redirects(stay=False).redirect_request(Request(url), io.BytesIO(), 302, "Found", Message(), to)


def test_downloads_are_bounded_and_stay_on_https(server: _Server) -> None:
    """Size, scheme and redirects have limits, each with a sentence."""
    with pytest.raises(SourceError, match="larger than"):
        got(address(server, "/big"), limits=Limits(download_bytes=1000))
    with pytest.raises(SourceError, match=r"redirects to http://example\.org"):
        got(address(server, "/away"))
    for host in ("127.0.0.1", "169.254.169.254", "10.1.2.3", "[::1]", "[fd00::1]", "localhost", "metadata.internal"):
        with pytest.raises(SourceError, match="an address inside"):
            _redirected("https://example.org/list.csv", f"https://{host}/latest/meta-data")
    assert _redirected("https://example.org/a.csv", "https://cdn.example.net/a.csv") is not None
    assert _redirected("https://10.0.0.1/a.csv", "https://10.0.0.2/a.csv") is not None
    for url in ("http://example.org/x.csv", "ftp://example.org/x.csv", "file:///etc/passwd"):
        with pytest.raises(SourceError, match="begins with https"):
            got(url)


def test_what_a_server_packed_unasked_is_unpacked_within_bounds(server: _Server) -> None:
    """As gzip, and no more of it than a download may have; what is torn, or a part, or not gzip, is said."""
    assert got(address(server, "/packed")).cells == [("A", "CN")]
    for path, said in (
        ("/part", "206 Partial Content"),
        ("/bomb", "larger than"),
        ("/torn", "cut short"),
        ("/unpacked", "not the gzip"),
    ):
        with pytest.raises(SourceError, match=said):
            got(address(server, path), limits=Limits(download_bytes=1_000_000))


def test_a_login_follows_to_its_own_server_alone() -> None:
    """Where a server leads to another path of its own the login is shown again; to another host or port never."""
    asked = Request("https://example.org/objects")
    asked.add_unredirected_header("Authorization", "Bearer abc")
    shown = {}
    for to in ("https://example.org/objects/", "https://example.org:8443/objects/", "https://example.net/objects/"):
        led = _Redirects(stay=False).redirect_request(asked, io.BytesIO(), 301, "Moved", Message(), to)
        assert led is not None
        shown[to] = (led.unredirected_hdrs.get("Authorization"), led.headers.get("Authorization"))
    assert list(shown.values()) == [("Bearer abc", None), (None, None), (None, None)]


def test_links_are_followed_only_inside_what_was_named(tmp_path: Path) -> None:
    """A link in a stranger's folder opens no file outside of it, by folder or by glob; named itself, it is read."""
    lists, secret = tmp_path / "lists", written(tmp_path, "token", "name\nsecret-of-ours\n")
    lists.mkdir()
    written(lists, "a.csv", LIST)
    (lists / "b.csv").symlink_to(secret)
    (lists / "c").symlink_to(tmp_path)
    (lists / "d.csv").symlink_to(lists / "a.csv")
    for spec in (lists, f"{lists}/*", f"{lists}/**/*.csv"):
        read = got(spec)
        assert read.column("name") == ["A"]
        assert "left-out-link" in read.codes()
        assert "named-twice" in read.codes()
    assert got(lists / "b.csv").column("name") == ["secret-of-ours"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
def test_only_regular_files_are_read(tmp_path: Path) -> None:
    """A device or pipe, which may have no end, is refused by name, and left out in a folder."""
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    for spec in (pipe, f"{tmp_path}/*.csv", "/dev/zero", "/dev/stdin"):
        with pytest.raises(SourceError, match="not a regular file"):
            got(spec)
    written(tmp_path, "a.csv", LIST)
    read = got(tmp_path)
    assert read.column("name") == ["A"]
    assert read.codes() == ["left-out-file"]


def test_a_file_that_became_a_pipe_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    """What is opened is looked at again: it may not be what was found."""
    with pytest.raises(OSError, match="not a regular file"):
        open_regular("/dev/zero")
    with open_regular(written(tmp_path, "a.csv", LIST)) as stream:
        assert stream.read() == LIST


def test_a_file_without_size_is_not_opened() -> None:
    """The kernel's files say that they are empty, and may never end."""
    if Path("/proc/self/environ").exists():
        with pytest.raises(SourceError, match="empty file"):
            got("/proc/self/environ")


@pytest.mark.parametrize("word", ["rows", "rows=many", "roads=3", "=3", "rows=-1"])
def test_a_limit_that_is_none_is_refused(word: str) -> None:
    """A mistyped limit is not passed over."""
    with pytest.raises(ValueError, match="limit"):
        Limits().changed([word])
