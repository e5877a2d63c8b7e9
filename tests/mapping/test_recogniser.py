"""Which column feeds which field: by header words and contents together, the same for every command."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from importer.errors import SourceError
from importer.mapping.choose import choose
from importer.mapping.draft import Drafter
from importer.mapping.recogniser import recognise
from importer.mapping.write import write_mapping
from importer.text.header_match import near_headers, stem, tokens
from tests.mapping.tables import mapping, table

NAMES = ("Brass Ocelot", "Tin Weasel", "Lead Stoat", "Zinc Heron", "Iron Marten")
COUNTRIES = ("Iran", "China", "Russia", "Iran", "Belarus")


def fields(columns: Sequence[str], *cells: Sequence[str]) -> dict[str, str]:
    """What each column of a table feeds; `cells` are columns."""
    found = recognise([table(columns, *zip(*cells, strict=True))])
    return {one.column: one.field for one in found.columns}


def test_the_name_is_the_filled_column_whose_values_differ() -> None:
    """A sparse vendor's column and a category that repeats never become the name, whatever their headers say."""
    vendors = fields(
        ("CrowdStrike", "Official designation", "Crew"),
        ("", "Wolf Spider", "", "", ""), NAMES, ("APT", "Crime", "APT", "Crime", "APT"),
    )  # fmt: skip
    assert vendors == {
        "CrowdStrike": "aliasGroupNamesInternal", "Official designation": "value", "Crew": "actorCategory"
    }  # fmt: skip


def test_a_vendors_column_is_the_name_where_nothing_else_is() -> None:
    """Of several vendors' columns the fullest gives the names, the others are aliases."""
    found = fields(("Mandiant name", "Microsoft name", "Country"), ("", "UNC9001", "", "", ""), NAMES, COUNTRIES)
    assert found["Microsoft name"] == "value"
    assert found["Mandiant name"] == "aliasGroupNamesInternal"


@pytest.mark.parametrize(
    "header",
    [
        "Target Country",
        "Victims",
        "Zielländer",
        "受害国家",
        "Pays visés",
        "targets.countries",
        "Victim geography",
        "Nation of victims",
    ],
)
def test_targets_never_become_the_origin(header: str) -> None:
    """Countries under a header that speaks of victims feed no origin, not even where no other column has any."""
    assert fields(("Actor", header), NAMES, COUNTRIES)[header] != "originCountryISO"


def test_countries_alone_are_the_origin_where_exactly_one_column_holds_them() -> None:
    """An unknown header over countries is read as the origin; of two nobody can know which."""
    assert fields(("Actor", "Flagge?"), NAMES, COUNTRIES)["Flagge?"] == "originCountryISO"
    two = fields(("Actor", "Alpha", "Beta"), NAMES, COUNTRIES, COUNTRIES[::-1])
    assert not {"originCountryISO"} & {two["Alpha"], two["Beta"]}


@pytest.mark.parametrize(
    ("header", "cells", "field"),
    [
        ("presumed_country", COUNTRIES, "originCountryISO"),
        ("ORIG_CTRY_CD", ("IR", "CN", "RU", "IR", "BY"), "originCountryISO"),
        ("Contry", COUNTRIES, "originCountryISO"),
        ("Herkunft / Origin", COUNTRIES, "originCountryISO"),
        ("profile.nexus", COUNTRIES, "originCountryISO"),
        ("Aliases (semicolon separated)", ("A1; B1", "C1", "D1; E1", "F1", "G1"), "aliasGroupNamesInternal"),
        ("alsoKnownAs", ("A1", "B1", "C1", "D1", "E1"), "aliasGroupNamesInternal"),
        ("Motivación principal", ("Espionage", "Financial", "Espionage", "Ideology", "Fun"), "motive"),
        ("First noticed", ("2014", "2015-02", "2016-03-01", "2017", "2018"), "dateOfDiscovery"),
        ("Whatever", tuple(f"https://reports.example/{number}" for number in range(5)), "externalReferenceLinks"),
        ("Whatever", ("TLP:RED", "TLP:AMBER", "TLP:GREEN", "TLP:RED", "TLP:CLEAR"), "tlp"),
        ("References", ("12", "3", "7", "44", "5"), ""),
        ("Leak site", tuple(f"https://leak.example/{number}" for number in range(5)), ""),
        ("Reported by", ("A Firm", "B Firm", "A Firm", "B Firm", "C Firm"), ""),
        ("Created", ("2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04", "2020-01-05"), ""),
        ("Entity type", ("threat-actor-group",) * 5, ""),
    ],
)  # fmt: skip
def test_header_and_contents_decide_together(header: str, cells: tuple[str, ...], field: str) -> None:
    """Spellings, short forms, slips, paths and languages are read; contents that do not suit keep a column out."""
    assert fields(("Threat actor", header), NAMES, cells)[header] == field


def test_aliases_stay_private_and_unknown_prose_goes_to_the_notes() -> None:
    """Nothing becomes public that its header does not call so."""
    prose = tuple(f"The group {name} works at night and sells what it finds." for name in NAMES)
    found = fields(("Actor", "Aliases", "Zzyzx"), NAMES, tuple(f"Alias {n}" for n in range(5)), prose)
    assert found == {"Actor": "value", "Aliases": "aliasGroupNamesInternal", "Zzyzx": "internalDescription"}


