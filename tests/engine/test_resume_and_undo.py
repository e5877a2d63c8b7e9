"""Taking runs up again and taking them back."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from importer.clock import SystemClock
from importer.engine.journal import Journal
from importer.engine.journal_state import JournalState, read_journal
from importer.engine.resume import EarlierRun, open_resumable, open_run
from importer.engine.run_folder import RunFolder
from importer.engine.runs import RunState, list_runs, prune_runs
from importer.engine.undo import mark_undone, undo_plan
from importer.errors import UsageError
from importer.model import Action, Change, FieldChange, Outcome, Plan, SourceFile, Status, Tag
from importer.planning.build import build_plan
from importer.planning.options import Account, PlanOptions
from importer.planning.plan_file import write_plan
from importer.remote.wire import encode
from importer.sandbox.server import Sandbox
from importer.sandbox.settings import SandboxSettings

from .examples import ACCOUNT, QUICK, api_of, carry_out, creates, folder_of, names_in, some

FREE = SandboxSettings(quota=0)


def _cut(folder: RunFolder, *, after: str, torn: bytes = b"") -> None:
    """What a kill leaves: the journal ends behind the line that holds `after`."""
    lines = folder.journal_path.read_bytes().splitlines(keepends=True)
    last = next(number for number, line in enumerate(lines) if after.encode() in line)
    folder.journal_path.write_bytes(b"".join(lines[: last + 1]) + torn)


@pytest.mark.parametrize("torn", [b"", b'{"event":"outcome","key":"key-9","stat'])
async def test_an_open_intent_is_looked_up_first(tmp_path: Path, torn: bytes) -> None:
    """Rows whose outcome never reached the journal are adopted, not made twice, a torn last line or not."""
    plan = creates(20)
    folder, digest = folder_of(tmp_path, plan)
    async with Sandbox(FREE) as sandbox, api_of(sandbox) as api:
        whole = await carry_out(plan, api, folder, digest, replace(QUICK, concurrency=1))
        lines = folder.journal_path.read_bytes().splitlines(keepends=True)
        # The kill came after the call for key-9 and before its outcome; the tags of the later rows never were.
        cut = next(n for n, line in enumerate(lines) if b'"intent","key":"key-9"' in line)
        folder.journal_path.write_bytes(b"".join(lines[: cut + 1]) + torn)
        for key in range(10, 20):
            await api.delete(whole.outcomes[f"key-{key}"].uuid)
        earlier = open_resumable(folder.path)
        assert earlier.state is not None
        assert list(earlier.state.open) == ["key-9"]
        result = await carry_out(plan, api, folder, digest, earlier=earlier.state)
        assert some(result.counts()) == some(whole.counts())
        assert result.outcomes["key-9"].adopted
        assert result.outcomes["key-9"].uuid == whole.outcomes["key-9"].uuid
        assert set((await names_in(api)).values()) == {1}
    state = read_journal(folder.journal_path)
    assert state.complete
    assert not state.torn


async def test_after_a_power_loss_every_open_row_is_looked_up(tmp_path: Path) -> None:
    """When the machine was started anew, lines may be missing: no row is sent before it was looked up."""
    plan = creates(20)
    folder, digest = folder_of(tmp_path, plan)
    async with Sandbox(FREE) as sandbox, api_of(sandbox) as api:
        await carry_out(plan, api, folder, digest)
        lines = folder.journal_path.read_bytes().splitlines(keepends=True)
        header = json.loads(lines[0]) | {"boot": "another", "started": "2020-01-01T00:00:00+00:00"}
        folder.journal_path.write_bytes(json.dumps(header).encode() + b"\n")
        result = await carry_out(plan, api, folder, digest, earlier=open_resumable(folder.path).state)
        assert some(result.counts()) == {"created": 20, "skipped": 1, "invalid": 1}
        assert sandbox.stats()["duplicates"] == 0
        assert sandbox.stats()["tags"] == 20


async def test_resume_refuses_what_does_not_fit(tmp_path: Path) -> None:
    """Another plan or a changed source is refused with its name; a source that is not there is no hindrance."""
    source = tmp_path / "actors.csv"
    source.write_text("name\nA\n")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    plan = structs.replace(creates(2), sources=(SourceFile(str(source), "csv", digest, 7),))
    folder, sha = folder_of(tmp_path, plan)
    async with Sandbox(FREE) as sandbox, api_of(sandbox) as api:
        await carry_out(plan, api, folder, sha)
    assert open_resumable(folder.path).sha256 == sha
    source.write_text("name\nB\n")
    with pytest.raises(UsageError, match=r"actors\.csv"):
        open_resumable(folder.path)
    source.unlink()
    moved = tmp_path / "elsewhere"
    shutil.copytree(folder.path, moved)
    assert open_resumable(moved).plan.sources == plan.sources
    write_plan(moved / "plan.json", creates(3))
    with pytest.raises(UsageError, match="not the plan that this run carried out"):
        open_run(moved)
    with pytest.raises(UsageError, match="not a run folder"):
        open_run(tmp_path / "nothing")


async def test_undo_takes_back_what_is_as_it_was_left(tmp_path: Path) -> None:
    """Created tags are deleted and updated ones restored; what was changed since stays and is listed."""
    async with Sandbox(FREE) as sandbox, api_of(sandbox) as api:
        for name in ("Old 1", "Old 2"):
            await api.create(encode({"value": name, "motive": "Fun", "aliasGroupNames": ["x"]}))
        held = {tag.name: tag.uuid for tag in await api.list_tags()}
        update = {"motive": "Fear", "description": "new"}
        changed = (FieldChange("motive", "Fun", "Fear"), FieldChange("description", None, "new"))
        plan = structs.replace(creates(3), changes=(
            *creates(3).changes,
            *(Change(name, Action.UPDATE, name, uuid=held[name], body=update, differences=changed) for name in held),
        ))  # fmt: skip
        folder, digest = folder_of(tmp_path, plan)
        done = await carry_out(plan, api, folder, digest)
        await api.update(done.outcomes["key-1"].uuid, encode({"motive": "Grudge"}))
        await api.update(held["Old 2"], encode({"priority": 5}))
        await api.delete(done.outcomes["key-2"].uuid)

        undo = undo_plan(open_run(folder.path), await api.list_tags(), created="now")
        actions = {change.key: change.action for change in undo.changes}
        assert actions == {
            "key-0": Action.DELETE, "key-1": Action.CONFLICT, "key-2": Action.UNCHANGED,
            "Old 1": Action.UPDATE, "Old 2": Action.CONFLICT,
        }  # fmt: skip
        own = RunFolder.make(tmp_path / "undo")
        result = await carry_out(undo, api, own, write_plan(own.plan_path, undo))
        assert some(result.counts()) == {"deleted": 1, "updated": 1, "unchanged": 1, "conflict": 2}
        mark_undone(folder, own.run, SystemClock())
        tags = {tag.name: tag for tag in await api.list_tags()}
    assert set(tags) == {"Old 1", "Old 2", "Actor 1"}
    assert tags["Old 1"].fields["motive"] == "Fun"
    assert not tags["Old 1"].fields.get("description")
    assert tags["Old 2"].fields["motive"] == "Fear"
    states = {info.run: info.state for info in list_runs(tmp_path)}
    assert states == {"run": RunState.UNDONE, "undo": RunState.COMPLETE}
    with pytest.raises(UsageError, match="was undone"):
        open_resumable(folder.path)
    with pytest.raises(UsageError, match="cannot be undone"):
        undo_plan(open_run(own.path), [])


async def test_undo_makes_deleted_tags_again(tmp_path: Path) -> None:
    """A pruned tag comes back with every field it had, under a new uuid; not beside a tag that took its name."""
    held = {
        "value": "Lost", "motive": {"value": "Fun", "confidence": 7}, "aliases": [{"value": "L", "tlp": "green"}],
        "priority": 3, "properties": {"managed_by": "tag-importer:nightly"}, "internalDescription": "x",
    }  # fmt: skip
    async with Sandbox(FREE) as sandbox, api_of(sandbox) as api:
        for body in (held, {**held, "value": "Taken"}):
            await api.create(encode(body))
        before = {tag.name: tag for tag in await api.list_tags()}
        options = PlanOptions(mode="upsert", managed_by="tag-importer:nightly", prune=True)
        plan = build_plan([], Account(ACCOUNT, list(before.values())), options)
        folder, digest = folder_of(tmp_path, plan)
        assert some((await carry_out(plan, api, folder, digest)).counts()) == {"deleted": 2}
        await api.create(encode({"value": "TAKEN"}))

        undo = undo_plan(open_run(folder.path), await api.list_tags(), created="now")
        own = RunFolder.make(tmp_path / "undo")
        result = await carry_out(undo, api, own, write_plan(own.plan_path, undo))
        assert some(result.counts()) == {"created": 1, "conflict": 1}
        after = {tag.name: tag for tag in await api.list_tags()}
    assert set(after) == {"Lost", "TAKEN"}
    assert after["Lost"].fields == before["Lost"].fields
    assert after["Lost"].uuid != before["Lost"].uuid


def test_runs_and_their_state(tmp_path: Path) -> None:
    """Runs are listed with how they stand; pruning keeps what can be resumed, whatever its age."""
    clock = SystemClock()
    run: tuple[str, dict[str, object]] = ("run", {})
    done: tuple[str, dict[str, object]] = ("end", {"state": "complete", "counts": {"created": 2}})
    journals: dict[str, list[tuple[str, dict[str, object]]]] = {
        "1-planned": [],
        "2-killed": [run],
        "3-stopped": [run, ("end", {"state": "stopped", "reason": "r"})],
        "4-done": [run, done],
        "5-done": [run, done],
    }
    for name, lines in journals.items():
        folder = RunFolder.make(tmp_path / name)
        write_plan(folder.plan_path, creates(1))
        if lines:
            journal = Journal(folder.journal_path, clock)
            for event, values in lines:
                journal.event(event, **values)
            journal.close()
    with (tmp_path / "2-killed" / "journal.jsonl").open("ab") as torn:
        torn.write(b'{"torn')
    infos = list_runs(tmp_path)
    assert [info.state.value for info in infos] == ["planned", "resumable", "resumable", "complete", "complete"]
    assert infos[3].counts == {"created": 2}
    assert infos[2].reason == "r"
    assert [info.run for info in prune_runs(tmp_path, 3)] == ["1-planned", "4-done"]
    assert [info.run for info in list_runs(tmp_path)] == ["2-killed", "3-stopped", "5-done"]
    assert list_runs(tmp_path / "none") == []


def test_runs_that_ended_early_are_listed_and_pruned(tmp_path: Path) -> None:
    """A run that ended before it had a plan is listed with its reason; folders of strangers are left alone."""
    (tmp_path / "terraform").mkdir()
    (tmp_path / "terraform" / "plan.json").write_text('{"format_version": "1.2"}', "utf-8")
    for name, run in (("20260101T000000Z-aaaaaa", "20260101T000000Z-aaaaaa"), ("photos", "elsewhere")):
        (tmp_path / name).mkdir()
        told = {"run": run, "exit_code": 3, "stopped": "lists/a.csv does not exist.", "started": "2026-01-01T00:00:00Z"}
        (tmp_path / name / "summary.json").write_text(json.dumps(told), "utf-8")
    infos = list_runs(tmp_path)
    assert [(info.state, info.exit_code, info.reason) for info in infos] == [
        (RunState.STOPPED, 3, "lists/a.csv does not exist.")
    ]
    good = RunFolder.make(tmp_path / "20250101T000000Z-bbbbbb")
    write_plan(good.plan_path, creates(1))
    journal = Journal(good.journal_path, SystemClock())
    journal.event("run", command="apply")
    journal.event("end", state="complete")
    journal.close()
    assert [info.path.name for info in prune_runs(tmp_path, 0)] == ["20260101T000000Z-aaaaaa"]
    assert (tmp_path / "photos").is_dir()
    assert good.path.is_dir(), "the last run that came to its end is what the next one is compared with"
    assert (tmp_path / "terraform").is_dir()


def test_a_damaged_journal_is_named(tmp_path: Path) -> None:
    """A line that is damaged before the end is an error with its number, never skipped."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"event":"run","plan":"x"}\n{"eve\n{"event":"end","state":"complete"}\n')
    with pytest.raises(UsageError, match=r"journal\.jsonl:2"):
        read_journal(path)


