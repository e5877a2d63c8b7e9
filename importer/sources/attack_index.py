"""The index of ATT&CK's releases: which file is the release that a URL's end names.

`https://server/index.json#enterprise` is the newest of Enterprise ATT&CK, `#enterprise@17.1` that release; without
a word the newest of the collection that the index lists first. Source: mitre-attack/attack-stix-data, index.json.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from importer.errors import SourceError


class _Release(Struct, frozen=True):
    version: str
    url: str
    modified: str = ""


class _Collection(Struct, frozen=True):
    name: str
    versions: list[_Release]


class _Index(Struct, frozen=True):
    collections: list[_Collection]


def release_of(shown: str, data: bytes, wanted: str) -> str:
    """The URL of the release, empty where `data` is not such an index. SourceError for one that it does not list."""
    if b'"x-mitre-collection--' not in data or b'"collections"' not in data:
        return ""
    try:
        index = msgspec.json.decode(data, type=_Index)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    word, _, version = wanted.partition("@")
    found = [
        release
        for collection in index.collections[: None if word else 1]
        if word.casefold() in collection.name.casefold()
        for release in collection.versions
        if version in ("", release.version)
    ]
    if not found:
        names = ", ".join(f"{one.name} ({', '.join(release.version for release in one.versions[:3])}...)"
                          for one in index.collections)  # fmt: skip
        raise SourceError(f"{shown} lists no release {wanted!r}.", hint=f"It has {names}.")
    return max(found, key=lambda release: [int(part) for part in re.findall(r"\d{1,9}", release.version)]).url
