"""A TAXII 2.1 collection as a source: `taxii+https://server/api-root/collections/ID/`, read as one STIX bundle.

What a collection has given is kept beside its `added_after`, in one file that is replaced as a whole: a poll asks for
what came since, and the list is always all that was ever seen. So nothing is lost where a run fails after the poll.
`added_after` moves on only by the server's own X-TAXII-Date-Added-Last, to an instant before it: objects that share
its date, and come later or on the next page, are asked for again and told apart by id and version. A page that fails
is tried again; what came before it is kept. Source: TAXII 2.1, sections 3.4, 3.5 and 5.4.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

import msgspec
from msgspec import Raw, Struct, field
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from importer.atomic import atomic_path, private_folder
from importer.clock import moment
from importer.errors import SourceError
from importer.masking import without_user
from importer.sources.http_get import Answer, Refusal, Unreachable, Url, get, too_large
from importer.sources.located import Located, from_bytes
from importer.sources.options import ReadOptions

SCHEME: Final = "taxii+"
_ACCEPT: Final = {"Accept": "application/taxii+json;version=2.1"}
_TYPES: Final = "identity,intrusion-set,location,marking-definition,relationship,threat-actor"
"""What rows are made of; a collection may hold a million indicators beside them."""
_PAGE: Final = "1000"
"""Objects that a page is asked to have; also because medallion 3 fails on a `next` without a `limit`."""
_PASSING: Final = frozenset({429, 500, 502, 503, 504})
_ATTEMPTS: Final = 4
_LONGEST_WAIT: Final = 60.0
_IDLE_PAGES: Final = 4
"""Pages in a row that may bring nothing new before the server is taken to go in circles."""
_EMPTY_PAGES: Final = 100
"""The same of pages without any object: a server may look for the types that were asked for page by page."""

Sleep = Callable[[float], None]
T = TypeVar("T")


class _Page(Struct, frozen=True):
    """An envelope."""

    objects: list[Raw] | None = None
    more: bool | None = False
    next: str | int | None = ""


class _Version(Struct, frozen=True):
    id: Any = ""
    modified: Any = ""


class _Collection(Struct, frozen=True):
    id: str
    title: str | None = ""
    can_read: bool | None = True


class _Resource(Struct, frozen=True):
    """What discovery, an API root or its list of collections answers."""

    api_roots: list[str] | None = None
    collections: list[_Collection] | None = None
    versions: list[str] | None = None


class _Kept(Struct):
    """All that a collection has given, and after which instant it is asked for more."""

    added_after: str = ""
    objects: dict[str, Raw] = field(default_factory=dict)


def fetch_collection(spec: str, options: ReadOptions, *, sleep: Sleep = time.sleep) -> Located:
    """The collection as a bundle. SourceError for what cannot be read, with what is kept of it and what to do."""
    url = Url.of(spec.removeprefix(SCHEME))
    server = _Server(options, url, sleep)
    base = url.bare.partition("?")[0].rstrip("/") + "/"
    if "/collections/" not in base:
        base = server.only_collection(base)
    query = {"match[type]": _TYPES, "limit": _PAGE} | dict(parse_qsl(urlsplit(url.bare).query))
    objects = base if base.endswith("/objects/") else f"{base}objects/"
    kept = _Polled(server, objects, query, _file(options.cache_dir, objects, query, server.shown_to_it)).all()
    shown = SCHEME + url.shown
    if not kept:
        raise SourceError(f"{shown} holds no objects of the types {query['match[type]']}.")
    name = uuid.uuid5(uuid.NAMESPACE_URL, objects)
    data = b'{"type":"bundle","id":"bundle--%s","objects":[%s]}' % (str(name).encode(), b",".join(map(bytes, kept)))
    return Located(shown, from_bytes(data), len(data))


class _Server:
    """Asks one server: with its login, and again where it fails for a moment."""

    def __init__(self, options: ReadOptions, url: Url, sleep: Sleep) -> None:
        self.options, self.url, self._sleep = options, url, sleep
        self._login = options.login(url.host)
        login = self._login
        self.shown_to_it = url.authorization or (f"{login.header}{login.certificate}" if login else "")
        """Its login, by which what is kept is told from what another login was given."""
        self._elsewhere: list[str] = []

    def ask(self, address: str) -> Answer:
        """A Refusal or Unreachable is raised when it has come so often that it will not pass by itself."""
        url = self.url.at(address)
        retrying = Retrying(
            retry=retry_if_exception(_passes),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            answer: Answer = retrying(get, url, self.options.limits, _ACCEPT, login=self._login)
        except Refusal as error:
            error.hint = error.hint or _HINTS.get(error.status, "")
            raise
        return answer

    def decoded(self, address: str, kind: type[T]) -> tuple[T, Answer]:
        """The same, read as `kind`."""
        answer = self.ask(address)
        try:
            return msgspec.json.decode(answer.body.decode("utf-8-sig"), type=kind), answer
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise SourceError(
                f"{self.url.at(address).shown} does not answer as a TAXII 2.1 server does.",
                hint="Is this the URL of a collection, an API root or a TAXII server?",
            ) from error

    def only_collection(self, address: str) -> str:
        """The one collection below a server or an API root. SourceError lists them where there is not one."""
        if urlsplit(address).path == "/":
            address += "taxii2/"  # where every server is asked what it has
        found = list(self._collections(address, 0))
        if len(found) == 1:
            return found[0][0]
        shown = f"{SCHEME}{self.url.shown}"
        if not found:
            others = f"It leads to other servers: {', '.join(self._elsewhere[:5])}" if self._elsewhere else ""
            raise SourceError(f"{shown} has no collection that can be read.", hint=others)
        raise SourceError(
            f"{shown} has {len(found)} collections; name the one that is meant.",
            details=tuple(f"{SCHEME}{address}  {title}".rstrip() for address, title in found),
        )

    def _collections(self, address: str, depth: int) -> Iterator[tuple[str, str]]:
        found, _ = self.decoded(address, _Resource)
        for root in found.api_roots or () if depth == 0 else ():
            try:
                parts = urlsplit(urljoin(address, root))
            except ValueError:
                continue
            if parts.netloc.lower() == self.url.host.lower():  # whatever scheme it names behind a proxy
                yield from self._collections(urljoin(address, parts.path).rstrip("/") + "/", 1)
            else:  # another server is another source, with its own login
                self._elsewhere.append(SCHEME + without_user(parts.geturl()))
        if found.versions is not None and found.collections is None:
            found, _ = self.decoded(f"{address}collections/", _Resource)
            address = f"{address}collections/"
        for one in found.collections or ():
            if one.can_read is not False:
                yield f"{address}{quote(one.id, safe='')}/", " ".join((one.title or "").split())[:80]


class _Polled:
    """One poll of a collection, from where the last one ended."""

    def __init__(self, server: _Server, objects: str, query: dict[str, str], file: Path | None) -> None:
        self._server, self._objects, self._query, self._file = server, objects, query, file
        self._kept = _load(file) if not server.options.fresh else _Kept()
        self._seen: set[tuple[str, str]] = set()
        """Id and version of what this poll was given."""
        self._last: datetime | None = None
        self._in_order = True

    def all(self) -> list[Raw]:
        """Everything that the collection has given until now."""
        try:
            self._pages()
        except SourceError as error:
            if not self._seen:
                raise
            self._keep()
            kept = f"{len(self._seen):,} objects that came before are kept; the next run goes on after them."
            error.hint = f"{error.hint} {kept}".lstrip()
            raise
        self._keep()
        return list(self._kept.objects.values())

    def _pages(self) -> None:
        after, cursor, idle, size = self._kept.added_after, "", 0.0, 0
        limits, shown, again = self._server.options.limits, self._server.url.shown, False
        while True:
            page, answer = self._server.decoded(self._address(after, cursor), _Page)
            objects = page.objects or []
            size += len(answer.body)
            if size > limits.download_bytes:
                raise too_large(shown, limits)
            new = self._take(objects)
            idle = 0 if new else idle + (1 if objects or page.next == cursor else _IDLE_PAGES / _EMPTY_PAGES)
            if again := bool(objects and not new and not again):
                continue  # a page that came twice: perhaps in the place of another one
            first, last = _dates(answer, len(objects))
            late = first is None or self._last is None or first >= self._last
            self._in_order = self._in_order and late and (new > 0 or not objects)
            self._last = max(filter(None, (self._last, last)), default=None)
            if not page.more:
                return
            if len(self._seen) > limits.rows:
                raise SourceError(f"{shown} holds more than {limits.rows:,} objects.", hint=limits.hint("rows"))
            if idle >= _IDLE_PAGES:
                raise SourceError(f"{shown} says that there is more, and gives the same objects again.")
            cursor = str(page.next or "")
            if not cursor:  # `next` is optional in TAXII: such a server is paged by date
                if last is None or not new:
                    why = "more objects share one date than a page holds" if last else "there are no dates to go by"
                    raise SourceError(f"{shown} cannot be read to its end: it gives no `next`, and {why}.")
                after = _before(last)

    def _address(self, after: str, cursor: str) -> str:
        asked = {**self._query, **({"added_after": after} if after else {}), **({"next": cursor} if cursor else {})}
        return f"{self._objects}?{urlencode(asked, safe='[],:')}"

    def _take(self, objects: list[Raw]) -> int:
        """How many of a page's objects this poll has not had yet. Of one id the newest version is kept."""
        new = 0
        for raw in objects:
            try:
                about = msgspec.json.decode(raw, type=_Version)
            except msgspec.DecodeError:
                continue  # not an object; nothing that a row could be made of
            version = (str(about.id) or bytes(raw).decode(), str(about.modified))
            if version in self._seen:
                continue
            self._seen.add(version)
            new += 1
            held = self._kept.objects.get(version[0])
            if held is None or _instant(version[1]) >= _instant(str(msgspec.json.decode(held, type=_Version).modified)):
                self._kept.objects[version[0]] = Raw(bytes(raw))
        return new

    def _keep(self) -> None:
        if self._last is not None and self._in_order:
            self._kept.added_after = max(self._kept.added_after, _before(self._last), key=_instant)
        if self._file is None:
            return
        try:
            private_folder(self._file.parent)
            with atomic_path(self._file) as temporary:
                temporary.write_bytes(msgspec.json.encode(self._kept))
        except OSError:
            return  # the next run asks for more than it would need to


