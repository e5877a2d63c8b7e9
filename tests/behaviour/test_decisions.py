"""decisions.yaml: what was decided of two actors is carried out, kept in the plan, and never asked again."""

from __future__ import annotations

import json

import pytest

from tests.behaviour.inside import Here, rows

SANDBOX = ("--sandbox", "--sandbox-db", "s.sqlite3")
GIVEN = ("one.csv", "two.csv", "--decisions", "decisions.yaml")


@pytest.fixture(autouse=True)
def _lists(here: Here) -> None:
    rows(
        here.folder / "one.csv",
        "name,aliases,references",
        "Amber Jackal,Dust;Sand,https://a.example/1",
        "Tin Owl,Dust,",
    )
    rows(here.folder / "two.csv", "name,aliases,references,country", "Iron Quokka,Dust;Rust,https://b.example/2,Iran")


def decide(here: Here, text: str) -> None:
    (here.folder / "decisions.yaml").write_text(text)


def test_the_same_is_one_tag_with_the_lists_of_both_and_undo_takes_it_back(here: Here) -> None:
    """One create; names, aliases and links united; each row accounted for; what came from where is told."""
    decide(here, "pairs:\n- actors: [Amber Jackal, {name: Iron Quokka, source: two.csv}]\n  are: same\n")
    ran = here.ok("apply", *GIVEN, *SANDBOX, "--out", "run", "--format", "json").json
    assert [row["status"] for row in ran["results"]] == ["created", "created", "skipped"]
    assert ran["results"][2]["code"] == "merged-row"
    tag = here.tags(*SANDBOX)["Amber Jackal"]
    held = json.dumps(tag)
    assert all(word in held for word in ("Dust", "Sand", "Rust", "Iron Quokka", "a.example/1", "b.example/2", "IR"))
    plan = json.loads((here.folder / "run" / "plan.json").read_text("utf-8"))["plan"]
    assert [file["kind"] for file in plan["shaped_by"]] == ["decisions"]
    told = [issue["message"] for change in plan["changes"] for issue in change.get("issues", ())]
    assert any("'Iron Quokka' (two.csv A2) gave" in text and "decisions.yaml:2:3" in text for text in told)
    again = here.ok("plan", *GIVEN, *SANDBOX, "--format", "json").json
    assert again["actions"]["create"] == again["actions"]["update"] == 0
    here.ok("undo", "run", *SANDBOX, "--yes")
    assert not here.tags(*SANDBOX)


def test_what_was_decided_is_not_asked_again(here: Here) -> None:
    """Different, overlapping and unsure pairs are not told any more, and stay two tags."""
    assert here.ok("validate", *GIVEN[:2], "--format", "json").json["pairs"]["open"] == 3
    decide(
        here,
        "pairs:\n- {actors: [Amber Jackal, Iron Quokka], are: different}\n"
        "- {actors: [Tin Owl, Iron Quokka], are: unsure}\n- {actors: [Tin Owl, Amber Jackal], are: overlaps}\n",
    )
    found = here.ok("validate", *GIVEN, "--format", "json").json
    assert found["pairs"]["open"] == 0
    assert {pair["decision"] for pair in found["pairs"]["pairs"]} == {"different", "unsure", "overlaps"}
    assert found["issue_counts"]["warning"] == 0
    here.ok("apply", *GIVEN, *SANDBOX)
    assert len(here.tags(*SANDBOX)) == 3


def test_different_blocks_a_chain(here: Here) -> None:
    """Two that are different are not merged by way of a third: none of the chain is, and it says which lines."""
    decide(
        here,
        "pairs:\n- {actors: [Amber Jackal, Tin Owl], are: same}\n"
        "- {actors: [Tin Owl, Iron Quokka], are: same}\n"
        "- {actors: [Amber Jackal, Iron Quokka], are: different}\n",
    )
    ran = here("apply", *GIVEN, *SANDBOX)
    assert ran.code == 1
    assert "decisions.yaml:2:3 and decisions.yaml:3:3" in ran.out
    assert not here.tags(*SANDBOX)


