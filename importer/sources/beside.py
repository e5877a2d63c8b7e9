"""A call that goes on in a thread beside the rest."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class Beside(Generic[T]):
    """A call that has begun, and what came of it. (An executor takes ten times as long to import as this to run.)"""

    def __init__(self, call: Callable[[], T], name: str) -> None:
        self._made: list[T] = []
        self._failed: list[BaseException] = []
        self._thread = Thread(target=self._run, args=(call,), name=name, daemon=True)
        self._thread.start()

    def _run(self, call: Callable[[], T]) -> None:
        try:
            self._made.append(call())
        except BaseException as error:
            self._failed.append(error)

    def result(self, seconds: float | None = None) -> T:
        """What the call returned, or raises what it raised; TimeoutError when it has not ended after `seconds`."""
        self._thread.join(seconds)
        if self._failed:
            raise self._failed[0]
        if not self._made:
            raise TimeoutError
        return self._made[0]