def test_two_columns_that_could_be_the_name_stop_the_run() -> None:
    """The message has the two lines that settle it, and saying it settles it."""
    held = table(
        ("Threat actor", "Intrusion set"), *zip(NAMES, [f"{name} Team" for name in NAMES], strict=True)
    )  # fmt: skip
    with pytest.raises(SourceError) as caught:
        choose(held)
    assert caught.value.details == ("--map value='Threat actor'", "--map value='Intrusion set'")
    settled = choose(held, {"value": ["Intrusion set"]})
    assert Drafter(settled).draft(held)[0].name == "Brass Ocelot Team"


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        (("Actor", "AKA", "Land", "Notes"), (NAMES, ("a b", "c d", "e f", "g h", "i j"), COUNTRIES, ("x y",) * 5)),
        (("Common Name", "CrowdStrike", "Toolset / Malware", "AKA"), (NAMES, ("",) * 5, ("t",) * 5, NAMES[::-1])),
    ],
)
def test_init_writes_down_what_plan_reads(columns: tuple[str, ...], cells: tuple[tuple[str, ...], ...]) -> None:
    """`mapping init` and the run without a mapping are one reading."""
    held = table(columns, *zip(*cells, strict=True))
    written = Drafter(mapping(write_mapping([held]))).draft(held)
    assert [draft.fields for draft in written] == [draft.fields for draft in Drafter(choose(held)).draft(held)]


def test_a_first_row_of_data_is_no_header() -> None:
    """A list without a header row is refused with what to do, instead of losing its first actor."""
    with pytest.raises(SourceError, match="no header row"):
        choose(table(("Opal Kestrel", "Iran", "Espionage"), *zip(NAMES, COUNTRIES, ("Financial",) * 5, strict=True)))


def test_what_plan_refuses_init_refuses() -> None:
    """A list of companies is none for either."""
    companies = tuple(f"{name} GmbH" for name in NAMES)
    held = table(("Name", "Website"), *zip(companies, [f"https://c.example/{n}" for n in range(5)], strict=True))
    for reads in (choose, lambda one: write_mapping([one])):
        with pytest.raises(SourceError, match="organisations"):
            reads(held)


def test_a_list_of_names_several_to_an_actor_is_refused() -> None:
    """A table that says of each name whether it is an alias lists names, not actors."""
    kinds = ("alias", "canonical", "alias", "alias", "canonical")
    with pytest.raises(SourceError, match="several to an actor"):
        choose(table(("actor_id", "name", "name_type"), *zip("ABABC", NAMES, kinds, strict=True)))


def test_a_preset_reads_no_less_than_the_recogniser() -> None:
    """A tab of a known workbook with one more column of aliases does not lose it, however the headers are cased."""
    for header in ("Common Name", "common name"):
        held = table((header, "Toolset / Malware", "A.K.A."), *zip(NAMES, ("t",) * 5, NAMES[::-1], strict=True))
        drafts = Drafter(choose(held)).draft(held)
        assert drafts[0].fields["aliasGroupNamesInternal"] == ["Iron Marten"]


def test_unread_columns_are_told_with_what_they_look_like() -> None:
    """The reading names each column that feeds nothing; a column of the record is left alone without a warning."""
    held = table(("Actor", "Created", "Tools"), *zip(NAMES, ("2020-01-01",) * 5, ("wrench, saw",) * 5, strict=True))
    drafter = Drafter(choose(held))
    uses = {use.column: use for use in drafter.layout(held).uses}
    assert uses["Actor"].why
    assert uses["Created"].left_alone
    assert not uses["Tools"].left_alone
    (note,) = (note for note in drafter.notes(held) if note.code == "unread-columns")
    assert "'Tools'" in note.message
    assert "'Created'" not in note.message


def test_tokens_are_one_spelling_of_a_word() -> None:
    """Case, accents, camel case, underscores, plurals and wide scripts."""
    assert tokens("firstSeen_ÀÉ") == ("first", "seen", "ae")
    assert stem("countries") == stem("country")
    assert stem("targeted") == stem("targets")
    assert tokens("所属国家") == ("所属", "属国", "国家")
    assert tokens("が") == ("が",)


def test_what_most_headers_share_says_nothing() -> None:
    """`actor.name`, `actor.origin`, `actor.motive`: the beginning is that of all of them."""
    found = near_headers(["actor.name", "actor.origin", "actor.motive", "actor.links"])
    assert [max(near, key=lambda kind: near[kind].score) for near in found] == [
        "value", "originCountryISO", "motive", "externalReferenceLinks"
    ]  # fmt: skip


def test_a_name_that_counts_up_is_a_name_under_its_header() -> None:
    """Under `Name` also `Actor 001` is a name; a column that is called something else never is, however it looks."""
    rows = [(f"Actor {n:03d}", "IR", f"Seen {n} times") for n in range(1, 9)]
    found = recognise([table(("Name", "Country", "Description"), *rows)])
    assert found.name is not None
    assert found.name.column == "Name"
    assert {one.column: one.field for one in found.columns}["Description"] == "description"
