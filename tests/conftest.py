"""What every test may ask for."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> Iterator[None]:
    """Started in the background of a script, Python and all that it starts ignore Ctrl-C; tests send that signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def catalogs() -> Path:
    """Real actor catalogues and nasty files that stand beside a developer's checkout; tests of them skip elsewhere."""
    folder = Path(__file__).parents[2] / "shared" / "catalogs"
    if not folder.is_dir():
        pytest.skip("the shared catalogues are not on this machine")
    return folder
