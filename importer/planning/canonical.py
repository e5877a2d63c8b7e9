"""JSON in one form: keys sorted, no blanks, so that equal data has equal bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from importer.model import Json

_ENCODER = msgspec.json.Encoder(order="sorted", enc_hook=lambda value: _plain(value))


def canonical_bytes(value: Json) -> bytes:
    """UTF-8 JSON. Mappings of any kind and structs are objects, tuples are lists; TypeError for what is not JSON."""
    try:
        return _ENCODER.encode(value)
    except (UnicodeEncodeError, OverflowError):
        # Lone surrogates and integers beyond 64 bits: rare, legal in JSON, and beyond the fast encoder.
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain, allow_nan=False)
        return text.encode()


def _plain(value: Any) -> Json:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, msgspec.Struct):
        return msgspec.to_builtins(value, enc_hook=_plain)
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not JSON value")