async def test_a_run_folder_is_private_and_used_once(tmp_path: Path) -> None:
    """The folder is readable by its owner alone, and a second run is not written over the first."""
    folder = RunFolder.make(tmp_path / "run")
    assert folder.path.stat().st_mode & 0o777 == 0o700
    journal = Journal(folder.journal_path, SystemClock())
    journal.event("run")
    journal.close()
    assert folder.journal_path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="holds a run already"):
        RunFolder.make(folder.path)


def test_a_folder_of_others_keeps_its_mode(tmp_path: Path) -> None:
    """A run that is put into a folder with other things in it shuts nobody out, and replaces nobody's files."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    (shared / "theirs").write_text("x")
    RunFolder.make(shared)
    assert shared.stat().st_mode & 0o777 == 0o755
    (shared / "failed.csv").write_text("theirs")
    with pytest.raises(UsageError, match=r"holds failed\.csv, which no run left there"):
        RunFolder.make(shared)
    (shared / "failed.csv").unlink()
    write_plan(shared / "plan.json", creates(1))
    RunFolder.make(shared)


def test_a_finished_run_is_listed_from_both_ends_of_its_journal(tmp_path: Path) -> None:
    """Rows between the first and the last line are not read; an undo that comes after the end is seen all the same."""
    clock = SystemClock()
    folder = RunFolder.make(tmp_path / "run")
    write_plan(folder.plan_path, creates(1))
    journal = Journal(folder.journal_path, clock)
    journal.event("run", rows=9, mode="create", account="a", command="apply", started="2026-01-01T00:00:00+00:00")
    journal.close()
    with folder.journal_path.open("ab") as damaged:
        damaged.write(b"not read\n" * 100_000)
    journal = Journal(folder.journal_path, clock)
    journal.event("end", state="complete", counts={"created": 9})
    journal.close()
    (info,) = list_runs(tmp_path)
    assert (info.state, info.rows, info.counts, info.command) == (RunState.COMPLETE, 9, {"created": 9}, "apply")
    mark_undone(folder, "another", clock)
    (info,) = list_runs(tmp_path)
    assert info.state is RunState.DAMAGED


async def test_a_wrong_type_in_a_journal_is_an_error_with_its_line(tmp_path: Path) -> None:
    """Each value of a journal replaced by each kind of another: it is refused by its line, or it can be used."""
    plan = creates(2)
    folder, digest = folder_of(tmp_path, plan)
    async with Sandbox(FREE) as sandbox, api_of(sandbox) as api:
        await carry_out(plan, api, folder, digest)
        tags = await api.list_tags()
    lines = [json.loads(line) for line in folder.journal_path.read_text().splitlines()]
    wrong: object
    places: list[tuple[int, tuple[str, ...]]] = [(at, (key,)) for at, line in enumerate(lines) for key in line]
    places += [(at, ("after", key)) for at, line in enumerate(lines) for key in line.get("after", ())]
    refused = 0
    for at, keys in places:
        for wrong in (None, True, -1, 1 << 70, "x", "9999-12-31T23:59:59", [], {"x": None}):
            forged = json.loads(json.dumps(lines))
            inner = forged[at]
            for key in keys[:-1]:
                inner = inner[key]
            inner[keys[-1]] = wrong
            folder.journal_path.write_text("".join(json.dumps(line) + "\n" for line in forged))
            try:
                list_runs(tmp_path)
                undo_plan(open_run(folder.path), tags)
            except UsageError as error:
                refused += "journal.jsonl:" in error.message
    assert refused > 100


def test_undo_renames_no_tag_to_a_name_that_another_one_has() -> None:
    """A tag that the run renamed stays where its old name was taken since; tags that trade names go back."""

    def undone(*tags: Tag) -> list[str]:
        changes = [
            Change(f"k{at}", Action.UPDATE, new, uuid=str(at), body={"value": new},
                   differences=(FieldChange("value", old, new),))
            for at, (old, new) in enumerate((("Amber", "Basalt"), ("Basalt", "Cobalt")))
        ]  # fmt: skip
        outcomes = {change.key: Outcome(change.key, Status.UPDATED, change.uuid) for change in changes}
        state = JournalState({}, outcomes, {})
        earlier = EarlierRun(RunFolder(Path("run")), Plan("a", "upsert", tuple(changes)), "", state)
        made = undo_plan(earlier, [Tag("0", "Basalt"), Tag("1", "Cobalt"), *tags])
        return [f"{change.action} {change.code}".strip() for change in made.changes]

    assert undone() == ["update", "update"]
    assert undone(Tag("2", "amber")) == ["update", "conflict exists"]
