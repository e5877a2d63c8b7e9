"""The page in a real Chromium: at three sizes, in print, without JavaScript, by keyboard, and with hostile rows.

Its screenshots are left in build/screenshots, to be looked at.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from importer.model import Action, ColumnUse, FieldChange, Issue, Reading, Severity, Table
from importer.planning.cost import Cost
from importer.reports.formats import PlanResult
from importer.reports.html import check_page, plan_page, run_page

from .records import EXPOSURE, HEADER, change, issue, outcomes, plan, record, row
from .situations import SITUATIONS
from .test_html import HOSTILE

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desk": (1440, 900)}
COUNTRIES = (("China", "CN"), ("Russia", "RU"), ("Iran", "IR"), ("Brazil", "BR"))

Shown = Callable[..., "Page"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of this file."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here (Debian's package `chromium`)")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def show(chromium: Browser, tmp_path: Path) -> Iterator[Shown]:
    """Open a page from a file; it asks for nothing else, says nothing on the console and opens no dialog."""
    contexts = []
    asked: list[str] = []
    said: list[str] = []

    def refuse(dialog: Dialog) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    def opened(text: str, width: int = 1440, height: int = 900, **more: Any) -> Page:
        path = tmp_path / "report.html"
        path.write_text(text, "utf-8")
        context = chromium.new_context(viewport={"width": width, "height": height}, **more)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", refuse)
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert set(asked) <= {(tmp_path / "report.html").as_uri()}
    assert said == []


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a run of 10,000 rows, 177 of which need a person."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "failed.csv").touch()
    start = "2026-11-23T17:4"
    calls = [f'{{"event":"intent","attempt":{1 + (at % 40 == 0)},"at":"{start}{at // 100}:{at % 60:02d}+00:00"}}'
             for at in range(200)]  # fmt: skip
    (folder / "journal.jsonl").write_text("\n".join(sorted(calls)) + "\n", "utf-8")
    changes = []
    numbers = range(2, 10_002)
    table = Table.of_rows(HEADER, [[f"Amber Jackal {at}", COUNTRIES[at % 4][0], ""] for at in numbers], numbers)
    for at, number in zip(table.rows(), numbers, strict=True):
        name, code = at.cells[0], COUNTRIES[number % 4][1]
        if number % 60 == 7:
            found = (issue(at.place("Country"), f"Land {number}" if number % 1_260 == 67 else "Chnia"),)
            changes.append(change(Action.INVALID, at, issues=found, code="unknown-country"))
        elif number % 1_000 == 11:
            changes.append(change(Action.CONFLICT, at, code="alias-collision", message="its alias is another's name"))
        elif number % 500 == 12:
            differs = (FieldChange("motive", "Fun", "Espionage"), FieldChange("aliases", ["A", "B"], ["B", "C"]))
            changes.append(change(Action.UPDATE, at, uuid=f"u-{number}", differences=differs))
        else:
            doubt = Issue(
                Severity.WARNING, "several-motives", "holds more than one motive", at.place("Notes"), "motive", "x; y"
            )
            body = {"value": name, "originCountryISO": code, "motive": "Espionage", "confidence": 1 + number % 9}
            changes.append(change(Action.CREATE, at, body=body, issues=(doubt,) if number % 700 == 3 else ()))
    reading = Reading("actors.csv", "", "spreadsheet", 10_000, (
        ColumnUse("Name", "A", "value", "header like 'name'", 10_000),
        ColumnUse("Country", "B", "originCountryISO", "100 % countries", 10_000),
        ColumnUse("Notes", "C", "", "", 20, "sentences", "description"),
    ))  # fmt: skip
    made = plan(changes, readings=(reading,))
    done = outcomes(*((one.key, one.action.status) for one in changes if one.action.calls))
    return run_page(record(folder, made, done))


def axe(page: Page) -> list[str]:
    """What axe finds, as sentences."""
    from axe_playwright_python.sync_playwright import Axe

    return [f"{found['id']}: {found['nodes'][0]['html'][:200]}" for found in Axe().run(page).response["violations"]]


@pytest.mark.parametrize(
    ("size", "scheme"), [("phone", "light"), ("tablet", "dark"), ("desk", "light"), ("desk", "dark")]
)
def test_the_first_screen_answers(show: Shown, run: str, size: str, scheme: str) -> None:
    """Sentence, what to do, and the bar of outcomes are in sight at every size; nothing is wider; axe finds nothing."""
    width, height = SIZES[size]
    page = show(run, width, height, color_scheme=scheme)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"run-{size}-{scheme}.png")
    assert page.locator("h1").inner_text() == "9,823 of 10,000 actors are tags now; 177 rows need you."
    for part in ("h1", ".next", ".outcomes", ".legend"):
        box = page.locator(part).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= height, part
    if size == "desk":
        box = page.locator(".time").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= height
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert axe(page) == []
    page.screenshot(path=SCREENSHOTS / f"run-{size}-{scheme}-whole.png", full_page=True)


@pytest.mark.parametrize("kind", ["plan", "check"])
def test_plan_and_check_have_the_same_page(show: Shown, kind: str) -> None:
    """axe finds nothing on them either, and the sentence is about what would be done."""
    bad = row(3, "B", "Chnia")
    made = plan([
        change(Action.CREATE, row(2, "A", "China"), body={"value": "A", "originCountryISO": "CN"}),
        change(Action.INVALID, bad, issues=(issue(bad.place("Country")),)),
    ])  # fmt: skip
    text = check_page(made) if kind == "check" else plan_page(PlanResult(made, EXPOSURE, Cost(1, 0, 0, 0, 1.0, 1)))
    page = show(text, 820, 1180)
    said = {
        "plan": "Apply would create 1 tag; 1 of 2 rows needs you first.",
        "check": "1 of 2 rows is ready to be sent",
    }
    assert page.locator("h1").inner_text().startswith(said[kind])
    assert axe(page) == []
    page.screenshot(path=SCREENSHOTS / f"{kind}-tablet-light.png")


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_happened_and_what_is_mine_to_do(show: Shown, tmp_path: Path, name: str) -> None:
    """Whatever happened, whatever cells hold: a sentence says it, the page fits, also on two sheets; axe is content."""
    sentence, made = SITUATIONS[name]
    text = made(tmp_path)
    for size, scheme in (("phone", "light"), ("tablet", "dark"), ("desk", "light")):
        page = show(text, *SIZES[size], color_scheme=scheme)
        assert page.locator("h1").inner_text() == sentence
        assert page.evaluate("document.documentElement.scrollWidth") == SIZES[size][0]
        page.screenshot(path=SCREENSHOTS / f"{name}-{size}-{scheme}.png", full_page=True)
        if size == "desk":
            pdf = page.pdf(path=SCREENSHOTS / f"{name}-print.pdf", format="A4")
            assert 1 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 2
        if page.locator("#by-row-on").count():
            page.locator("#by-row-on").click()
            assert not page.locator("#by-value").is_visible()
            assert page.evaluate("document.documentElement.scrollWidth") == SIZES[size][0]
        if size != "desk":
            assert axe(page) == []


def test_what_needs_a_person_by_row(show: Shown, run: str) -> None:
    """Each row that needs work is listed with all that is said of it, then those with a warning; nothing is cut."""
    page = show(run)
    page.get_by_role("button", name="By row").click()
    items = page.locator("#by-row > ul > li")
    assert items.count() == 177 + 15
    first = items.first.text_content() or ""
    assert "Amber Jackal 7" in first
    assert 'B7 (Country): "Chnia" this is not a country; nearest: France' in first
    assert not page.locator("#more-rows").is_visible()
    page.get_by_role("button", name="By value").click()
    assert not page.locator("#by-row").is_visible()
    assert page.get_by_text("159 rows").is_visible()


def shown_rows(page: Page) -> list[str]:
    return page.locator("#body tr:not(.pad)").all_inner_texts()


def test_all_rows_are_found(show: Shown, run: str) -> None:
    """Search, filters and order work on all 10,000 rows, of which the page holds those in sight alone."""
    page = show(run)
    count = page.locator("#shown")
    assert count.inner_text() == "10,000 of 10,000 rows"
    assert len(shown_rows(page)) < 100
    page.locator("#find").fill("jackal 9999")
    assert count.inner_text() == "1 of 10,000 rows"
    assert "Amber Jackal 9999" in shown_rows(page)[0]
    page.locator("#find").fill("CHNIA")
    assert count.inner_text() == "159 of 10,000 rows"
    page.locator("#find").fill("")
    page.locator("#state").select_option("work")
    assert count.inner_text() == "177 of 10,000 rows"
    page.locator("#country").select_option(label="Brazil (2,500)")
    assert count.inner_text() == "177 of 10,000 rows"
    page.locator("#country").select_option(label="Iran (2,500)")
    assert count.inner_text() == "0 of 10,000 rows"
    page.locator("#state").select_option("")
    assert count.inner_text() == "2,500 of 10,000 rows"
    assert all("Iran" in text for text in shown_rows(page))
    page.get_by_role("button", name="Name").click()
    first = shown_rows(page)[0]
    assert page.locator("th[aria-sort=ascending]").inner_text() == "Name"
    page.get_by_role("button", name="Name").click()
    assert shown_rows(page)[0] > first
    page.get_by_role("link", name="China").click()
    assert count.inner_text() == "2,500 of 10,000 rows"
    assert all("China" in text for text in shown_rows(page))


def test_the_last_row_is_reached_by_scrolling(show: Shown, run: str) -> None:
    """At the end of the scroll bar is the last row, and the table says how many it has."""
    page = show(run, 390, 844)
    page.evaluate("document.getElementById('window').scrollTop = 1e9")
    page.wait_for_function("document.getElementById('body').textContent.includes('Amber Jackal 10001')")
    assert page.locator("#table").get_attribute("aria-rowcount") == "10001"
    assert page.locator("#body tr:not(.pad)").last.get_attribute("aria-rowindex") == "10001"
    assert len(shown_rows(page)) < 100


def test_by_keyboard(show: Shown, run: str) -> None:
    """Tab leads into the rows, Enter opens one with all that is known of it, Escape leads back to where one was."""
    page = show(run)
    page.locator("#find").fill("Land 8887")
    for _ in range(12):
        if page.evaluate("document.activeElement.closest('#body') !== null"):
            break
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Amber Jackal 8887"
    page.keyboard.press("Enter")
    detail = page.locator("#detail")
    assert detail.is_visible()
    assert '"Land 8887" this is not a country; nearest: France' in detail.inner_text()
    assert "B8887" in detail.inner_text()
    assert axe(page) == []
    page.screenshot(path=SCREENSHOTS / "row-desk-light.png")
    page.keyboard.press("Escape")
    assert not detail.is_visible()
    assert page.evaluate("document.activeElement.textContent") == "Amber Jackal 8887"


def test_without_javascript(show: Shown, run: str) -> None:
    """Everything but search is there: sentence, every error, the first rows, and a link to all of them."""
    page = show(run, java_script_enabled=False)
    text = page.locator("body").inner_text()
    assert "9,823 of 10,000 actors are tags now; 177 rows need you." in text
    assert "Land 8887" in text
    assert "159 rows" in text
    assert "Amber Jackal 2" in page.locator("#body").inner_text()
    assert page.get_by_role("link", name="results.csv").first.is_visible()
    assert not page.locator("#find").is_visible()


def test_printed_it_is_a_summary(show: Shown, run: str) -> None:
    """Printed, the page of 10,000 rows is two sheets of paper at most."""
    pdf = show(run).pdf(path=SCREENSHOTS / "run-print.pdf", format="A4")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 2


def test_hostile_rows_do_nothing(show: Shown, tmp_path: Path) -> None:
    """HTML, an end of script, line separators and javascript: links in every place run nothing and load nothing."""
    texts = (
        HOSTILE, "</script><script>alert(1)</script>", "javascript:alert(1)", "<svg onload=alert(3)>",
        "<a href='javascript:alert(2)'>x</a>", "\u2028alert(4)//", "<!--<script>", "]]>", "' onfocus=alert(5) '",
    )  # fmt: skip
    changes = []
    for number, text in enumerate(texts, 2):
        at = row(number, text, text, text)
        found = Issue(Severity.ERROR, text, text, at.place("Country"), text, text, (text,), text)
        differs = (FieldChange(text, text, [text]),)
        changes.append(
            change(Action.INVALID, at, issues=(found,), code=text, message=text, differences=differs, uuid=text)
        )
    reading = Reading(
        texts[0], texts[1], texts[2], 9, (ColumnUse(texts[3], "A", texts[4], texts[5], 3, texts[6], texts[7]),)
    )
    made = plan(changes, readings=(reading,), mappings=texts)
    page = show(run_page(record(tmp_path / "none", made, {}, stopped=texts[1], hint=texts[0])))
    for text in ("script", "javascript"):
        page.locator("#find").fill(text)
        page.locator("#body button").first.click()
        page.locator("#close").click()
    page.mouse.move(10, 10)
    assert page.evaluate("[...document.querySelectorAll('script')].length") == 2
    handlers = "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames()).filter(n => n.startsWith('on'))"
    assert page.evaluate(handlers) == []
    links = page.evaluate("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert all(link.startswith(("#", "./")) for link in links)


def test_a_script_that_came_in_would_not_run(chromium: Browser, run: str, tmp_path: Path) -> None:
    """The policy refuses any script but the page's own, were one ever let through."""
    path = tmp_path / "report.html"
    path.write_text(run.replace("<main>", "<main><script>document.title = 'owned'</script>", 1), "utf-8")
    page = chromium.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    assert page.title().startswith("Tag import: 9,823")
    assert len(said) == 1
    page.close()
