"""A response that aioresponses can make with every aiohttp: it does not know an argument that newer ones ask for."""

from __future__ import annotations

import inspect
from typing import Any
from unittest.mock import Mock

import aiohttp

_PARAMETERS = inspect.signature(aiohttp.ClientResponse.__init__).parameters
_NEEDED: dict[str, Any] = {"stream_writer": Mock()} if "stream_writer" in _PARAMETERS else {}


class Response(aiohttp.ClientResponse):
    """Pass it as `response_class`."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **(_NEEDED | values))
