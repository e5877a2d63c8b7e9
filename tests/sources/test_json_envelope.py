"""What programs wrap lists in: search hits, exports, pages, one actor alone, a head with facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import importer
from importer.errors import SourceError

ACTORS: list[dict[str, Any]] = [
    {"name": "Tin Weasel", "aliases": ["UNC-X1"], "country": "IR"},
    {"name": "Lead Stoat", "country": "CN"},
]


def drafts(tmp_path: Path, value: Any, name: str = "a.json") -> importer.Drafts:
    path = tmp_path / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return importer.draft(path)


def fields(made: importer.Drafts) -> list[tuple[Any, Any]]:
    return [(draft.fields.get("value"), draft.fields.get("originCountryISO")) for draft in made.inputs.drafts]


BOTH = [("Tin Weasel", "IR"), ("Lead Stoat", "CN")]


def hits(*rows: dict[str, Any], total: Any) -> dict[str, Any]:
    found = [{"_index": "x", "_id": str(n), "_score": 1.0, "_source": row} for n, row in enumerate(rows)]
    return {"took": 1, "hits": {"total": total, "hits": found}}


@pytest.mark.parametrize("total", [2, {"value": 2, "relation": "eq"}])
def test_search_hits_are_their_documents(tmp_path: Path, total: Any) -> None:
    """Of Elasticsearch's answer, or its hits alone, the documents are the records."""
    whole = hits(*ACTORS, total=total)
    made = drafts(tmp_path, whole)
    assert fields(made) == BOTH
    assert "more-pages" not in set(made.issues["code"])
    assert fields(drafts(tmp_path, whole["hits"]["hits"])) == BOTH
    lines = "\n".join(json.dumps(hit) for hit in whole["hits"]["hits"])
    assert fields(drafts(tmp_path, lines, "a.jsonl")) == BOTH


@pytest.mark.parametrize(
    "more",
    [
        {"count": 431}, {"total": 3}, {"next": "https://tip.example.com/actors?page=2"}, {"has_more": True},
        {"@odata.nextLink": "https://x.example.com/2", "@odata.count": 9},
    ],
)  # fmt: skip
def test_a_list_that_goes_on_says_so(tmp_path: Path, more: dict[str, Any]) -> None:
    """Where a document announces more than it holds, that is a warning; where it does not, it is none."""
    found = drafts(tmp_path, {**more, "results": ACTORS}).issues
    assert found[found["code"] == "more-pages"]["severity"].tolist() == ["warning"]
    calm: dict[str, Any] = {"count": 2, "next": None, "has_more": False, "results": ACTORS}
    assert "more-pages" not in set(drafts(tmp_path, calm).issues["code"])


def test_an_export_of_misps_user_interface(tmp_path: Path) -> None:
    """GalaxyCluster objects with their elements read as the galaxy they are part of."""
    elements = [("country", "IR"), ("synonyms", "UNC-X1"), ("synonyms", "UNC-X2"), ("refs", "https://r.example.org")]
    cluster = {
        "value": "Tin Weasel", "type": "threat-actor", "uuid": "00000001-1111-4111-8111-111111111111",
        "description": "Spies.", "tag_name": "misp-galaxy:x", "deleted": False,
        "GalaxyElement": [{"key": key, "value": value} for key, value in elements],
    }  # fmt: skip
    for value in (
        [{"GalaxyCluster": cluster}], {"response": [{"GalaxyCluster": cluster}]}, {"GalaxyCluster": cluster},
        [{"Galaxy": {"name": "Threat Actor"}, "GalaxyCluster": [cluster]}],
    ):  # fmt: skip
        (draft,) = drafts(tmp_path, value).inputs.drafts
        assert (draft.name, draft.fields["originCountryISO"]) == ("Tin Weasel", "IR")
        assert draft.fields["aliasGroupNamesInternal"] == ["UNC-X1", "UNC-X2"]


def test_one_actor_is_a_list_of_one(tmp_path: Path) -> None:
    """A document that is one actor is read, whatever malware it lists; a list with a title is not one actor."""
    actor = {**ACTORS[0], "malware": [{"name": "SootLoader"}, {"name": "AshRAT"}]}
    assert fields(drafts(tmp_path, actor)) == BOTH[:1]
    assert fields(drafts(tmp_path, "name: Tin Weasel\naka: [UNC-X1]\ncountry: Iran\n", "a.yaml")) == BOTH[:1]
    titled = {"name": "Our actors", "description": "What we follow", "country": "", "actors": ACTORS}
    assert fields(drafts(tmp_path, titled)) == BOTH


def test_actors_of_whom_nothing_else_is_known(tmp_path: Path) -> None:
    """In a dictionary of actors most may be empty: their names are read all the same."""
    value = {
        "Tin Weasel": {"aliases": ["UNC-X1"], "country": "IR"},
        "Lead Stoat": {},
        "Amber Jackal": {},
        "Pale Tern": {},
    }
    assert [name for name, _ in fields(drafts(tmp_path, value))] == list(value)


def test_what_the_head_says_holds_for_all(tmp_path: Path) -> None:
    """A country in the head is each actor's, unless they have their own; what it targets is not."""
    names = [{"name": "Tin Weasel", "aliases": ["UNC-X1"]}, {"name": "Lead Stoat", "aliases": []}]
    head = {"country_name": "Iran", "country_code": "IR", "target_country": "US"}
    assert [country for _, country in fields(drafts(tmp_path, {**head, "actors": names}))] == ["IR", "IR"]
    assert fields(drafts(tmp_path, {"country": "RU", "actors": ACTORS})) == BOTH


def test_a_word_that_is_not_json_is_found(tmp_path: Path) -> None:
    """NaN is named with its line, and what to write instead; one within a text is not meant."""
    text = '[\n{"name": "NaN is not a country",\n"country": "IR"},\n{"name": "Tin Weasel",\n"country": NaN}]'
    with pytest.raises(SourceError, match="NaN in line 5") as caught:
        drafts(tmp_path, text)
    assert "null" in caught.value.hint


def test_the_id_of_attack_is_no_part_of_a_name(tmp_path: Path) -> None:
    """MISP writes `Tin Weasel - G9001`; only an id that the cluster itself gives is taken off."""
    values = [
        {"value": "Tin Weasel - G9001", "uuid": "1", "meta": {"external_id": "G9001"}},
        {"value": "Lead - G9002", "uuid": "2", "meta": {"external_id": "G9003"}},
    ]
    galaxy = {"name": "Intrusion Set", "type": "mitre-intrusion-set", "authors": [], "version": 1, "values": values}
    assert [name for name, _ in fields(drafts(tmp_path, galaxy))] == ["Tin Weasel", "Lead - G9002"]
