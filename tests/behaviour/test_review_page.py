"""`review --page`: pairs are decided in a real browser, and nobody but its person can do anything there."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from importer.errors import UsageError
from importer.model import Pair, Place, Severity, Shared, Side
from importer.pipeline.review_server import IDLE, ReviewServer
from importer.planning.decisions import PairDecision, parse
from importer.planning.review import FileChanged, Review
from tests.behaviour.inside import Here, rows
from tests.behaviour.program import Cli, environment

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
Browse = Callable[..., "Page"]
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"


def pair(one: str, other: str) -> Pair:
    first, second = (Side(name, f"{name[0]}.csv", Place(f"{name[0]}.csv", row=2, letter="A")) for name in (one, other))
    return Pair(first, second, Severity.WARNING, "alias-shared", (Shared("Dust"),))


PAIRS = (pair("Amber Jackal", "Iron Quokka"), pair("Tin Owl", "Mud Heron"))


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.time = 0.0
        self.asleep = asyncio.Event()
        self.passed = asyncio.Event()

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return datetime(2026, 11, 26, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        self.asleep.set()
        await self.passed.wait()

    async def pass_by(self, seconds: float) -> None:
        """Let somebody who sleeps wake up after so many seconds."""
        await self.asleep.wait()
        self.time += seconds
        self.asleep.clear()
        self.passed.set()
        await asyncio.sleep(0)
        self.passed.clear()


class Served:
    """A review being served, the link to it, and a browser's part in that."""

    def __init__(self, review: Review, client: aiohttp.ClientSession) -> None:
        self.review, self.client, self.clock = review, client, Clock()
        self.path = ""
        self.server = ReviewServer(review, self._page, self.clock)
        self.link = asyncio.get_running_loop().create_future()
        self.task = asyncio.ensure_future(self.server.serve(self.link.set_result))

    def _page(self, path: str) -> tuple[str, str]:
        self.path = path
        return f"<p>{len(self.review.asked)} asked</p>", "default-src 'none'"

    async def open(self) -> aiohttp.ClientResponse:
        """Follow the link, as the person does."""
        return await self.client.get(await self.link)

    async def ask(self, path: str, method: str = "POST", headers: dict[str, str] | None = None, **more: Any) -> int:
        """The status of a request to the page's own path, as the page makes it but for what is given."""
        origin = (await self.link).partition("/?")[0]
        own = {"Origin": origin} if method == "POST" else {}
        async with self.client.request(method, f"{origin}{path}", headers=own | (headers or {}), **more) as answer:
            await answer.read()
            return answer.status

    async def answer(self, **more: Any) -> int:
        """The status of an answer: the first pair is one actor."""
        return await self.ask(f"{self.path}answer", json={"edition": 1, "number": 0, "reply": "same", **more})


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Served]:
    """A review of two pairs, its page not yet opened."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        found = Served(Review(folder / "decisions.yaml", PAIRS, by="jane", on="2026-11-26"), client)
        await found.link
        yield found
        found.task.cancel()
        await asyncio.gather(found.task, return_exceptions=True)


def held(folder: Path) -> tuple[PairDecision, ...]:
    path = folder / "decisions.yaml"
    return parse(path.read_text("utf-8")).pairs if path.exists() else ()


async def test_the_link_opens_the_page_once(tmp_path: Path) -> None:
    """Its token is good for one cookie, which scripts and other sites do not get; nothing else opens the page."""
    async with served(tmp_path) as review:
        _, _, token = (await review.link).partition("/?token=")
        assert len(token) >= 43
        for query in ("", "?token=", f"?token={token[:-1]}", "?token=%C3%A9", f"?other={token}"):
            assert await review.ask(f"/{query}", "GET") == 403
        opened = await review.open()
        assert (opened.status, await opened.text()) == (200, "<p>2 asked</p>")
        cookie = opened.headers.getall("Set-Cookie")
        assert len(cookie) == 1
        assert "HttpOnly" in cookie[0]
        assert "SameSite=Strict" in cookie[0]
        assert f"Path={review.path}" in cookie[0]
        assert token not in cookie[0]
        assert (await review.open()).status == 403
        assert await review.ask(review.path, "GET") == 200
        review.client.cookie_jar.clear()
        assert await review.ask(review.path, "GET") == 403
        assert await review.answer() == 403
        assert held(tmp_path) == ()


async def test_other_sites_and_other_names_are_refused(tmp_path: Path) -> None:
    """Another Host (a name that was rebound), another Origin or none, or a form's kind of body decide nothing."""
    async with served(tmp_path) as review:
        link = await review.link
        host = link.split("/")[2]
        port = host.partition(":")[2]
        for wrong in ("evil.example", f"evil.example:{port}", f"localhost:{port}", "127.0.0.1", f"127.0.0.1:{port}."):
            assert (await review.client.get(link, headers={"Host": wrong})).status == 403
        assert (await review.open()).status == 200, "the token was not used up by any of these"
        path = f"{review.path}answer"
        good = {"edition": 1, "number": 0, "reply": "same"}
        for origin in ("http://evil.example", "null", "http://127.0.0.1:1", f"https://{host}", ""):
            assert await review.ask(path, headers={"Origin": origin}, json=good) == 403
        assert await review.ask(path, headers={"Host": "evil.example"}, json=good) == 403
        assert (await review.client.post(f"http://{host}{path}", json=good)).status == 403
        assert await review.ask(path, headers={"Content-Type": "text/plain"}, data=b"{}") == 415
        assert held(tmp_path) == ()
        assert await review.answer() == 200
        assert [one.are for one in held(tmp_path)] == ["same"]


