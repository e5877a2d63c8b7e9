"""What execute promises: each tag once, every row accounted for, whatever the server does."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from importer.engine.events import AnswerLost, Event, RowDone, RunFinished, RunStarted
from importer.engine.journal import Fsync, Journal, JournalFull
from importer.engine.journal_state import read_journal
from importer.engine.resume import open_resumable
from importer.engine.settings import ExecuteSettings
from importer.engine.stop import StopSignal
from importer.errors import UsageError
from importer.model import Action, Category, Change, FieldChange, Plan, Status
from importer.remote.api import Api
from importer.remote.events import CallFinished
from importer.remote.lookup import Lookup, Seen
from importer.remote.pacer import PacerSettings
from importer.sandbox.server import Sandbox
from importer.sandbox.settings import Fault, Filtering, SandboxSettings

from .examples import ACCOUNT, QUICK, api_of, carry_out, creates, folder_of, names_in, some

FREE = SandboxSettings(quota=0)


async def test_creates_each_tag_once_and_counts_add_up(tmp_path: Path) -> None:
    """A plain run creates every tag, in the journal intent before outcome, and its counts add up to the rows."""
    plan = creates(40)
    events: list[Event] = []
    folder, digest = folder_of(tmp_path, plan)
    async with Sandbox(FREE) as sandbox, api_of(sandbox, observe=events.append) as api:
        result = await carry_out(plan, api, folder, digest, observe=events.append)
        assert await names_in(api) == Counter({f"Actor {number}": 1 for number in range(40)})
    assert some(result.counts()) == {"created": 40, "skipped": 1, "invalid": 1}
    assert (result.exit_code, result.stopped) == (1, "")
    assert sum(isinstance(event, RowDone) for event in events) == len(plan.changes)
    assert isinstance(events[0], RunStarted)
    assert any(isinstance(event, RunFinished) for event in events)
    state = read_journal(folder.journal_path)
    assert state.complete
    assert not state.open
    assert state.plan == digest
    assert state.ends[-1]["counts"] == some(result.counts())
    lines = [json.loads(line) for line in folder.journal_path.read_bytes().splitlines()]
    seen = [(line["event"], line.get("key")) for line in lines]
    assert all(seen.index(("intent", f"key-{n}")) < seen.index(("outcome", f"key-{n}")) for n in range(40))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("filtering", ["json", "ignored"])
async def test_lost_answers_make_no_duplicates(tmp_path: Path, seed: int, filtering: Filtering) -> None:
    """With answers lost before and after the commit, 5xx, and reads that lag: every tag is there exactly once."""
    plan = creates(0, names=[f"Actor {n}" + ("" if n % 5 else f" «{n}», {n}") for n in range(80)])
    faults = (
        Fault("lose-after-commit", 0.10), Fault("lose-before-commit", 0.05), Fault("error-before-commit", 0.05),
        Fault("error-after-commit", 0.03), Fault("malformed-json", 0.03), Fault("cut-body", 0.03),
    )  # fmt: skip
    folder, digest = folder_of(tmp_path, plan)
    settings = structs.replace(FREE, stale_reads=0.1, filters=filtering, seed=seed, faults=faults)
    async with Sandbox(settings) as sandbox, api_of(sandbox) as api:
        result = await carry_out(plan, api, folder, digest)
        stats = sandbox.stats()
    assert some(result.counts()) == {"created": 80, "skipped": 1, "invalid": 1}
    assert (stats["tags"], stats["duplicates"]) == (80, 0)
    assert any(outcome.adopted for outcome in result.outcomes.values())


async def test_tags_that_are_found_prove_that_the_server_works(tmp_path: Path) -> None:
    """When every create's first answer is lost and every look-up finds the tag, the circuit breaker does not stop."""
    plan = creates(24)
    folder, digest = folder_of(tmp_path, plan)
    settings = replace(QUICK, concurrency=2, max_consecutive=6)
    losing = structs.replace(FREE, faults=(Fault("lose-after-commit", calls="create", attempts=1),))
    async with Sandbox(losing) as sandbox, api_of(sandbox) as api:
        result = await carry_out(plan, api, folder, digest, settings)
        assert sandbox.stats()["duplicates"] == 0
    assert result.stopped == ""
    assert sum(outcome.adopted for outcome in result.outcomes.values()) == 24


