"""The Python API: what is exported, and that it is the same pipeline as the command line's."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import pytest

import importer
from importer.errors import SafetyLimit, SourceError, UsageError
from tests.behaviour.program import environment

LIST = "Actor,Aliases,Country,Confidence\nAmber Jackal,007; NA,IR,8\nTin Weasel,,Chnia,3\nLead Stoat,,,\n"


@pytest.fixture
def actors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "actors.csv"
    path.write_text(LIST)
    return path


def test_the_public_names_are_these() -> None:
    """A name that leaves or joins the package's public ones is a decision, not an accident."""
    assert set(importer.__all__) == {
        "Account", "Drafts", "Plan", "Result", "__version__", "apply", "apply_async", "draft", "draft_async", "errors",
        "plan", "plan_async", "read_actors", "read_actors_async", "resume", "resume_async", "undo", "undo_async",
    }  # fmt: skip
    assert set(importer.__all__) == set(dir(importer))
    assert all(getattr(importer, name) for name in importer.__all__)
    with pytest.raises(AttributeError):
        importer.nothing_of_the_kind  # noqa: B018


def test_importing_the_package_loads_nothing() -> None:
    """`import importer` costs the command line nothing: neither pandas nor the pipeline is loaded by it."""
    code = "import sys, importer; print([name for name in sys.modules if name in ('pandas', 'importer.api')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_list_is_a_frame_of_exact_text(actors: Path) -> None:
    """Cells are the text of the file, blanks are empty, and the index says where each row stands."""
    frame = importer.read_actors(actors)
    assert frame.index.names == ["file", "sheet", "row"]
    assert frame.index[0] == (str(actors), "", 2)
    assert frame["Aliases"].tolist() == ["007; NA", "", ""]
    (reading,) = frame.attrs["reading"]
    assert (reading["file"], reading["sheet"], reading["kind"], reading["rows"]) == (str(actors), "", "csv", 3)
    assert reading["columns"]["Actor"] == "value"
    assert reading["cells"]["Country"] == "C"
    with pytest.raises(SourceError):
        importer.read_actors("missing.csv")


def test_drafts_are_frames_of_fields_and_of_issues(actors: Path) -> None:
    """Fields have their wire names, an absent one is None, and each issue has its cell."""
    drafts = importer.draft(actors)
    assert drafts.frame["value"].tolist() == ["Amber Jackal", "Tin Weasel", "Lead Stoat"]
    assert drafts.frame["originCountryISO"].tolist() == ["IR", None, None]
    found = drafts.issues.set_index("code").loc["unknown-country"]
    assert (found["cell"], found["value"]) == ("C3", "Chnia")


def test_a_frame_is_a_source_like_its_file(actors: Path) -> None:
    """A frame that was read, and one of one's own with numbers and gaps in it, draft as a file of their text does."""
    of_file = importer.draft(actors)
    of_frame = importer.draft(importer.read_actors(actors))
    pd.testing.assert_frame_equal(of_file.frame, of_frame.frame)
    assert of_frame.issues["cell"].tolist() == of_file.issues["cell"].tolist()
    own = pd.DataFrame({"Actor": ["Amber Jackal", "Tin Weasel"], "Country": ["IR", None], "Confidence": [8, 3]})
    made = importer.draft(own).frame
    assert made["value"].tolist() == ["Amber Jackal", "Tin Weasel"]
    assert made["originCountryISO"].tolist() == ["IR", None]
    assert made.index[1] == ("frame", "", 2)
    with pytest.raises(SourceError, match="several columns"):
        importer.draft(pd.DataFrame([["a", "b"]], columns=["Actor", "Actor"]))


def test_what_a_frame_holds_becomes_the_text_that_a_person_would_write(actors: Path) -> None:
    """Whole numbers stay whole, a day is a day, a list stays a list, and what is missing is blank."""
    own = pd.DataFrame(
        {
            "Actor": ["Amber Jackal", "Tin Weasel"],
            "Confidence": [8.0, None],
            "First seen": [pd.Timestamp("2021-03-04"), None],
            "Aliases": [["Pale, Fox", "Wolf Nine"], None],
        }
    )
    first, second = importer.draft(own).frame.to_dict("records")
    assert (first["confidence"], first["dateOfDiscovery"]) == (8, "2021-03-04")
    assert first["aliasGroupNamesInternal"] == ["Pale, Fox", "Wolf Nine"]
    assert {name: value for name, value in second.items() if value is not None} == {"value": "Tin Weasel"}


def test_cells_of_a_changed_frame_are_still_those_of_the_file(actors: Path) -> None:
    """An issue names the cell of the file that was read, though a column before it is gone or a stranger's."""
    frame = importer.read_actors(actors).drop(columns="Aliases")
    assert importer.draft(frame).issues["cell"].tolist() == ["C3"]
    frame.attrs.clear()
    assert importer.draft(frame).issues["row"].tolist() == [3]
    assert "B3" not in importer.draft(frame).issues["cell"].tolist()