def test_accepted_issues_and_other_names(here: Here) -> None:
    """An accepted issue is in JSON as suppressed and not on the terminal; another name goes to whom it belongs."""
    rows(here.folder / "two.csv", "name,aliases,country", "Iron Quokka,Dust,Chnia")
    decide(
        here, "accepted: {code: unknown-country, value: Chnia}\naliases:\n- {alias: dust, belongs-to: Amber Jackal}\n"
    )
    ran = here.ok("validate", *GIVEN)
    assert "unknown-country" not in ran.out
    found = here.ok("validate", *GIVEN, "--format", "json").json
    assert [issue["suppressed"] for issue in found["issues"] if issue["code"] == "unknown-country"] == [True]
    assert found["pairs"]["total"] == 0
    results = here.ok("validate", *GIVEN, "--format", "sarif").json["runs"][0]["results"]
    (held,) = [result for result in results if result["ruleId"] == "unknown-country"]
    assert held["suppressions"][0]["justification"] == "decisions.yaml:1:11"
    for form in ("github", "markdown"):
        assert "unknown-country" not in here.ok("validate", *GIVEN, "--format", form).out
    rows(here.folder / "two.csv", "name,aliases,country", "Iron Quokka,Dust,Chnib")
    assert "unknown-country" in here.ok("validate", *GIVEN).out


def test_an_accepted_issue_that_is_mended_or_misspelt(here: Here) -> None:
    """Where the source has it no more that is told with the line; a code that there is not is refused."""
    decide(here, "accepted:\n- {code: unknown-country, source: two.csv, value: Chnia}\n")
    said = "a decision no longer applies, two.csv has no issue 'unknown-country' with 'Chnia'"
    rows(here.folder / "two.csv", "name,country", "Iron Quokka,Chnia")
    assert said not in here.ok("validate", *GIVEN).out
    rows(here.folder / "two.csv", "name,country", "Iron Quokka,China")
    assert said in here.ok("validate", *GIVEN).out
    decide(here, "accepted:\n- {code: unknown-contry}\n")
    ran = here("validate", *GIVEN)
    assert (ran.code, "'unknown-contry' is not a code; did you mean 'unknown-country'?" in ran.err) == (2, True)


def test_a_decision_that_no_longer_applies_or_is_wrong(here: Here) -> None:
    """An actor that is gone is told with the line; a mistake in the file is refused with line and column."""
    decide(here, "pairs:\n- {actors: [{name: Gone, source: one.csv}, Iron Quokka], are: different}\n")
    assert "a decision no longer applies, 'Gone' of one.csv is not there" in here.ok("validate", *GIVEN).out
    decide(here, "pairs:\n- {actors: [A, B], are: sam}\n")
    ran = here("validate", *GIVEN)
    assert (ran.code, "decisions.yaml:2:25: unknown word 'sam'; did you mean 'same'?" in ran.err) == (2, True)


def test_lists_of_a_second_source_are_added_or_replace(here: Here) -> None:
    """Another source's update keeps names and links that are there, and it converges; `replace` has to be said."""
    rows(here.folder / "two.csv", "name,aliases,references", "Amber Jackal,DUST;Rust,https://b.example/2")
    here.ok("apply", "one.csv", *SANDBOX)
    (here.folder / "job.yaml").write_text("sources: [two.csv]\nmode: upsert\n")
    here.ok("apply", "job.yaml", *SANDBOX)
    held = json.dumps(here.tags(*SANDBOX)["Amber Jackal"])
    assert all(word in held for word in ("Dust", "Sand", "Rust", "a.example/1", "b.example/2"))
    assert "DUST" not in held
    assert here.ok("plan", "job.yaml", *SANDBOX, "--format", "json").json["actions"]["unchanged"] == 1
    assert "lists-kept" in here.ok("plan", "one.csv", "--mode", "upsert", *SANDBOX).out
    (here.folder / "map.yaml").write_text("guess: true\nlists: replace\nfields: {value: name}\n")
    here.ok("apply", "job.yaml", *SANDBOX, "--mapping", "map.yaml", "--max-drift", "1")
    assert "a.example/1" not in json.dumps(here.tags(*SANDBOX)["Amber Jackal"])


def test_a_tag_that_is_the_same_is_updated_and_keeps_its_lists(here: Here) -> None:
    """A row that a decision says is a tag of the account updates it: no second tag, its names and links stay."""
    here.ok("apply", "one.csv", *SANDBOX)
    decide(here, "pairs:\n- {actors: [{name: Amber Jackal, source: account}, Iron Quokka], are: same}\n")
    given = ("two.csv", "--decisions", "decisions.yaml", *SANDBOX, "--mode", "upsert")
    here.ok("apply", *given)
    tags = here.tags(*SANDBOX)
    assert set(tags) == {"Amber Jackal", "Tin Owl"}
    held = json.dumps(tags["Amber Jackal"])
    assert all(word in held for word in ("Sand", "Rust", "Iron Quokka", "a.example/1", "b.example/2", "IR"))
    assert here.ok("plan", *given, "--format", "json").json["actions"]["unchanged"] == 1
