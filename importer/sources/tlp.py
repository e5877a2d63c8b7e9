"""TLP words as they are spelt in documents: definitions of markings, labels, tags and properties."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

ORDER = ("clear", "white", "green", "amber", "amber+strict", "red")
_WORD = re.compile(
    r"\A(?:TLP\s*(?:2\.0\s*)?[\s:=_-]\s*)?[\"']?(CLEAR|WHITE|GREEN|AMBER(?:\s*[\s+_-]\s*STRICT)?|RED)[\"']?\Z",
    re.IGNORECASE,
)
_LABEL = re.compile(r"\ATLP\b|\ATLP_", re.IGNORECASE)
_LABELS = ("labels", "tags", "Tag", "markings", "marking")
_PROPERTY = re.compile(r"(?:\A|[_.-])tlp\Z", re.IGNORECASE)


def strictness(word: str) -> int:
    """The place of a TLP word among all; -1 for none."""
    return ORDER.index(word) if word else -1


def word_of(text: Any) -> str:
    """The TLP word that a value is, with or without `TLP:` in front; empty for anything else."""
    match = _WORD.match(text.strip()) if isinstance(text, str) and len(text) < 40 else None
    if match is None:
        return ""
    word = match[1].lower()
    return "amber+strict" if word.endswith("strict") else word


def is_label(text: Any) -> bool:
    """Whether a label speaks of TLP, known word or not: `tlp:amber+strict`, `TLP-RED`, `tlp:purple`."""
    return isinstance(text, str) and _LABEL.match(text.strip()) is not None


def labelled(value: dict[str, Any]) -> Iterator[str]:
    """The labels of an object that speak of TLP: texts in a list, or MISP's tags with a `name`."""
    for key in _LABELS:
        held = value.get(key)
        if held is None:
            continue
        for one in held if isinstance(held, list) else [held]:
            text = one.get("name") if isinstance(one, dict) else one
            if is_label(text):
                yield str(text)


def is_property(key: str) -> bool:
    """Whether a key is one like `tlp`, `x_opencti_tlp` or `x_misp_tlp`."""
    return key[-3:].lower() == "tlp" and _PROPERTY.search(key) is not None


@lru_cache(maxsize=4_096)
def told_by(keys: tuple[str, ...]) -> tuple[bool, tuple[str, ...]]:
    """Of an object's keys: whether one may hold labels, and which are such properties. Most objects share theirs."""
    return not set(_LABELS).isdisjoint(keys), tuple(key for key in keys if is_property(key))


def said_of(value: dict[str, Any]) -> tuple[list[str], tuple[str, ...]]:
    """What the labels and properties of an object say of TLP, and the keys of the properties."""
    labels, keys = told_by(tuple(value))
    said = list(labelled(value)) if labels else []
    for key in keys:
        held = value[key]
        said += [one for one in (held if isinstance(held, list) else [held]) if isinstance(one, str)]
    return said, keys


def strictest(texts: Iterator[str]) -> str:
    """The most restrictive of the TLP words in texts; empty for none."""
    return max(map(word_of, texts), key=strictness, default="")


def marked(value: dict[str, Any]) -> dict[str, Any]:
    """A record with a `tlp` of its own where only a label or tag says it, its own or one in `meta`."""
    inner = value.get("meta")
    parts = [value, inner] if isinstance(inner, dict) else [value]
    told = [told_by(tuple(part)) for part in parts]
    if any(keys for _, keys in told):
        return value
    found = [text for part, (labels, _) in zip(parts, told, strict=True) if labels for text in labelled(part)]
    return {**value, "tlp": strictest(iter(found)) or found[0]} if found else value