async def test_a_different_tag_is_no_adoption(tmp_path: Path) -> None:
    """When the answer is lost and somebody else's tag of that name is there, the row is a conflict that says so."""
    plan = creates(1)
    folder, digest = folder_of(tmp_path, plan)
    async with (
        Sandbox(structs.replace(FREE, faults=(Fault("lose-before-commit", calls="create", attempts=1),))) as box,
        api_of(box) as api,
    ):
        other = creates(0, names=["Actor 0"])
        body = {**other.changes[0].body, "motive": "Fear"}
        other = structs.replace(other, changes=(structs.replace(other.changes[0], body=body),))
        lost = asyncio.Event()

        def observe(event: Event) -> None:
            if isinstance(event, AnswerLost):
                lost.set()

        # A first look after half a second: time enough to be there before it on a busy machine.
        patient = replace(QUICK, grace=2.0)
        job = asyncio.ensure_future(carry_out(plan, api, folder, digest, patient, observe=observe))
        await lost.wait()
        await carry_out(other, api, folder_of(tmp_path / "other", other)[0], settings=replace(QUICK, grace=0.0))
        result = await job
    outcome = result.outcomes["key-0"]
    assert (outcome.status, outcome.code) == (Status.CONFLICT, "different")
    assert "motive" in outcome.message


async def test_a_wrong_token_costs_one_call(tmp_path: Path) -> None:
    """A refused token stops the run with exit code 4 after exactly one call, and shows nowhere."""
    plan, events = creates(30), []
    folder, digest = folder_of(tmp_path, plan)
    async with (
        Sandbox(FREE) as sandbox,
        api_of(sandbox, token="wrong-secret", observe=lambda e: events.append(e)) as api,
    ):
        result = await carry_out(plan, api, folder, digest)
        assert sandbox.stats()["total_calls"] == 1
    assert result.exit_code == 4
    assert some(result.counts()) == {"not_attempted": 30, "skipped": 1, "invalid": 1}
    assert "wrong-secret" not in folder.journal_path.read_text() + repr(result) + repr(events) + repr(api.settings)


async def test_refused_rows_fail_and_too_many_stop(tmp_path: Path) -> None:
    """A refused row fails with the server's words; when most are refused the run stops, with the share named."""
    plan = creates(200)
    bad = tuple(
        structs.replace(c, body={**c.body, "tlp": "ultraviolet"}) if c.action is Action.CREATE else c
        for c in plan.changes
    )
    folder, digest = folder_of(tmp_path, structs.replace(plan, changes=bad))
    async with Sandbox(FREE) as sandbox, api_of(sandbox) as api:
        result = await carry_out(structs.replace(plan, changes=bad), api, folder, digest)
    counts = some(result.counts())
    assert result.exit_code == 6
    assert "% of the rows were refused" in result.stopped
    assert 50 <= counts["failed"] < 70
    assert sum(counts.values()) == len(plan.changes)
    assert "tlp" in next(o for o in result.outcomes.values() if o.status is Status.FAILED).message


async def test_duplicates_refused_by_the_server_are_conflicts(tmp_path: Path) -> None:
    """A 409 for a tag that somebody else made is a conflict, not a failure of ours."""
    plan = creates(3)
    async with Sandbox(structs.replace(FREE, duplicates="refuse-409")) as sandbox, api_of(sandbox) as api:
        await carry_out(plan, api, folder_of(tmp_path / "a", plan)[0])
        result = await carry_out(plan, api, folder_of(tmp_path / "b", plan)[0])
    assert some(result.counts()) == {"conflict": 3, "skipped": 1, "invalid": 1}


async def test_updates_and_deletes_survive_lost_answers(tmp_path: Path) -> None:
    """Updates and deletes whose answers are lost are made again, and end as they should."""
    plan = creates(20)
    faults = (
        Fault("lose-after-commit", 0.15, ("update", "delete")), Fault("lose-before-commit", 0.1, ("update", "delete"))
    )  # fmt: skip
    async with Sandbox(structs.replace(FREE, faults=faults)) as sandbox, api_of(sandbox) as api:
        made = await carry_out(plan, api, folder_of(tmp_path / "a", plan)[0])
        changes = []
        for number in range(20):
            uuid, name = made.outcomes[f"key-{number}"].uuid, f"Actor {number}"
            if number % 2:
                changes.append(Change(f"u{number}", Action.DELETE, name, uuid=uuid))
            else:
                old_new = (FieldChange("motive", "Fun", "Fear"),)
                changes.append(
                    Change(f"u{number}", Action.UPDATE, name, uuid=uuid, body={"motive": "Fear"}, differences=old_new)
                )
        second = Plan(ACCOUNT, "upsert", tuple(changes))
        result = await carry_out(second, api, folder_of(tmp_path / "b", second)[0])
        tags = await api.list_tags()
    assert some(result.counts()) == {"updated": 10, "deleted": 10}
    assert [tag.fields["motive"] for tag in tags] == ["Fear"] * 10


