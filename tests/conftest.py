"""What every test may ask for."""

from __future__ import annotations

import ipaddress
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> Iterator[None]:
    """Started in the background of a script, Python and all that it starts ignore Ctrl-C; tests send that signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def this_machine_alone() -> Iterator[None]:
    """No test in this process reaches another machine: its name is not found, its address is a mistake of the test."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            assert ipaddress.ip_address(address[0]).is_loopback, f"a test reached for {address}"
        connect(self, address)

    def guarded_look_up(host: Any, *words: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        try:
            known = name is None or name == "localhost" or ipaddress.ip_address(name) is not None
        except ValueError:
            known = False
        if not known:
            raise socket.gaierror(socket.EAI_NONAME, "tests look up no names")
        return look_up(host, *words, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket, "getaddrinfo", guarded_look_up)
        yield


@pytest.fixture(scope="session")
def catalogs() -> Path:
    """Real actor catalogues and nasty files that stand beside a developer's checkout; tests of them skip elsewhere."""
    folder = Path(__file__).parents[2] / "shared" / "catalogs"
    if not folder.is_dir():
        pytest.skip("the shared catalogues are not on this machine")
    return folder
