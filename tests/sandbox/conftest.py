"""What the sandbox's tests share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.sandbox.callers import SteppedClock


@pytest.fixture
def in_thread() -> Callable[..., Awaitable[Any]]:
    """Runs blocking code beside the server's event loop."""
    return asyncio.to_thread


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()
