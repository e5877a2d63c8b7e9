"""The Python API: what is exported, and that it is the same pipeline as the command line's."""

from __future__ import annotations

import asyncio
import subprocess
import sys
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
        "Account", "Drafts", "Plan", "Result", "__version__", "apply", "apply_async", "draft", "plan", "plan_async",
        "read_actors",
    }  # fmt: skip
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
    assert frame.attrs["reading"] == [{"file": str(actors), "sheet": "", "kind": "csv", "rows": 3}]
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