async def test_nothing_else_can_be_done(tmp_path: Path) -> None:
    """Reading changes nothing; other routes, paths that lead out, other bodies and pairs that are not there fail."""
    async with served(tmp_path) as review:
        await review.open()
        for path in ("answer", "done"):
            assert await review.ask(f"{review.path}{path}", "GET") == 404
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
            assert await review.ask(f"{review.path}answer", method, headers={"Origin": ""}) == 403
        for path in ("../decisions.yaml", "..%2f..%2fetc/passwd", "decisions.yaml", "answer/", "answer/x"):
            assert await review.ask(f"{review.path}{path}", "GET") in (403, 404)
            assert await review.ask(f"{review.path}{path}", json={}) in (403, 404)
        for number in (-1, 2, 10**9):
            assert await review.answer(number=number) == 404
        for wrong in ({"reply": "deleted"}, {"number": "0"}, {"keep": 2}, {"path": "/etc/passwd"}, {"edition": None}):
            assert await review.answer(**wrong) == 400
        assert await review.ask(f"{review.path}answer", json={"means": "x" * 2_000}) == 413
        headers = {"Content-Type": "application/json"}

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"x" * 100_000

        with suppress(aiohttp.ClientError):  # the connection may be closed on it
            assert await review.ask(f"{review.path}answer", headers=headers, data=endless()) == 413
        assert held(tmp_path) == ()
        assert not review.task.done()