async def test_an_outage_is_survived_or_stops_resumably(tmp_path: Path) -> None:
    """A short outage is waited for one call at a time; a lasting one stops the run, and resume finishes it."""
    plan = creates(60)
    folder, digest = folder_of(tmp_path, plan)
    settings = replace(QUICK, max_consecutive=4)
    outage = structs.replace(FREE, faults=(Fault("outage", first=20, last=199),))
    async with Sandbox(outage) as sandbox, api_of(sandbox, read_attempts=2) as api:
        result = await carry_out(plan, api, folder, digest, settings)
        assert result.exit_code == 6
        assert "in a row failed" in result.stopped or "cannot be looked up" in result.stopped
        counts = some(result.counts())
        assert sum(counts.values()) == len(plan.changes)
        assert int(str(sandbox.stats()["total_calls"])) < 60
        earlier = open_resumable(folder.path)
        assert earlier.state is not None
        assert earlier.state.open
    async with Sandbox(FREE) as fresh, api_of(fresh) as api:
        again = await carry_out(plan, api, folder, digest, earlier=earlier.state)
        assert again.stopped == ""
        assert some(again.counts()) == {"created": 60, "skipped": 1, "invalid": 1}


async def test_stop_lets_requests_finish(tmp_path: Path) -> None:
    """Asked to stop, the run lets what is under way finish, sends nothing more, and exits 6 with all rows counted."""
    plan, stop = creates(100), StopSignal()
    folder, digest = folder_of(tmp_path, plan)

    def observe(event: Event) -> None:
        if isinstance(event, RowDone) and event.key == "key-20":
            stop.request("stopped by SIGINT")

    async with Sandbox(structs.replace(FREE, latency=0.02)) as sandbox, api_of(sandbox) as api:
        result = await carry_out(plan, api, folder, digest, observe=observe, stop=stop)
        made = sandbox.stats()["tags"]
        assert (result.exit_code, result.stopped) == (6, "stopped by SIGINT")
        assert result.counts()["created"] == made
        assert result.counts()["unknown"] == 0
        again = await carry_out(plan, api, folder, digest, earlier=open_resumable(folder.path).state)
        assert some(again.counts()) == {"created": 100, "skipped": 1, "invalid": 1}
        assert sandbox.stats()["duplicates"] == 0


async def test_a_wait_that_is_too_long_stops_resumably(tmp_path: Path) -> None:
    """A Retry-After beyond the longest wait stops the run at once with exit code 6, and resume finishes it."""
    plan = creates(20)
    folder, digest = folder_of(tmp_path, plan)
    limit, patience = SandboxSettings(quota=10, window=300, block=300), PacerSettings(quota=1000, max_wait=1.0)
    async with Sandbox(limit) as sandbox, api_of(sandbox, pacing=patience) as api:
        result = await carry_out(plan, api, folder, digest)
    assert result.exit_code == 6
    assert "wait" in result.stopped
    assert result.counts()["created"] == 9
    assert sum(result.counts().values()) == len(plan.changes)


async def test_a_full_disk_stops_before_the_next_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the journal cannot be written nothing more is sent, the file stays whole, and resume ends it."""
    plan = creates(40)
    folder, digest = folder_of(tmp_path, plan)
    whole = Journal._append
    lines = 0

    def append(self: Journal, data: bytes) -> None:
        nonlocal lines
        lines += 1
        if lines > 8:
            raise JournalFull("the journal cannot be written: No space left on device")
        whole(self, data)

    async with Sandbox(FREE) as sandbox, api_of(sandbox) as api:
        with monkeypatch.context() as patched:
            patched.setattr(Journal, "_append", append)
            result = await carry_out(plan, api, folder, digest, replace(QUICK, concurrency=2))
        assert result.exit_code == 6
        assert "No space left" in result.stopped
        assert sum(result.counts().values()) == len(plan.changes)
        assert int(str(sandbox.stats()["tags"])) < 40
        again = await carry_out(plan, api, folder, digest, earlier=open_resumable(folder.path).state)
        assert some(again.counts()) == {"created": 40, "skipped": 1, "invalid": 1}
        assert sandbox.stats()["duplicates"] == 0


async def test_the_category_is_made_first_and_once(tmp_path: Path) -> None:
    """A category that the plan asks for is made once, given to every new tag, and not made again by a resume."""
    plan = structs.replace(creates(5), options={"create_category": "Actors"})
    folder, digest = folder_of(tmp_path, plan)
    async with Sandbox(FREE) as sandbox, api_of(sandbox) as api:
        await carry_out(plan, api, folder, digest)
        (category,) = await api.list_categories()
        assert {tag.fields.get("categoryUuid") for tag in await api.list_tags()} == {category.uuid}
    assert read_journal(folder.journal_path).categories == {"Actors": category.uuid}


async def test_a_category_is_not_made_again_by_the_resume_of_a_run_that_died_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that died between asking for its category and the answer has written so: its resume looks for it first."""
    plan = structs.replace(creates(5), options={"create_category": "Actors"})
    folder, digest = folder_of(tmp_path, plan)
    async with Sandbox(FREE) as sandbox, api_of(sandbox) as api:
        await carry_out(plan, api, folder, digest)
        text = folder.journal_path.read_text()
        folder.journal_path.write_text(text[: text.index("\n", text.index('"category-intent"')) + 1])
        looks, listed = 0, Api.list_categories

        async def late(self: Api) -> list[Category]:
            nonlocal looks
            looks += 1
            return [] if looks < 2 else await listed(self)

        with monkeypatch.context() as patched:
            patched.setattr(Api, "list_categories", late)
            again = open_resumable(folder.path).state
            await carry_out(plan, api, folder, digest, settings=replace(QUICK, grace=30.0), earlier=again)
        assert looks == 2
        assert len(await api.list_categories()) == 1


