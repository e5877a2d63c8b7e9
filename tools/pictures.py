"""Makes the pictures of the README from a real run in the sandbox: `python -m tools.pictures`.

The terminal is an SVG out of what a command prints; the page is what Chromium shows of its report.html.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
WIDTH = 110


def terminal(folder: Path, command: str, *, lines: int) -> str:
    """The end of what a command prints on a terminal, as a picture."""
    words = command.split()
    env = {"FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TAG_IMPORTER_STATE_DIR": str(folder / "state"),
           "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "importer", *words], cwd=folder, env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)  # fmt: skip
    console = Console(file=io.StringIO(), record=True, width=WIDTH)
    console.print(Text(f"$ tag-importer {command}", "bold"))
    console.print(Text.from_ansi("\n".join(done.stdout.splitlines()[-lines:])))
    svg = console.export_svg(title="tag-importer")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # no picture asks another server for anything


def page(report: Path, target: Path) -> None:
    """The first screen of a report's page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": 1200, "height": 760})
        shown.goto(report.as_uri())
        shown.screenshot(path=target)
        browser.close()


def main() -> None:
    """Both pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "samples", folder / "samples")
        svg = terminal(folder, "validate samples/mistakes.xlsx", lines=24)
        (PICTURES / "terminal.svg").write_text(svg, encoding="utf-8")
        terminal(folder, "apply samples/mistakes.xlsx --sandbox --yes --out run", lines=1)
        page(folder / "run" / "report.html", PICTURES / "page.png")


if __name__ == "__main__":
    main()