async def test_strangers_write_nothing_on_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever bytes come in: they are refused, nothing of them is said or logged, and the page is still there."""
    async with served(tmp_path) as review:
        link = await review.link
        host = link.split("/")[2].encode()
        own = b" HTTP/1.1\r\nHost: " + host + b"\r\n"
        for sent in (
            b"\x16\x03\x01garbage\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET " + b"a" * 100_000 + own + b"\r\n",
            b"POST /" + own + b"Content-Length: -5\r\n\r\n", b"GET http://evil/" + own + b"\r\n",
            b"GET /?token=\xff\xfe" + own + b"Cookie: review=\xff\xff; a=%ff\r\n\r\n",
            b"GET /?token=%ed%a0%80" + own + b"\r\n",
        ):  # fmt: skip
            reader, writer = await asyncio.open_connection("127.0.0.1", int(host.partition(b":")[2]))
            writer.write(sent)
            assert re.match(rb"HTTP/1\.[01] 4[0-9][0-9] ", await reader.readline())
            writer.close()
        assert (await review.open()).status == 200
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


async def test_no_answer_is_kept_or_framed(tmp_path: Path) -> None:
    """Whatever is answered: no cache, no frame, no referrer, no guessing of types, and a policy."""
    async with served(tmp_path) as review:
        origin = (await review.link).partition("/?")[0]
        for answer in (await review.client.get(f"{origin}/nothing"), await review.open()):
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


async def test_it_ends_by_itself(tmp_path: Path) -> None:
    """Half an hour without its person ends it; strangers' requests do not count, the person's do; so does Done."""
    async with served(tmp_path) as review:
        await review.clock.pass_by(IDLE - 1)
        await review.open()
        await review.clock.pass_by(IDLE - 1)
        assert await review.ask("/", "GET") == 403
        await review.clock.asleep.wait()
        assert not review.task.done()
        await review.clock.pass_by(1)
        await asyncio.wait_for(review.task, 10)
    async with served(tmp_path) as review:
        await review.open()
        assert await review.ask(f"{review.path}done") == 200
        await asyncio.wait_for(review.task, 10)


async def test_no_port(tmp_path: Path) -> None:
    """Where a port cannot be had, that is said, and what to do instead."""
    async with served(tmp_path) as review:
        taken = int((await review.link).split(":")[2].partition("/")[0])
        again = ReviewServer(review.review, review._page, review.clock, port=taken)
        with pytest.raises(UsageError, match=f"cannot be served on 127.0.0.1, port {taken}: ") as refused:
            await again.serve(lambda link: None)
        assert "terminal" in refused.value.hint


def test_what_others_write_is_kept(tmp_path: Path) -> None:
    """A file that changed meanwhile is read again and nothing is written; then one goes on from what is in it."""
    path = tmp_path / "decisions.yaml"
    review = Review(path, PAIRS)
    review.decide(0, "same", keep=1)
    theirs = "# theirs\r\n" + path.read_text("utf-8").replace("\n", "\r\n") + "accepted: []  # none yet\r\n"
    path.write_bytes(theirs.encode())
    with pytest.raises(FileChanged):
        review.undo(0)
    assert path.read_bytes() == theirs.encode()
    assert review.asked == [PAIRS[1]]
    review.decide(0, "different")
    text = path.read_bytes().decode()
    assert text.startswith("# theirs\r\n")
    assert "accepted: []  # none yet\r\n" in text
    assert "\n" not in text.replace("\r\n", "")
    assert [(one.are, one.keep) for one in parse(text).pairs] == [("same", "Iron Quokka"), ("different", "")]
    review.undo(0)
    assert path.read_bytes() == theirs.encode()
    path.write_text("pairs: [", "utf-8")
    for _ in range(2):
        with pytest.raises(UsageError, match="has 1 problem"):
            review.decide(0, "same")
    assert path.read_text("utf-8") == "pairs: ["


def test_what_another_review_writes_just_before_is_seen(tmp_path: Path) -> None:
    """Whether the file is as it was is looked at while others are kept away, so that no answer is written over."""
    path = tmp_path / "decisions.yaml"
    other = Review(path, PAIRS)

    @contextmanager
    def other_was_faster() -> Iterator[None]:
        other.decide(0, "different")
        yield

    with pytest.raises(FileChanged):
        Review(path, PAIRS, lock=other_was_faster).decide(1, "same")
    assert [one.are for one in held(tmp_path)] == ["different"]


@contextmanager
def program(folder: Path, *args: str, env: dict[str, str] | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`tag-importer review --page` in a process of its own, and the link that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "importer", "review", "--page", *args], cwd=folder, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(folder, env),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def test_a_browser_is_opened_without_showing_the_link(tmp_path: Path) -> None:
    """With --open a browser gets a file that leads on: its command line, which others can see, holds no token."""
    lists(tmp_path)
    script = tmp_path / "browser.py"
    script.write_text(
        "import sys, stat, pathlib\n"
        "path = pathlib.Path(sys.argv[1].removeprefix('file://'))\n"
        "mode = oct(stat.S_IMODE(path.parent.stat().st_mode))\n"
        "pathlib.Path('told').write_text('\\n'.join([sys.argv[1], mode, path.read_text()]))\n"
        "pathlib.Path('told').rename('opened')\n"
    )
    env = {"BROWSER": f"{sys.executable} {script} %s"}
    with program(tmp_path, "one.csv", "two.csv", "--open", env=env) as (process, link):
        while not (tmp_path / "opened").exists():
            assert process.poll() is None
            time.sleep(0.01)
        address, mode, text = (tmp_path / "opened").read_text("utf-8").split("\n")
        token = link.partition("token=")[2]
        assert token not in address
        assert mode == "0o700"
        assert text == f'<meta http-equiv="refresh" content="0;url={link}">'


def lists(folder: Path) -> None:
    rows(folder / "one.csv", "name,aliases,country", "Amber Jackal,Dust; Sirocco,Iran", "Tin Owl,Sand,China",
         "Red Fox,Rust,<b>Oman</b>")  # fmt: skip
    rows(folder / "two.csv", "name,aliases,notes", "Iron Quokka,DUST,seen in May", "Mud Heron,Sand,", "Blue Eel,Rust,")


@pytest.fixture
def browse() -> Iterator[Browse]:
    """Opens a link in Chromium; the page asks nobody but its own server, and nothing is said on the console."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here (Debian's package `chromium`)")
    said: list[str] = []
    asked: list[str] = []
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def opened(link: str, width: int = 1440, height: int = 900) -> Page:
            page: Page = browser.new_page(viewport={"width": width, "height": height})
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.on("request", lambda request: asked.append(request.url))
            page.goto(link)
            return page

        yield opened
        browser.close()
    expected = ("409 (Conflict)", "ERR_CONNECTION_REFUSED")
    assert [text for text in said if not any(word in text for word in expected)] == []
    assert all(url.startswith("http://127.0.0.1:") for url in asked)


