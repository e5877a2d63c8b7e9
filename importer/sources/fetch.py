"""Fetches an https source within bounds, and keeps it with its ETag so that an unchanged list is not sent again."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from importer.atomic import atomic_path, private_folder
from importer.errors import SourceError
from importer.sources.http_get import Refusal, Url, get
from importer.sources.located import Located, from_bytes
from importer.sources.options import ReadOptions


class _Kept(Struct, frozen=True):
    """A download of an earlier run."""

    body: Path
    etag: str
    modified: str


def fetch(
    spec: str, options: ReadOptions, *, follow: bool = True, monotonic: Callable[[], float] = time.monotonic
) -> Located:
    """The content of an https URL (http on this machine only), from the cache when the server says it is unchanged.

    SourceError for a refused scheme, an answer that is not success, one too large or too slow. Credentials in the URL
    are sent as basic authentication to its own server only, and appear in no message and no file. Of ATT&CK's index
    the release is read that it names.
    """
    url = Url.of(spec)
    kept = None if options.fresh else _kept(options.cache_dir, spec)
    headers = {"Accept": "*/*"}
    if kept and kept.etag:
        headers["If-None-Match"] = kept.etag
    if kept and kept.modified:
        headers["If-Modified-Since"] = kept.modified
    try:
        answer = get(url, options.limits, headers, login=options.login(url.host), monotonic=monotonic)
        data = answer.body
        _keep(options.cache_dir, spec, data, answer.headers)
    except Refusal as error:
        if error.status != 304 or not kept:
            raise
        data = kept.body.read_bytes()
    if follow and (release := release_of(url.shown, data, urlsplit(spec).fragment)):
        url.check_leads_to(release)
        return fetch(release, options, follow=False, monotonic=monotonic)
    return Located(url.shown, from_bytes(data), len(data))


def _paths(cache_dir: Path, url: str) -> tuple[Path, Path]:
    name = hashlib.sha256(url.encode()).hexdigest()[:32]
    return cache_dir / f"{name}.body", cache_dir / f"{name}.json"


def _kept(cache_dir: Path | None, url: str) -> _Kept | None:
    """The earlier download, if it is whole: its hash stands beside it."""
    if cache_dir is None:
        return None
    body, about = _paths(cache_dir, url)
    try:
        found = json.loads(about.read_bytes())
        if hashlib.sha256(body.read_bytes()).hexdigest() != found["sha256"]:
            return None
        return _Kept(body, str(found["etag"]), str(found["modified"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(cache_dir: Path | None, url: str, data: bytes, headers: Message) -> None:
    """Keeps a download that can be asked about again. A cache that cannot be written is no reason to stop."""
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    if cache_dir is None or not (etag or modified):
        return
    body, about = _paths(cache_dir, url)
    found = {"etag": etag, "modified": modified, "sha256": hashlib.sha256(data).hexdigest()}
    try:
        private_folder(cache_dir)
        for path, content in ((body, data), (about, json.dumps(found).encode())):
            with atomic_path(path) as temporary:
                temporary.write_bytes(content)
    except OSError:
        return


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
    """The URL of a release of ATT&CK; empty where `data` is not their index. SourceError for one it does not list.

    `https://server/index.json#enterprise` is the newest of Enterprise ATT&CK, `#enterprise@17.1` that release; without
    a word the newest of the collection that is listed first. Source: mitre-attack/attack-stix-data, index.json.
    """
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
