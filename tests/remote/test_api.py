"""The calls as they stand on the wire, and what is made of each kind of answer; no server is involved."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aioresponses import CallbackResult, aioresponses
from yarl import URL

from importer.errors import UsageError
from importer.remote.api import Api, open_api
from importer.remote.failures import CallFailed
from importer.remote.settings import ApiSettings
from importer.remote.wire import encode

from .mocked import Response
from .virtual_time import VirtualClock, run

BASE = "https://api.example/client/v4"
EVENTS = f"{BASE}/accounts/acc/cloudforce-one/events"
TOKEN = "token-that-must-not-show"
CATEGORY = {"uuid": "c-1", "name": "Actors"}


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """The client of an account, whose requests only `wire` answers."""
    async with open_api(ApiSettings("acc", TOKEN, BASE, read_attempts=3)) as opened:
        yield opened


@pytest.fixture
def wire() -> Any:
    """What the server will say."""
    with aioresponses() as mocked:
        yield mocked


def _sent(wire: Any) -> list[tuple[str, str]]:
    """Method and path behind the account's, of every request in the order of first use."""
    return [(method, str(url).removeprefix(EVENTS)) for method, url in wire.requests]


@pytest.mark.parametrize("answer", [
    {"uuid": "u-1", "value": "APT28", "version": 3},
    {"success": True, "errors": [], "result": {"uuid": "u-1", "value": "APT28", "version": 3}},
])  # fmt: skip
async def test_a_create_on_the_wire(api: Api, wire: Any, answer: dict[str, Any]) -> None:
    """A create posts the body as it is, with the token in its header, and reads bare and enveloped answers alike."""
    wire.post(f"{EVENTS}/tags/create", payload=answer, status=201, response_class=Response)
    made = await api.create(encode({"value": "APT28"}))
    assert (made.uuid, made.name, made.version) == ("u-1", "APT28", 3)
    (request,) = wire.requests["POST", URL(f"{EVENTS}/tags/create")]
    assert json.loads(request.kwargs["data"]) == {"value": "APT28"}
    assert request.kwargs["allow_redirects"] is False


@pytest.mark.parametrize(("status", "body", "code"), [
    (200, "", "answer-unreadable"),
    (200, "<html>", "answer-unreadable"),
    (200, '{"success": false, "errors": [{"message": "no"}]}', "says-no"),
    (400, '{"errors": [{"code": 9109, "message": "Invalid access token"}]}', "unauthorized"),
    (409, "{}", "exists"),
    (302, "", "redirected"),
    (524, "<html>", "server-error"),
])  # fmt: skip
async def test_an_answer_that_is_no_tag(api: Api, wire: Any, status: int, body: str, code: str) -> None:
    """Each way of saying no, or nothing, has its own line of the failure table; no redirect is followed."""
    wire.post(f"{EVENTS}/tags/create", status=status, body=body, headers={"Location": f"{BASE}/x"},
              response_class=Response)  # fmt: skip
    with pytest.raises(CallFailed) as failed:
        await api.create(encode({"value": "APT28"}))
    assert failed.value.failure.code == code
    assert len(wire.requests) == 1


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("before", [0, 265, 275, 281, 298])
async def test_no_message_repeats_the_token(api: Api, wire: Any, status: int, before: int) -> None:
    """A server that echoes the token in its error brings no part of it into ours, wherever a long error is cut."""
    message = f"bad header: {'.' * before}{TOKEN} and more{'.' * 300}"
    payload = {"success": False, "errors": [{"message": message}]}
    wire.post(f"{EVENTS}/tags/create", status=status, payload=payload, response_class=Response)
    with pytest.raises(CallFailed) as failed:
        await api.create(encode({"value": "APT28"}))
    assert TOKEN[:4] not in f"{failed.value} {failed.value!r} {failed.value.detail} {api.settings!r}"
    assert "bad header" in failed.value.detail
    assert len(failed.value.detail) == 300


NO_ROUTE = '{"errors": [{"code": 7003, "message": "unbekannt"}]}'


@pytest.mark.parametrize(("status", "body"), [(404, "{}"), (405, ""), (410, "{}"), (400, NO_ROUTE), (404, "<html>")])
async def test_a_category_is_updated_on_either_path(api: Api, wire: Any, status: int, body: str) -> None:
    """The path that the SDK announces is tried first; where the server does not have it, the documented one serves."""
    wire.patch(f"{EVENTS}/tag-categories/c-1", status=status, body=body, response_class=Response)
    wire.patch(f"{EVENTS}/tags/categories/c-1", payload=CATEGORY, response_class=Response)
    assert (await api.update_category("c-1", {"name": "Actors"})).uuid == "c-1"
    assert _sent(wire) == [("PATCH", "/tag-categories/c-1"), ("PATCH", "/tags/categories/c-1")]