def test_pairs_are_decided_on_the_page(here: Here, browse: Browse) -> None:
    """By key and by button, with both rows side by side; each answer is in the file at once; undo takes it back."""
    from axe_playwright_python.sync_playwright import Axe

    lists(here.folder)
    path = here.folder / "decisions.yaml"
    path.write_text("# mine\naliases:\n  - {alias: Dune, belongs-to: {name: Tin Owl}}  # ours\n", "utf-8")
    with program(here.folder, "one.csv", "two.csv") as (process, link):
        page = browse(link)
        assert "token" not in page.url
        assert page.locator("h1").inner_text() == "3 pairs wait for your decision."
        box = page.locator("#decide")
        assert "1 of 3" in box.inner_text()
        sides = page.locator("#decide-sides article").all_inner_texts()
        assert "Amber Jackal" in sides[0]
        assert "Dust; Sirocco" in sides[0]
        assert "seen in May" in sides[1]
        assert page.locator("mark").all_inner_texts() == ["Dust", "DUST"]
        assert Axe().run(page).response["violations"] == []
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / "review-desk-light.png")
        page.keyboard.press("S")
        page.get_by_text("Written: same. 2 left.").wait_for()
        assert [(one.are, one.keep, bool(one.on)) for one in held(here.folder)] == [("same", "Iron Quokka", True)]
        page.get_by_role("button", name="Different").click()
        page.get_by_text("Written: different. 1 left.").wait_for()
        assert page.locator("#decide-sides h3").first.inner_text() == "Red Fox"
        assert "<b>Oman</b>" in page.locator("#decide-sides").inner_text()
        page.keyboard.press("b")
        page.get_by_text("taken back").wait_for()
        assert [one.are for one in held(here.folder)] == ["same"]
        page.keyboard.press("u")
        page.get_by_text("Written: unsure. 1 left.").wait_for()
        page.reload()
        assert "3 of 3" in box.inner_text()
        path.write_text(path.read_text("utf-8") + "# a colleague's\n", "utf-8")
        page.keyboard.press("o")
        page.get_by_text("was changed by somebody else").wait_for()
        assert "1 of 1" in box.inner_text()
        assert path.read_text("utf-8").endswith("# a colleague's\n")
        page.keyboard.press("o")
        page.get_by_text("All decided").wait_for()
        page.screenshot(path=SCREENSHOTS / "review-done-desk-light.png")
        page.get_by_role("button", name="Done").click()
        page.get_by_role("heading", name="1 decided, 0 left.").wait_for()
        assert process.wait(10) == 0
        assert process.stderr is not None
        told = process.stderr.read()
        assert "1 decided, 0 left: decisions.yaml" in told
        assert link.partition("token=")[2] not in told
    text = path.read_text("utf-8")
    assert text.startswith("# mine\naliases:\n  - {alias: Dune, belongs-to: {name: Tin Owl}}  # ours\n")
    assert [one.are for one in parse(text).pairs] == ["same", "unsure", "overlaps"]