@pytest.mark.parametrize("fsync", list(Fsync))
async def test_every_fsync_policy_works(tmp_path: Path, fsync: Fsync) -> None:
    """Whatever the policy, the journal holds an intent and an outcome for each row."""
    plan = creates(30)
    folder, digest = folder_of(tmp_path, plan)
    async with Sandbox(FREE) as sandbox, api_of(sandbox) as api:
        result = await carry_out(plan, api, folder, digest, fsync=fsync)
    assert result.counts()["created"] == 30
    text = folder.journal_path.read_text()
    assert (text.count('"intent"'), text.count('"outcome"')) == (30, 30)


async def test_a_plan_for_another_account_is_refused(tmp_path: Path) -> None:
    """A plan is carried out only in the account that it was made for."""
    plan = structs.replace(creates(1), account="another")
    async with Sandbox(FREE) as sandbox, api_of(sandbox) as api:
        with pytest.raises(UsageError, match="another"):
            await carry_out(plan, api, folder_of(tmp_path, plan)[0])


async def test_calls_are_told(tmp_path: Path) -> None:
    """Each request is one CallFinished with its status and the key of its row; the list at the end is about none."""
    events: list[Event] = []
    plan = creates(3)
    async with Sandbox(FREE) as sandbox, api_of(sandbox, observe=events.append) as api:
        await carry_out(plan, api, folder_of(tmp_path, plan)[0], settings=ExecuteSettings())
    calls = [event for event in events if isinstance(event, CallFinished)]
    told = [(event.call, event.status, event.key) for event in calls]
    assert sorted(told[:-1]) == [("create", 200, f"key-{n}") for n in range(3)]
    assert told[-1] == ("list", 200, "")


async def test_duplicates_that_exist_anyway_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When reads lag longer than the grace time a second tag can come to be: the row says so, with both uuids."""
    plan = creates(1)
    folder, digest = folder_of(tmp_path, plan)
    whole, looks = Lookup.look, 0

    async def blind_at_first(self: Lookup, names: Collection[str]) -> Seen:
        nonlocal looks
        looks += 1
        return Seen({}, {}, False) if looks == 1 else await whole(self, names)

    monkeypatch.setattr(Lookup, "look", blind_at_first)
    losing = structs.replace(FREE, faults=(Fault("lose-after-commit", calls="create", attempts=1),))
    async with Sandbox(losing) as sandbox, api_of(sandbox) as api:
        result = await carry_out(plan, api, folder, digest, replace(QUICK, grace=0.0))
        uuids = [tag.uuid for tag in await api.list_tags()]
    outcome = result.outcomes["key-0"]
    assert (outcome.status, outcome.code) == (Status.CONFLICT, "duplicates")
    assert len(uuids) == 2
    assert all(uuid in outcome.message for uuid in uuids)
    assert read_journal(folder.journal_path).outcomes["key-0"] == outcome


async def test_a_refusal_after_a_lost_answer_is_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the repeated create is refused because the first one worked after all, the tag is adopted."""
    plan = creates(1)
    folder, digest = folder_of(tmp_path, plan)
    whole, looks = Lookup.look, 0

    async def blind_at_first(self: Lookup, names: Collection[str]) -> Seen:
        nonlocal looks
        looks += 1
        return Seen({}, {}, False) if looks == 1 else await whole(self, names)

    monkeypatch.setattr(Lookup, "look", blind_at_first)
    lost = (Fault("lose-after-commit", calls="create", attempts=1),)
    async with Sandbox(structs.replace(FREE, duplicates="refuse-400", faults=lost)) as sandbox, api_of(sandbox) as api:
        result = await carry_out(plan, api, folder, digest, replace(QUICK, grace=0.0))
        assert sandbox.stats()["tags"] == 1
    assert result.outcomes["key-0"].status is Status.CREATED
    assert result.outcomes["key-0"].adopted
