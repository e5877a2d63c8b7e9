"""What can go wrong with a call, as one table: what it means, whether it is tried again, and what it is shown as.

The table is the program: `classify_exception` and `classify_status` look things up in it and know nothing else. It is
printed into docs/failures.md and walked by a test. A failure of aiohttp is found by the name of its class or, where
that has no line of its own, of the nearest base class that has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from importer.errors import ExitCode


class Meaning(StrEnum):
    """What a failure says about the request."""

    NOT_SENT = "not sent"
    """The request certainly did not reach the server."""
    AMBIGUOUS = "ambiguous"
    """It may have been carried out: a question, not a failure."""
    REFUSED = "refused"
    """The server said no; nothing was changed."""
    LIMITED = "limited"
    """The server said later; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One line of the table."""

    code: str
    """Stable, kebab-case: in results.csv, logs and metrics."""
    meaning: Meaning
    matches: tuple[str, ...]
    """Names of exception classes, statuses (`404`), ranges of them (`500-599`), or `2xx: ...` for a body."""
    sentence: str
    """For a person, without a full stop."""
    stops: bool = False
    """Whether the whole run stops at once: no other row can do better."""
    access: bool = False
    """Whether it is the token or a permission that was refused (exit code 4)."""
    outage: bool = False
    """Whether it counts against `max_consecutive`, the failures in a row after which the run stops."""
    held: bool = False
    """Whether it may meet every row as well as this one: the row waits until another row's write has worked."""
    ends: str = ""
    """How a row ends over it, where that is another way than its meaning's."""

    @property
    def retried(self) -> str:
        """Whether and how a create is tried again."""
        if self.stops:
            return "no: the run stops"
        return {
            Meaning.NOT_SENT: "yes, after a short wait that grows",
            Meaning.AMBIGUOUS: "a create: looked up by name, sent again only when absent after the grace time; "
            "an update, delete or read: yes, after a short wait that grows",
            Meaning.REFUSED: "up to twice, when another row's write has worked" if self.held and self.access else "no",
            Meaning.LIMITED: "yes, when the whole Retry-After is over; all workers wait",
        }[self.meaning]

    @property
    def counted(self) -> str:
        """What the failure is counted against."""
        if self.stops:
            return "nothing"
        counted = []
        if self.meaning is Meaning.AMBIGUOUS:
            counted.append("max_attempts of the row")
        if self.outage or (self.held and not self.access):
            counted.append("max_consecutive of the run")
        if self.held and self.access:
            counted.append("3 rows in a row")
        if self.meaning is Meaning.REFUSED:
            counted.append("max_failed_share of the run")
        if self.meaning is Meaning.LIMITED:
            counted.append("max_wait of the run")
        return ", ".join(counted)

    @property
    def shown(self) -> str:
        """How a row ends when nothing better happens."""
        if self.stops:
            return f"not_attempted; exit code {4 if self.access else 6}"
        return (
            self.ends
            or {
                Meaning.NOT_SENT: "not_attempted, when the run stops over it; exit code 6",
                Meaning.AMBIGUOUS: "a create: created (adopted or sent again), conflict, or failed (`given-up`); "
                "an update or delete: done, or unknown; each: unknown when the run stops before that is settled",
                Meaning.REFUSED: "failed",
                Meaning.LIMITED: "not_attempted, when the wait is longer than max_wait; exit code 6",
            }[self.meaning]
        )


_NOT, _MAYBE, _NO, _LATER = Meaning.NOT_SENT, Meaning.AMBIGUOUS, Meaning.REFUSED, Meaning.LIMITED