def test_values_are_decided_on_the_page(here: Here, browse: Browse) -> None:
    """The nearest word by a key, another one that the field takes, or left as it is; each is in the file at once."""
    from axe_playwright_python.sync_playwright import Axe

    rows(here.folder / "list.csv", "name,country,motive", "Tin Owl,Chnia,spyng", "Mud Heron,Chnia,Espionage",
         "Red Fox,Mordor,Espionage", "Blue Eel,Iran,Espionage", "Salt Crane,Iran,xyzzy <i>1</i>")  # fmt: skip
    with program(here.folder, "list.csv") as (process, link):
        page = browse(link)
        assert page.locator("h1").inner_text() == "4 values wait for your decision."
        box = page.locator("#decide")
        assert "“Chnia”" in box.inner_text()
        assert "2 rows · list.csv B2, list.csv B3" in box.inner_text()
        assert Axe().run(page).response["violations"] == []
        page.screenshot(path=SCREENSHOTS / "review-value-desk-light.png")
        page.keyboard.press("y")
        page.get_by_text("Written: means China (CN). 3 left.").wait_for()
        seen = set()
        for _ in range(3):
            text = page.locator("#decide h3").inner_text()
            seen.add(text)
            if text == "“Mordor”":
                page.keyboard.press("m")
                page.keyboard.type("Gondor")
                page.keyboard.press("Enter")
                page.get_by_text("is not a country").last.wait_for()
                page.locator("#decide-word").fill("India")
                page.keyboard.press("Enter")
                page.get_by_text("Written: means India.").wait_for()
            elif text == "“spyng”":
                page.locator("#decide-word").fill("no such word")
                page.keyboard.press("Enter")
                page.get_by_text("is not one of the words that motive takes").wait_for()
                page.locator("#decide-word").fill("espionage")
                page.keyboard.press("Enter")
                page.get_by_text("Written: means espionage.").wait_for()
            else:
                page.get_by_role("button", name="Leave it as it is").click()
                page.get_by_text("Written: left as it is.").wait_for()
        assert len(seen) == 3
        page.keyboard.press("q")
        assert process.wait(10) == 0
    kept = parse((here.folder / "decisions.yaml").read_text("utf-8"))
    means = {one.value: (one.means.casefold(), one.source) for one in kept.values}
    assert means == {
        "Chnia": ("china (cn)", "list.csv"),
        "Mordor": ("india", "list.csv"),
        "spyng": ("espionage", "list.csv"),
    }
    assert len(kept.accepted) == 1
    told = here.ok("validate", "list.csv", "--decisions", "decisions.yaml", "--format", "json").json
    assert told["issue_counts"]["warning"] == 0


def test_on_a_phone_and_after_the_end(cli: Cli, tmp_path: Path, browse: Browse) -> None:
    """A run's pairs fit a narrow screen; Ctrl-C ends it with 0, and then the page says so."""
    lists(tmp_path)
    assert cli("plan", "one.csv", "two.csv", "--sandbox", "--sandbox-db", "s.sqlite3", "--out", "run").code == 0
    with program(tmp_path, "run", "--decisions", "mine.yaml") as (process, link):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", link)
        page = browse(link, 390, 844)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.screenshot(path=SCREENSHOTS / "review-phone-light.png")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        page.keyboard.press("d")
        page.get_by_text("Review has ended. What was decided is in mine.yaml").wait_for()
