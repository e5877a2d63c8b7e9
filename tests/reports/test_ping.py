"""The heartbeat is sent, tells failures, keeps its URL to itself and never harms the run."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from importer.reports.ping import ping, ping_target, shown_url

SECRET = "https://hc-ping.com/5f1d-secret"


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A heartbeat service on loopback; paths under /broken get a 500."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(500 if "broken" in self.path else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    served = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{served.server_port}", asked
    served.shutdown()
    served.server_close()


def test_success_and_failure(server: tuple[str, list[str]]) -> None:
    """Exit code 0 asks for the URL itself, another for the URL with the code behind it."""
    base, asked = server
    assert ping(f"{base}/abc", 0) == ""
    assert ping(f"{base}/abc/", 6) == ""
    assert asked == ["/abc", "/abc/6"]


def test_other_services_are_filled_in() -> None:
    """Placeholders take the place of the appended code; a query string is kept."""
    assert ping_target("https://x/push?status={status}&msg={exit_code}", 5) == "https://x/push?status=down&msg=5"
    assert ping_target("https://x/push?status={status}", 0) == "https://x/push?status=up"
    assert ping_target("https://x/a?b=c", 3) == "https://x/a/3?b=c"


def test_a_broken_service_is_a_word_without_the_url(server: tuple[str, list[str]]) -> None:
    """What went wrong is told, tried twice, with the host alone."""
    base, asked = server
    told = ping(f"{base}/broken-secret", 0)
    assert told == "the heartbeat to http://127.0.0.1/... was not taken: status 500"
    assert len(asked) == 2


def test_nothing_that_can_happen_is_raised() -> None:
    """Refused connections, nonsense URLs and hanging look-ups end in a sentence that does not hold the secret."""

    def hang(url: str, timeout: float) -> int:
        time.sleep(0.3)
        return 200

    def burst(url: str, timeout: float) -> int:
        raise OSError(f"cannot reach {url}")

    told = [
        ping("http://127.0.0.1:1/secret", 0, timeout=1),
        ping("file:///etc/passwd", 0),
        ping("https://[secret", 0),
        ping("https://x/a b", 0),
        ping(SECRET, 0, timeout=0.05, get=hang),
        ping(SECRET, 0, get=burst),
    ]
    assert all(told)
    assert not any("secret" in one for one in told)
    assert shown_url(SECRET) == "https://hc-ping.com/..."