FAILURES: tuple[Failure, ...] = (
    Failure(
        "name-not-resolved", _NOT, ("ClientConnectorDNSError",), "the server's name cannot be resolved", outage=True
    ),
    Failure(
        "certificate-refused",
        _NOT,
        ("ClientConnectorCertificateError", "ClientConnectorSSLError", "ClientSSLError", "ServerFingerprintMismatch"),
        "no trusted TLS connection to the server could be made",
        stops=True,
    ),
    Failure(
        "proxy-refused",
        _NOT,
        ("ClientProxyConnectionError", "ClientHttpProxyError"),
        "the proxy did not connect",
        outage=True,
    ),
    Failure(
        "proxy-denied",
        _NOT,
        ("ClientHttpProxyError with status 4xx, other than 408 and 429",),
        "the proxy refused to connect to the server",
        stops=True,
    ),
    Failure(
        "not-connected",
        _NOT,
        ("ClientConnectorError", "UnixClientConnectorError"),
        "no connection to the server",
        outage=True,
    ),
    Failure(
        "connect-timeout", _NOT, ("ConnectionTimeoutError",), "connecting to the server took too long", outage=True
    ),
    Failure(
        "bad-url", _NOT, ("InvalidURL", "NonHttpUrlClientError"), "the address of the server is not valid", stops=True
    ),
    Failure(
        "disconnected",
        _MAYBE,
        ("ServerDisconnectedError",),
        "the server closed the connection without an answer",
        outage=True,
    ),
    Failure(
        "connection-broken",
        _MAYBE,
        ("ClientOSError", "ClientConnectionResetError", "ClientConnectionError", "ServerConnectionError", "OSError"),
        "the connection broke before the answer came",
        outage=True,
    ),
    Failure(
        "answer-timeout",
        _MAYBE,
        ("SocketTimeoutError", "ServerTimeoutError"),
        "the answer did not come in time",
        outage=True,
    ),
    Failure("timeout", _MAYBE, ("TimeoutError",), "the call as a whole took too long", outage=True),
    Failure("answer-cut", _MAYBE, ("ClientPayloadError",), "the answer broke off", outage=True),
    Failure(
        "answer-garbled",
        _MAYBE,
        ("ClientResponseError", "ClientError", "HttpProcessingError", "ValueError"),
        "the answer is not HTTP that can be read",
        outage=True,
    ),
    Failure(
        "unauthorized",
        _NO,
        ("401", "400-499: error code 6003, 6111, 9106, 9107 or 9109"),
        "the API did not accept the token",
        stops=True,
        access=True,
    ),
    Failure(
        "forbidden",
        _NO,
        ("403",),
        "access was refused: the token lacks the permission, at least for this",
        access=True,
        held=True,
        ends="failed, when another row's write has worked; not_attempted, when the run stops over it; exit code 4",
    ),
    Failure(
        "blocked",
        _NO,
        ("400-499: HTML, text or an empty body",),
        "blocked on the way: what answered is not the API",
        held=True,
        ends="failed; not_attempted, when the run stops over it; exit code 6, or 4 for a 403 before any write worked",
    ),
    Failure(
        "no-route",
        _NO,
        ("405", "400-499: error code 7000 or 7003", "404, 410: HTML or text"),
        "the API has no such path",
    ),
    Failure(
        "not-found",
        _NO,
        ("404", "410"),
        "the API does not know what the call is about",
        ends="a create: failed; an update: conflict; a delete: unchanged, or deleted when an answer was lost",
    ),
    Failure("request-timeout", _MAYBE, ("408",), "the server says that the request took too long", outage=True),
    Failure(
        "exists",
        _NO,
        ("409",),
        "the server says that it exists already",
        ends="conflict; a create: failed, when no tag of this name shows within the grace time",
    ),
    Failure("rate-limited", _LATER, ("429",), "the limit is used up"),
    Failure(
        "bad-request",
        _NO,
        ("400", "422"),
        "the server did not accept the values",
        ends="failed; a create: conflict, when a tag of this name is there",
    ),
    Failure("refused", _NO, ("402-499",), "the server refused the call"),
    Failure("redirected", _NO, ("300-399",), "the server points elsewhere, where no token is sent"),
    Failure("server-error", _MAYBE, ("500-599",), "the server failed", outage=True),
    Failure("says-no", _NO, ("2xx: success is false",), "the server reports an error in a successful answer"),
    Failure(
        "answer-unreadable",
        _MAYBE,
        ("2xx: empty, HTML, malformed, too large, or without what it must hold",),
        "the answer cannot be understood",
        outage=True,
    ),
    Failure("odd-status", _MAYBE, ("100-199", "600-999"), "the answer's status has no meaning", outage=True),
)

_BY_CODE = {failure.code: failure for failure in FAILURES}
_BY_EXCEPTION = {name: failure for failure in FAILURES for name in failure.matches if name.isidentifier()}
_ACCESS_CODES = frozenset({6003, 6111, 9106, 9107, 9109})
"""Error codes with which this API says `bad token` under other statuses than 401."""
_ROUTE_CODES = frozenset({7000, 7003})
_THE_STATUS_COUNTS = frozenset({401, 408, 409, 429})
"""Statuses that mean the same whoever answers with them."""


def failure(code: str) -> Failure:
    """The line with this code."""
    return _BY_CODE[code]


def classify_exception(error: BaseException) -> Failure:
    """The line of what a call raised. What has no line at all is ambiguous: it must not be sent twice."""
    for kind in type(error).__mro__:
        found = _BY_EXCEPTION.get(kind.__name__)
        if found is not None:
            return found
    return _BY_CODE["answer-garbled"]


def classify_status(status: int, error_codes: tuple[int, ...] = (), *, foreign: bool = False) -> Failure | None:
    """The line of an answer's status; None for 2xx, whose body decides.

    `foreign` says that the body is not an answer of the API, whatever the status.
    """
    if 200 <= status < 300:
        return None
    if 400 <= status < 500 and status != 429:
        if not _ACCESS_CODES.isdisjoint(error_codes):
            return _BY_CODE["unauthorized"]
        if not _ROUTE_CODES.isdisjoint(error_codes) or (foreign and status in (404, 410)):
            return _BY_CODE["no-route"]
        if foreign and status != 405 and status not in _THE_STATUS_COUNTS:
            return _BY_CODE["blocked"]
    exact = str(status)
    for line in FAILURES:
        if exact in line.matches:
            return line
    for line in FAILURES:
        for match in line.matches:
            low, dash, high = match.partition("-")
            if dash and low.isdigit() and high.isdigit() and int(low) <= status <= int(high):
                return line
    return _BY_CODE["odd-status"]


class CallFailed(Exception):
    """A call that did not succeed, with what is known about it. Carries no token and no request."""

    def __init__(
        self, failure: Failure, *, status: int = 0, detail: str = "", retry_after: float = 0.0, url: str = ""
    ) -> None:
        """`detail` is the server's own words, shortened; `retry_after` is in seconds, 0 where none was given; `url` is
        the address that was called, without its query."""
        super().__init__(failure.code)
        self.failure = failure
        self.status = status
        self.detail = detail
        self.retry_after = retry_after
        self.url = url

    @property
    def exit_code(self) -> ExitCode:
        """What a run ends with that stops over it."""
        return ExitCode.ACCESS if self.failure.access else ExitCode.STOPPED_EARLY

    def __str__(self) -> str:
        text = self.failure.sentence
        if self.status:
            text += f" (HTTP {self.status})"
        if self.url and self.failure.code == "no-route":
            text += f" at {self.url}"
        return f"{text}: {self.detail}" if self.detail else text