async def test_a_category_that_is_gone_is_said_to_be(api: Api, wire: Any) -> None:
    """When neither path knows the category the failure is that of the first."""
    for path in ("tag-categories", "tags/categories"):
        wire.patch(f"{EVENTS}/{path}/c-1", status=404, payload={"errors": [{"message": path}]}, response_class=Response)
    with pytest.raises(CallFailed, match="tag-categories") as failed:
        await api.update_category("c-1", {"name": "Actors"})
    assert failed.value.failure.code == "not-found"


@pytest.mark.parametrize(("first", "second", "code"), [("{}", NO_ROUTE, "not-found"), (NO_ROUTE, "{}", "not-found"),
                                                       (NO_ROUTE, NO_ROUTE, "no-route")])  # fmt: skip
async def test_a_category_that_is_gone_is_not_a_missing_path(
    api: Api, wire: Any, first: str, second: str, code: str
) -> None:
    """Where one of the two paths is there, what it says is about the category."""
    for path, body in (("tag-categories", first), ("tags/categories", second)):
        wire.patch(f"{EVENTS}/{path}/c-1", status=404, body=body, response_class=Response)
    with pytest.raises(CallFailed) as failed:
        await api.update_category("c-1", {"name": "Actors"})
    assert failed.value.failure.code == code


@pytest.mark.parametrize("words", ["no route to this category", "Could not route"])
async def test_a_refused_value_is_not_sent_to_the_other_path(api: Api, wire: Any, words: str) -> None:
    """A 400 without a code of the router is about the values, whatever its words are."""
    refusal = {"errors": [{"code": 7001, "message": words}]}
    wire.patch(f"{EVENTS}/tag-categories/c-1", status=400, payload=refusal, response_class=Response)
    with pytest.raises(CallFailed, match=words):
        await api.update_category("c-1", {"name": "Actors"})
    assert _sent(wire) == [("PATCH", "/tag-categories/c-1")]


@pytest.mark.parametrize("lag", [0, 2, 20, 34])
def test_a_category_is_made_once_although_lists_lag(lag: float) -> None:
    """A category whose answer was lost is not posted again while the list may still lag behind."""

    async def story(clock: VirtualClock) -> tuple[str, int]:
        made: list[float] = []

        def create(url: URL, **_: Any) -> CallbackResult:
            made.append(clock.monotonic())
            return CallbackResult(status=502, body="<html>", response_class=Response)

        def listing(url: URL, **_: Any) -> CallbackResult:
            shown = [CATEGORY for at in made if clock.monotonic() >= at + lag]
            return CallbackResult(payload={"categories": shown}, response_class=Response)

        with aioresponses() as wire:
            _always(wire.post, "create", create)
            _always(wire.get, "", listing)
            async with open_api(ApiSettings("acc", TOKEN, BASE), clock=clock) as api:
                return (await api.create_category("Actors")).uuid, len(made)

    assert run(story) == ("c-1", 1)


@pytest.mark.parametrize(("shows_at", "posts"), [(10.0, 0), (1e9, 1)])
def test_a_category_that_a_killed_run_may_have_made_is_looked_for_first(shows_at: float, posts: int) -> None:
    """Nothing is posted while the list may still lag behind what the killed run did; then once, where it had not."""

    async def story(clock: VirtualClock) -> tuple[str, int, float]:
        made: list[float] = []

        def create(url: URL, **_: Any) -> CallbackResult:
            made.append(clock.monotonic())
            return CallbackResult(payload=CATEGORY, response_class=Response)

        def listing(url: URL, **_: Any) -> CallbackResult:
            shown = [CATEGORY] if clock.monotonic() >= shows_at else []
            return CallbackResult(payload={"categories": shown}, response_class=Response)

        with aioresponses() as wire:
            _always(wire.post, "create", create)
            _always(wire.get, "", listing)
            async with open_api(ApiSettings("acc", TOKEN, BASE), clock=clock) as api:
                found = await api.create_category("Actors", grace=35, perhaps_made=True)
                return found.uuid, len(made), clock.monotonic()

    uuid, count, seconds = run(story)
    assert (uuid, count) == ("c-1", posts)
    assert seconds >= min(shows_at, 35)


async def test_a_call_that_is_kept_from_leaving_gives_its_turn_back(api: Api, wire: Any) -> None:
    """When what must come before a call fails (the journal's intent), nothing is sent and no turn is lost."""

    async def full() -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        await api.create(b"{}", before=full)
    assert (api.pacer.in_flight, api.pacer.calls, _sent(wire)) == (0, 0, [])


async def test_a_proxy_that_cannot_be_spoken_to_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A SOCKS proxy in the environment ends the command before the first call, without its password in the text."""
    monkeypatch.setenv("https_proxy", "socks5://me:hunter2@proxy.example:1080")
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(UsageError, match="socks5") as refused:
        async with open_api(ApiSettings("acc", TOKEN, BASE)):
            pass
    assert "hunter2" not in f"{refused.value} {refused.value.hint}"


def _always(method: Callable[..., None], path: str, callback: Callable[..., CallbackResult]) -> None:
    method(f"{EVENTS}/tags/categories/{path}".rstrip("/"), callback=callback, repeat=True)
