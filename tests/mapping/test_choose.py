"""Which mapping a table gets, and which tables are refused."""

from __future__ import annotations

import csv
import io

import pytest

from importer.errors import SourceError
from importer.mapping.choose import as_asked, choose
from importer.mapping.load import load_mapping
from importer.mapping.recogniser import recognise
from importer.model import Header, Table
from importer.text.header_words import known_count, name_cells
from tests.mapping.tables import table


def chosen(text: str, kind: str = "csv") -> str:
    """The mapping that a small CSV gets."""
    lines = list(csv.reader(io.StringIO(text)))
    header = Header("list.csv", kind, tuple(lines[0]))
    return choose(Table.of_rows(header, lines[1:], range(2, 1 + len(lines)))).name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("microsoft", "Threat actor name,Origin/Threat,Other names\nAmethyst Rain,Lebanon,VolcanicTimber\n"),
        ("misp-galaxy", 'uuid,value,description,meta.synonyms\nx,APT1,d,"[""a"", ""b""]"\n'),
        ("misp-galaxy", "value,meta.country\nAPT1,CN\n"),
        ("stix", 'type,id,name,aliases\nthreat-actor,threat-actor--1,X,"[""a""]"\n'),
        ("attack", "type,id,name,attack_id,x_mitre_version\nintrusion-set,intrusion-set--1,APT28,G0007,1.0\n"),
        ("apt-spreadsheet", "Common Name,CrowdStrike,Toolset / Malware,Link 1\nComment Crew,Comment Panda,WEBC2,\n"),
        ("spreadsheet", "Actor,Country\nX,CN\n"),
        ("spreadsheet", "name\nAPT28\nTurla\n"),
        ("spreadsheet", "name\nGhost Crew\nNight Owls\n"),
        ("spreadsheet", "id,name\n1,Night Owls\n"),
        ("spreadsheet", "value,originCountryISO\nX,US\n"),
        ("spreadsheet", "name,aliases\nX,Y\n"),
        ("spreadsheet", "Actor,Aliases,Country,Victims,Date\nAPT28,x,RU,NATO,2020\nTurla,y,RU,z,2021\n"),
        ("spreadsheet", "type,name\nAPT,Lazarus Group\n"),
        ("spreadsheet", "Codename,Sponsor,Known since\nRed Fox,MSS,2014-02-03\nBlue Whale,GRU,2015-01-01\n"),
        ("spreadsheet", "Operator,Country\nAPT1,China\nAPT28,Russia\n"),
        ("spreadsheet", "Threat,Also known as\nRed Fox,Foo\n"),
    ],
)
def test_a_shape_is_known_by_its_columns(name: str, text: str) -> None:
    """The kind of file decides nothing: failed.csv of a bundle finds the preset of the bundle."""
    assert chosen(text) == name


@pytest.mark.parametrize(
    ("looks", "text"),
    [
        ("people", "id,name,age\n1,Paul,3\n2,Anna,4\n"),
        ("people", "first name,last name,name\nPaul,X,Paul X\n"),
        ("places", "fips,name,total_population,margin_of_error\n31001,Adams County,31299,0\n"),
        ("sales or goods", "name,price,quantity\nRifle,499,1\n"),
        ("malware", "malware_family,type,aliases,actor\nEmotet,loader,Heodo,TA542\n"),
        ("malware", "name,type,platform\nEmotet,trojan,Windows\nDridex,banker,Windows\n"),
        ("incidents", "incident id,date,victim,threat actor\n1,2020,A,APT28\n"),
        ("incidents", "date,victim,actor,impact\n2020,A,APT28,x\n2021,B,APT28,y\n"),
        ("indicators", "type,value,first_seen\nip,1.2.3.4,2020\ndomain,5.6.7.8,2021\n"),
        ("vulnerabilities", "CVE,actor\nCVE-2020-1,APT1\n"),
        ("does not look like a list of threat actors", "Threat,Category,Description\nPhishing,Social,x\n"),
        ("does not look like a list of threat actors", "Operator,Country\nOrange,France\nVodafone,Italy\n"),
        ("malware", "Malware,Operator\nEmotet,TA542\n"),
        ("codes", "Code,Code name\n1,Farm\n2,Forest\n"),
        ("numbers", "value\n00001\n00002\n"),
        ("columns are sepal_length", "sepal_length,sepal_width,species\n1,2,iris\n"),
        ("its only column is a", "a\n1\n"),
        ("its columns are name, region, budget, floor", "name,region,budget,floor\nX,y,z,1\n"),
    ],
)
def test_lists_of_other_things_are_refused_in_one_sentence(looks: str, text: str) -> None:
    """People, places, sales and incidents never become actors; the sentence says what the list looks like."""
    with pytest.raises(SourceError) as caught:
        chosen(text)
    assert looks in caught.value.message
    assert "\n" not in caught.value.message
    assert "mapping init" in caught.value.hint


@pytest.mark.parametrize("kind", ["misp", "csv"])
def test_a_galaxy_may_have_any_keys(kind: str) -> None:
    """However many `meta` keys its clusters have, a galaxy of actors is taken, from its file and from failed.csv."""
    keys = "meta.cfr-suspected-state-sponsor,meta.cfr-target-category,meta.cfr-type-of-incident,meta.since,meta.mood"
    assert chosen(f"uuid,value,{keys}\nu,Blue Heron,China,Gov,Espionage,2014,x\n", kind) == "misp-galaxy"
    with pytest.raises(SourceError, match="malware"):
        chosen("uuid,value,meta.ransomnotes,meta.extensions,meta.encryption\nu,Locky,x,.777,AES\n", kind)


SPELLINGS = [
    "Threat Actor", "threat_actor", "ThreatActor", "threatActor", "THREAT ACTOR:", "threat-actor", "Threat\u00a0Actor",
    "threatactor", "Threat Actor (name)", "Actor_1", "APTName", "APT Group 2", "actor.name", "\uff34hreat Actor",
    "attributes.threatActor", "Alias[]",
]  # fmt: skip


@pytest.mark.parametrize("word", SPELLINGS)
def test_readers_and_the_recogniser_know_the_same_spellings(word: str) -> None:
    """Whether a sheet is read and which column is its name are never told apart by the spelling of a header word."""
    name = recognise([table((word, "Remark"), ("Blue Heron", "x"), ("Red Fox", "y"))]).name
    assert bool(name_cells([word])) == (name is not None and name.near.score > 0.85) == (word != "Alias[]")
    assert known_count([word]) == 1


def test_columns_of_a_report_decide_nothing() -> None:
    """`_status` and the like stand in results.csv beside the list's own columns."""
    assert chosen("Actor,_source,_row,_action,_status,_uuid\nX,a,1,create,created,u\n") == "spreadsheet"


@pytest.mark.parametrize("column", ["properties.region", "dateOfDiscovery"])
def test_a_column_called_like_a_field_of_a_tag_tells_a_list_of_actors(column: str) -> None:
    """`Name` alone says little; beside a tag's own field it is a list for tags."""
    assert choose(table(("Name", column), ("Amber Fox", "emea"))).name == "spreadsheet"


def test_a_named_preset_takes_the_usual_word_for_the_name() -> None:
    """Whoever names `spreadsheet` has decided: a column called `Name` holds the names, also where they are numbers."""
    numbers = table(("Name", "Country"), ("007", "GB"))
    mapping = as_asked(load_mapping("spreadsheet"), numbers)
    assert next(rule for rule in mapping.rules if rule.target == "value").columns == ("Name",)
