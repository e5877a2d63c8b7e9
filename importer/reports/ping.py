"""The heartbeat (`--ping-url`): one GET when a run has ended, in the manner of healthchecks.io.

Success (exit code 0) asks for the URL itself, anything else for `URL/<exit code>`, which counts as a failure there.
A URL with `{exit_code}` or `{status}` (up, down) in it, as other services want, is filled in and nothing is appended.
Whoever knows the URL can fake the heartbeat: it is a secret, and only its host is ever shown. A heartbeat that cannot
be sent never changes how the run ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from importer.errors import ExitCode, ImporterError
from importer.network import tls_trouble

_TIMEOUT: Final = 10.0
_ATTEMPTS: Final = 2


def ping(url: str, exit_code: int, *, timeout: float = _TIMEOUT, get: Callable[[str, float], int] | None = None) -> str:
    """Send the heartbeat; the reason why it could not be sent, without the URL, or "".

    Takes at most some `timeout` seconds for each of two attempts, look-up of the host included.
    """
    try:
        target = ping_target(url, exit_code)
    except ValueError:
        return "the heartbeat was not sent: its URL is not a valid http or https URL"
    reason = ""
    for _ in range(_ATTEMPTS):
        reason = _attempt(target, timeout, get or _get)
        if not reason:
            return ""
    return f"the heartbeat to {shown_url(url)} was not taken: {reason}"


def ping_target(url: str, exit_code: int) -> str:
    """The URL to ask for; ValueError where `url` is none."""
    filled = url.strip().replace("{exit_code}", str(exit_code)).replace("{status}", "down" if exit_code else "up")
    parts = urlsplit(filled)
    if parts.scheme not in ("http", "https") or not parts.hostname or any(char <= " " for char in filled):
        raise ValueError("not an http URL")
    if filled != url.strip() or exit_code == ExitCode.DONE:
        return filled
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{exit_code}"))


def shown_url(url: str) -> str:
    """A URL as far as it may be shown: `https://hc-ping.com/...`."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname or ''}/..."
    except ValueError:
        return "(not a URL)"


def _attempt(target: str, timeout: float, get: Callable[[str, float], int]) -> str:
    """One attempt in a thread of its own, since looking up a host's name knows no timeout."""
    answer: list[str] = []

    def ask() -> None:
        try:
            status = get(target, timeout)
            answer.append("" if 200 <= status < 300 else f"status {status}")
        except ImporterError as error:  # a proxy or a file of certificates in the environment
            answer.append(error.message)
        except Exception as error:  # whatever it is, a heartbeat must not end the run
            status = getattr(error, "code", None)  # type: ignore[assignment]
            answer.append(f"status {status}" if isinstance(status, int) else tls_trouble(error) or type(error).__name__)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout)
    return answer[0] if answer else f"no answer within {timeout:g} s"


def _get(url: str, timeout: float) -> int:
    from urllib.request import Request

    from importer.url_opener import url_opener

    # The scheme has been checked: http or https.
    request = Request(url, headers={"User-Agent": "tag-importer"})  # noqa: S310
    with url_opener().open(request, timeout=timeout) as response:
        status: int = response.status
    return status
