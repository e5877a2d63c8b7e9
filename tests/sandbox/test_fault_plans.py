"""Fault plans as people write them, and the options of the sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from importer.errors import UsageError
from importer.sandbox.settings import MEANINGS, Fault, Misbehaviour, SandboxSettings, read_options, read_plan
from importer.shipped import shipped

SHIPPED = sorted(path.stem for path in shipped("faults").glob("*.yaml"))


def test_a_plan_is_the_same_as_a_file_and_as_text(tmp_path: Path) -> None:
    """A plan gives the same settings from a YAML file and as YAML on the command line."""
    text = (
        "{seed: 9, neighbour: 0.5, stale_reads: 2, duplicates: refuse-409, filters: ignored, envelope: true, faults: ["
        "{do: lose-after-commit, chance: 10%, calls: [create, update]}, {do: error-before-commit, status: 502},"
        "{do: outage-cut, since: 10, until: 15}]}"
    )
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    expected = SandboxSettings(
        seed=9, neighbour=0.5, stale_reads=2, duplicates="refuse-409", filters="ignored", envelope=True,
        faults=(
            Fault("lose-after-commit", chance=0.1, calls=("create", "update")),
            Fault("error-before-commit", status=502),
            Fault("outage-cut", since=10, until=15),
        ),
    )  # fmt: skip
    assert read_options(faults=[text]) == read_options(faults=[str(path)]) == expected


@pytest.mark.parametrize(
    ("plan", "place"),
    [
        ("faults: [", ""),
        ("- a: b", ":1:1: "),
        ("faults: 3", ":1:9: "),
        ("seed: x", ":1:7: "),
        ("fault: []", ":1:1: "),
        ("faults: [1]", ":1:10: "),
        ("faults: [{do: lose-after-comit}]", ":1:15: "),
        ("faults: [{do: slow, chance: 110%}]", ":1:29: "),
        ("faults: [{do: slow, second: 2}]", ":1:21: "),
        ("faults: [{do: slow}, {calls: create}]", ":1:22: "),
        ("faults: [{do: slow, calls: [craete]}]", ":1:29: "),
        ("faults: [{do: outage, status: 200}]", ":1:31: "),
        ("missing.yaml", "missing.yaml cannot be read"),
        ("lose-after-commit=10%", "lose-after-commit=10% cannot be read"),
        (".", ". cannot be read"),
        ("", ""),
    ],
)
def test_wrong_plans_are_refused(plan: str, place: str) -> None:
    """What is not a plan is a usage error that gives the place of the mistake, and what could be said instead."""
    with pytest.raises(UsageError, match="fault plan") as wrong:
        read_options(faults=[plan])
    details = wrong.value.details or (wrong.value.message,)  # what is wrong with the whole file is in the message
    assert len(details) == 1
    assert place in details[0]
    assert "lossy" in wrong.value.hint


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    """Each mistake of a plan's file has its line and column."""
    path = tmp_path / "plan.yaml"
    path.write_text("seed: -1\nfaults:\n- do: slow\n  chance: lots\n")
    with pytest.raises(UsageError) as wrong:
        read_plan(str(path))
    assert [detail.split(": ")[0] for detail in wrong.value.details] == [f"{path}:1:7", f"{path}:4:11"]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_plans_are_right(name: str) -> None:
    """Every shipped plan is found by its name, is read without complaint, and says in its first line what it is for."""
    assert read_plan(name) == read_plan(str(shipped("faults", f"{name}.yaml")))
    assert shipped("faults", f"{name}.yaml").read_text().startswith("# ")


def test_every_misbehaviour_is_explained() -> None:
    """The help has a sentence for each thing that a fault can do, and for nothing else."""
    assert list(MEANINGS) == list(get_args(Misbehaviour))


def test_plans_are_laid_over_each_other_and_flags_over_plans() -> None:
    """A later plan adds faults and replaces other fields; a flag replaces what plans say; a window is a block."""
    plans = ["{seed: 1, window: 3, stale_reads: 1, faults: [{do: slow}]}", "{stale_reads: 2, faults: [{do: trickle}]}"]
    settings = read_options(
        plans, token="t", account_id="a" * 32, quota=100, window=5, latency="50 ms", seed=3, envelope=True
    )
    assert settings == SandboxSettings(
        token="t", account_id="a" * 32, quota=100, window=5, block=5, latency=0.05, stale_reads=2, seed=3,
        envelope=True, faults=(Fault("slow"), Fault("trickle")),
    )  # fmt: skip
    assert read_options(window=7, block=0).block == 0
    assert read_options() == SandboxSettings()


@pytest.mark.parametrize(
    "wrong",
    [{"account_id": "a/b"}, {"quota": -1}, {"window": 0}, {"latency": "nan ms"}, {"token": "a\nb"}],
    ids=str,
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """A number, account or token that the server cannot have is a usage error that names the flag."""
    with pytest.raises(UsageError, match=f"--{next(iter(wrong)).removesuffix('_id')}"):
        read_options(**wrong)
