"""Work that makes very many small objects at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Iterator[None]:
    """Leave the cycle collector alone: there are no cycles to find here, and looking takes half of the time.

    What there is at the end is left out of all later looks as well: nearly all of it stays as long as the command.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.freeze()
            gc.enable()
