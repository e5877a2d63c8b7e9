"""What every test may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def catalogs() -> Path:
    """Real actor catalogues and nasty files that stand beside a developer's checkout; tests of them skip elsewhere."""
    folder = Path(__file__).parents[2] / "shared" / "catalogs"
    if not folder.is_dir():
        pytest.skip("the shared catalogues are not on this machine")
    return folder