def _load(file: Path | None) -> _Kept:
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Kept) if file else _Kept()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return _Kept()


def _file(folder: Path | None, objects: str, query: dict[str, str], login: str) -> Path | None:
    """One file for each collection, filter and login: what one may read, another may not."""
    told = msgspec.json.encode([objects, sorted(query.items()), login])
    return folder / f"{hashlib.sha256(told).hexdigest()[:32]}.taxii.json" if folder else None


def _dates(answer: Answer, count: int) -> tuple[datetime | None, datetime | None]:
    """When the first and the last object of a page were added, by the server's word; None where it does not say."""
    first, last = (moment(answer.headers.get(f"X-TAXII-Date-Added-{end}", "").upper()) for end in ("First", "Last"))
    return first, first if last is None and count == 1 else last  # of one object the first is the last


def _instant(text: str) -> datetime:
    """A STIX timestamp; before all others where it is not one."""
    return moment(text) or datetime.min.replace(tzinfo=UTC)


def _before(when: datetime) -> str:
    return (when - timedelta(microseconds=1)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _passes(error: BaseException) -> bool:
    return isinstance(error, Unreachable) or (isinstance(error, Refusal) and error.status in _PASSING)


def _wait(state: RetryCallState) -> float:
    """What the server asks for, a minute at most; else longer each time."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.headers.get("Retry-After", "") if isinstance(error, Refusal) else ""
    if asked.isdigit():
        return min(float(asked), _LONGEST_WAIT)
    return wait_exponential(multiplier=0.5, max=8)(state)


_HINTS: Final = {
    404: "Name the server alone to have its collections listed.",
    406: "It does not speak TAXII 2.1.",
}
