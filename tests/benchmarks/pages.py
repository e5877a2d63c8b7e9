"""The page of a long list in a real browser: how long it takes to open, to search and to scroll, and its size."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.measure import Ratio, importer, took

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
_SEARCH = """text => new Promise(done => {
  const find = document.getElementById("find"), began = performance.now();
  find.value = text;
  find.dispatchEvent(new Event("input"));
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
})"""
_SCROLL = """() => new Promise(done => {
  const box = document.getElementById("window"), frames = [];
  let last = performance.now();
  const step = () => {
    const now = performance.now();
    frames.push(now - last);
    last = now;
    box.scrollTop = box.scrollHeight * (frames.length * 37 % 100) / 100;
    if (frames.length < 60) requestAnimationFrame(step);
    else done(frames.sort((a, b) => a - b)[57]);
  };
  step();
})"""
"""The third longest of sixty frames, each of which shows another part of the table."""


def pages(
    folder: Path, actors: Callable[[int], Path], rows: tuple[int, int], runs: int, at_most: Callable[..., Ratio]
) -> Iterator[Ratio]:
    """Seconds over the goal for each size; nothing where there is no browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return
    if CHROMIUM is None:
        return
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for number, goal in zip(rows, (0.25, 1.0), strict=True):
            path = folder / f"page-{number}.html"
            took(importer("validate", actors(number), "--quiet", "--html", path), codes=(0, 1))
            loads, searches, frames = [], [], []
            for _ in range(runs):
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                page.goto(path.as_uri())
                loads.append(page.evaluate(_LOADED) / 1_000)
                searches.append(max(page.evaluate(_SEARCH, text) for text in ("a", "actor 77", "")) / 1_000)
                frames.append(page.evaluate(_SCROLL))
                page.close()
            load, search, frame = map(min, (loads, searches, frames))  # what else runs only makes them longer
            size = f"{load:.2f} s, {path.stat().st_size / 1e6:.1f} MB"
            yield at_most(f"page of {number:,} rows opens / {goal:g} s", load / goal, 1, size)
            yield at_most(
                f"page of {number:,} rows: slowest search / 0.2 s", search / 0.2, 1, f"{search * 1000:.0f} ms"
            )
            yield at_most(f"page of {number:,} rows: long frame / 50 ms", frame / 50, 1, f"{frame:.0f} ms")
        browser.close()
