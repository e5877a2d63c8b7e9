"""Several lists of the same actors: what they have in common is a page of pairs, and evidence answers most of it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.behaviour.inside import Here, rows

SANDBOX = ("--sandbox", "--sandbox-db", "s.sqlite3")


def lists(folder: Path) -> None:
    """Two lists with thirty actors each that share two names by pairs."""
    one = [f"Jackal {chr(65 + at)}x,Alias {at}a;Alias {at}b" for at in range(26)]
    two = [f"Quokka {chr(65 + at)}y,Alias {at}a;Alias {at}b" for at in range(26)]
    rows(folder / "one.csv", "name,aliases", *one)
    rows(folder / "two.csv", "name,aliases", *two)


def test_pairs_are_a_page_and_not_a_line_for_each_name(here: Here) -> None:
    """A sentence, the first pairs with both cells, and how many more; all of them in JSON and in the run's plan."""
    lists(here.folder)
    ran = here.ok("validate", "one.csv", "two.csv")
    assert "26 pairs of actors may be one actor each: 26 with two names" in ran.out
    assert "'Jackal Ax' (one.csv A2) | 'Quokka Ay' (two.csv A2)" in ran.out
    assert "'Alias 0a' (B2 and B2)" in ran.out
    assert "and 21 more" in ran.out
    assert ran.out.count("may be") < 15
    listed = here.ok("plan", "one.csv", "two.csv", *SANDBOX, "--format", "json", "--out", "run").json["pairs"]
    assert (listed["total"], listed["open"], len(listed["pairs"])) == (26, 26, 26)
    first = listed["pairs"][0]
    assert (first["one"]["cell"], first["other"]["source"], len(first["shared"])) == ("A2", "two.csv", 2)
    kept = json.loads((here.folder / "run" / "plan.json").read_text("utf-8"))["plan"]["pairs"]
    assert len(kept) == 26
    ran = here.ok("apply", "run/plan.json", *SANDBOX)
    assert "26 pairs" in ran.out
    assert len(here.tags(*SANDBOX)) == 52, "nothing is merged"
    assert "26 pairs" in here.ok("report", "run").out
    assert (
        "Pairs of actors that may be one (26)" in here.ok("validate", "one.csv", "two.csv", "--format", "markdown").out
    )


def test_evidence_answers_for_a_person(here: Here) -> None:
    """Pairs of which a row of the evidence has both names need nobody; it shapes the plan, which keeps its digest."""
    lists(here.folder)
    mapped = [f"Third {chr(65 + at)}z,Jackal {chr(65 + at)}x;Quokka {chr(65 + at)}y" for at in range(20)]
    rows(here.folder / "map.csv", "name,aliases", *mapped)
    given = ("one.csv", "two.csv", "--evidence", "map.csv")
    ran = here.ok("validate", *given)
    assert "6 pairs of actors may be one" in ran.out
    assert "20 pairs that need nobody: 20 stated by a source or the evidence" in ran.out
    assert here.ok("validate", *given, "--format", "json").json["rows"] == 52, "the evidence is not imported"
    here.ok("plan", *given, *SANDBOX, "--out", "run")
    with (here.folder / "map.csv").open("a") as file:
        file.write("Third,\n")
    refused = here("apply", "run/plan.json", *SANDBOX)
    assert (refused.code, "map.csv changed" in refused.err) == (5, True)
    assert here("validate", "one.csv", "--evidence", "gone.csv").code == 3
    (here.folder / "job.yaml").write_text("sources: [one.csv, two.csv]\nevidence: [map.csv]\n")
    assert "6 pairs" in here.ok("plan", "job.yaml", *SANDBOX).out


def test_a_relationship_of_stix_states_a_pair(here: Here) -> None:
    """`duplicate-of` between two actors of a bundle is not a question; nothing is said of an unread column."""
    ids = [f"intrusion-set--{number}1111111-1111-4111-8111-111111111111" for number in (1, 2)]
    actors = [
        {"type": "intrusion-set", "id": id_, "name": name, "aliases": ["Dust"], "spec_version": "2.1",
         "created": "2024-01-01T00:00:00Z", "modified": "2024-01-01T00:00:00Z"}
        for id_, name in zip(ids, ("Amber Jackal", "Iron Quokka"), strict=True)
    ]  # fmt: skip
    link = {"type": "relationship", "id": f"relationship--{ids[0][15:]}", "relationship_type": "duplicate-of",
            "source_ref": ids[0], "target_ref": ids[1]}  # fmt: skip
    bundle = {"type": "bundle", "id": f"bundle--{ids[0][15:]}", "objects": [*actors, link]}
    (here.folder / "b.json").write_text(json.dumps(bundle))
    found = here.ok("validate", "b.json", "--format", "json").json
    assert [pair["stated"] for pair in found["pairs"]["pairs"]] == [["b.json #1 related says duplicate-of"]]
    assert not found["issues"]