@pytest.mark.parametrize("source", [None, 7, {"Actor": ["Amber Jackal"]}, pd.Series(["Amber Jackal"]), ["a.csv", 7]])
def test_what_is_no_source_is_refused_in_words(source: object) -> None:
    """Anything but paths and frames is a UsageError that says what a source is."""
    with pytest.raises(UsageError, match="a source is a path"):
        importer.draft(source)  # type: ignore[arg-type]


def test_a_setting_that_comes_too_late_is_refused(actors: Path) -> None:
    """A setting for reading beside a frame, or for drafting beside drafts, would do nothing: it is an error."""
    with pytest.raises(UsageError, match="sheet would change nothing"):
        importer.draft(importer.read_actors(actors), sheet=["Other"])
    with pytest.raises(UsageError, match="mapping would change nothing"):
        importer.plan(importer.draft(actors), importer.Account.sandbox(), mapping="attack")
    with pytest.raises(UsageError, match=r"importer\.plan"):
        importer.apply("plan.json")  # type: ignore[arg-type]


def test_a_job_file_brings_its_settings(actors: Path) -> None:
    """The mode and the limits of a job hold when it is planned and when it is applied."""
    account = importer.Account.sandbox()
    importer.apply(importer.plan(actors, account))
    actors.write_text(LIST.replace(",IR,8", ",CN,8"))
    Path("job.yaml").write_text("sources: [actors.csv]\nmode: upsert\nlimits: {updates: 0}\n")
    plan = importer.plan("job.yaml", account)
    assert plan.counts == {"update": 1, "unchanged": 2}
    with pytest.raises(SafetyLimit):
        importer.apply(plan)


def test_a_run_that_was_interrupted_is_resumed_and_taken_back(actors: Path) -> None:
    """Ctrl-C in a notebook ends a run resumable, with its result; `resume` finishes it and `undo` takes it back."""
    account = importer.Account.sandbox()
    plan = importer.plan(actors, account)
    journal = Path("run/journal.jsonl")

    def interrupt() -> None:
        while not (journal.exists() and '"created"' in journal.read_text()):
            threading.Event().wait(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a test in the background has it ignored
    try:
        threading.Thread(target=interrupt, daemon=True).start()
        result = importer.apply(plan, out="run", quota=3, window="200 s", reserve=0, concurrency=1)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (result.exit_code, sum(result.counts.values())) == (6, 3)
    assert 0 < result.counts["not_attempted"] < 3
    finished = importer.resume("run", account)
    assert (finished.exit_code, finished.counts) == (0, {"created": 3})
    assert importer.undo("run", account).counts == {"deleted": 3}
    assert repr(finished) == "<Result: created 3>"


def test_a_plan_is_carried_out_once(actors: Path) -> None:
    """A plan made in memory is applied, leaves a run folder, and a second plan finds that there is nothing to do."""
    account = importer.Account.sandbox()
    plan = importer.plan(actors, account)
    assert plan.frame["action"].tolist() == ["create"] * 3
    result = importer.apply(plan, out="run")
    assert result.frame["status"].tolist() == ["created"] * 3
    assert (result.exit_code, result.counts, result.folder.name) == (0, {"created": 3}, "run")
    assert (result.folder / "results.csv").exists()
    assert importer.plan(actors, account).counts == {"unchanged": 3}


def test_limits_and_settings_hold(actors: Path) -> None:
    """Limits are those of the command line, a setting that does not exist is refused, and old and new are shown."""
    account = importer.Account.sandbox()
    importer.apply(importer.plan(actors, account))
    actors.write_text(LIST.replace(",IR,8", ",CN,8").replace(",,,", ",,RU,"))
    plan = importer.plan(actors, account, mode="upsert")
    assert plan.frame["changes"].tolist()[0] == {"originCountryISO": ("IR", "CN")}
    with pytest.raises(SafetyLimit):
        importer.apply(plan, max_updates=1)
    assert importer.apply(plan).counts == {"updated": 2, "unchanged": 1}
    with pytest.raises(UsageError, match="mdoe"):
        importer.plan(actors, account, mdoe="upsert")


async def test_blocking_verbs_work_inside_a_running_loop(actors: Path) -> None:
    """In a notebook, whose cells run in an event loop, the same call works; its async twin gives the same."""
    account = importer.Account.sandbox()
    plan = importer.plan(actors, account)
    twin = await importer.plan_async(actors, account)
    assert plan.frame["action"].tolist() == twin.frame["action"].tolist()
    assert (await importer.apply_async(twin)).counts == {"created": 3}
    with pytest.raises(SourceError):
        importer.plan("missing.csv", account)
    assert asyncio.get_running_loop().is_running()


def test_no_token_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account's representation has no secret in it, in an error or in a notebook's output."""
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "token-that-must-not-show")
    account = importer.Account.from_environment()
    assert "must-not-show" not in repr(account) + str(account)
