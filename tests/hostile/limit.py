"""The hostile server's rate limit: a true sliding window over every call of the token, refused ones included."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class SlidingLimit:
    """`quota` calls in `window` seconds of any placement; going over blocks for `block` seconds."""

    quota: int
    window: float
    block: float
    headers: str = "right"
    calls: deque[float] = field(default_factory=deque)
    blocked_until: float = -1.0
    refused: list[float] = field(default_factory=list)
    """When a 429 was given to the client under test."""
    most: int = 0
    """The largest number of calls that was ever in a window."""

    def count(self, *, stranger: bool = False) -> int:
        """One more call. 0 when it may pass, else the Retry-After of its 429 in whole seconds."""
        if not self.quota:
            return 0
        now = time.monotonic()
        if now < self.blocked_until:
            if not stranger:
                self.refused.append(now)
                self.calls.append(now)
            return max(1, math.ceil(self.blocked_until - now))
        self._forget(now)
        self.calls.append(now)
        self.most = max(self.most, len(self.calls))
        if len(self.calls) <= self.quota:
            return 0
        if not stranger:
            self.refused.append(now)
        if self.block:
            self.blocked_until = now + self.block
            return math.ceil(self.block)
        return max(1, math.ceil(self.calls[-self.quota] + self.window - now))

    def lines(self) -> list[str]:
        """The Ratelimit header lines of an answer."""
        if not self.quota or self.headers == "none":
            return []
        if self.headers == "wrong":
            return ['Ratelimit: "default";r=999999;t=1', 'Ratelimit-Policy: "default";q=999999;w=1']
        now = time.monotonic()
        self._forget(now)
        left = max(0, self.quota - len(self.calls))
        reset = math.ceil(self.calls[0] + self.window - now) if self.calls else 0
        if now < self.blocked_until:
            left, reset = 0, math.ceil(self.blocked_until - now)
        return [
            f'Ratelimit: "default";r={left};t={reset}',
            f'Ratelimit-Policy: "default";q={self.quota};w={self.window:g}',
        ]

    def _forget(self, now: float) -> None:
        while self.calls and self.calls[0] <= now - self.window:
            self.calls.popleft()
