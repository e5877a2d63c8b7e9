"""Vocabularies: the words of the API and of everybody else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import jsonschema
import pytest

from importer.fields.numbers import parse_score
from importer.fields.table import FIELDS
from importer.fields.vocabulary import NAMES, VocabularyMatch, load_vocabulary, vocabulary_from
from importer.fields.words import load_data, word_key
from importer.shipped import shipped

FOUND = {
    "actor-category": "Nation State=nation-state|NATION_STATE|nation state|Government|nation-state, spy;"
    "Activist=hacktivist|Hacktivists;"
    "Crime Syndicate=crime-syndicate;Competitor=competitor;Terrorist=terrorist|terrorists;Customer=customer;"
    "Former Employee=former-employee|Ex-Employee;Organized Crime=organised crime|Organized crime;"
    "Nation State Affiliated=state-sponsored|State-affiliated|State sponsored group;"
    "Unaffiliated=unaffiliated|lone wolf",
    "motive": "Financial=financial|personal-gain|organizational-gain|Financially motivated|Financial Theft|Extortion|"
    "Cybercrime|financial gain|Financial crime;Ideology=ideology|Hacktivists-Nationalists|hacktivism|protest|religious;"
    "Grudge=revenge|grudge;Fear=coercion|fear;Fun=personal-satisfaction|fun|thrill;Convenience=convenience;"
    "Espionage=espionage|Cyber Espionage|Information theft and espionage|cyberespionage|Espionage, cyber espionage",
    "sophistication": "none=None|aspirant;minimal=minimal|novice;intermediate=practitioner;advanced=Advanced;"
    "expert=EXPERT;innovator=innovator;strategic=strategic;low=Low;medium=Moderate|med;high=HIGH;very high=very-high",
    "level": "Low=low|poor;Medium=medium|moderate;High=HIGH|good;Very High=very high|excellent",
    "confidence": "9=High|high confidence|very likely;5=medium|Moderate|possibly true;2=low;10=confirmed;"
    "7=likely|B2;1=A5",
    "tlp": "red=TLP:RED|red|Red|rot|TLP:Rouge;amber=gelb|Ámbar|TLP:AMBER|tlp amber|Amber;"
    "green=TLP-GREEN|green|grün|verde;clear=white|TLP:WHITE|CLEAR|"
    "TLP:CLEAR|marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9;purple=purple|TLP:PURPLE;"
    "amber+strict=amber strict|TLP:AMBER+STRICT|amber+strict|AMBER-STRICT|Amber (Strict);amber-strict=amber-strict",
}  # fmt: skip
NOT_FOUND = [
    ("motive", "dominance", "unclear", "Espionage"),
    ("motive", "sabotage", "unclear", ""),
    ("motive", "state-sponsored espionage and financially motivated", "unclear", None),
    ("motive", "Espionage, Sabotage", "unclear", "Espionage"),
    ("motive", "Espionge", "unknown", "Espionage"),
    ("motive", "blue", "unknown", ""),
    ("motive", "unknown", "none", ""),
    ("motive", "?", "none", ""),
    ("motive", "", "blank", ""),
    ("actor-category", "criminal", "unclear", "Organized Crime"),
    ("actor-category", "Naton State", "unknown", "Nation State"),
    ("actor-category", "Private sector offensive actor", "unclear", ""),
    ("tlp", "TLP:EX:CHR", "unclear", ""),
    ("tlp", "ambr", "unknown", "amber"),
    ("tlp", "TLP:AMBER+STRICKT", "unknown", "amber+strict"),
    ("level", "none", "none", ""),
    ("confidence", "A", "unclear", ""),
]
CASES = [
    (name, word, spelling)
    for name, lines in FOUND.items()
    for word, spellings in (line.split("=", 1) for line in lines.split(";"))
    for spelling in spellings.split("|")
]


@pytest.mark.parametrize(("name", "word", "spelling"), CASES)
def test_words_of_others_become_the_allowed_word(name: str, word: str, spelling: str) -> None:
    """A word of STIX, MISP, VERIS or a vendor becomes the API's, whatever its case and hyphens."""
    assert load_vocabulary(name).lookup(spelling) == VocabularyMatch(word)


@pytest.mark.parametrize(("name", "text", "reason", "nearest"), NOT_FOUND)
def test_what_is_not_clear_is_only_suggested(name: str, text: str, reason: str, nearest: str | None) -> None:
    """A word that could be several, or that nobody knows, is never decided; the nearest word is a suggestion."""
    match = load_vocabulary(name).lookup(text)
    assert (match.value, match.reason) == ("", reason)
    assert nearest is None or match.nearest == nearest


STANDARD = {
    "actor-category": "activist competitor crime-syndicate criminal hacker insider-accidental insider-disgruntled "
    "nation-state sensationalist spy terrorist unknown acquaintance auditor customer former-employee force-majeure "
    "organized-crime other secondary state-affiliated unaffiliated",
    "motive": "accidental coercion dominance ideology notoriety organizational-gain personal-gain "
    "personal-satisfaction revenge unpredictable convenience espionage fear financial fun grudge other secondary "
    "unknown sabotage denial-of-service defacement information-operations extortion data-destruction",
    "sophistication": "none minimal intermediate advanced expert innovator strategic novice practitioner aspirant",
    "tlp": "white clear green amber amber+strict red",
}


@pytest.mark.parametrize("name", STANDARD)
def test_no_standard_word_is_a_stranger(name: str) -> None:
    """Every word of the open vocabularies of STIX and VERIS is known, even where it is left undecided."""
    lookup = load_vocabulary(name).lookup
    assert [word for word in STANDARD[name].split() if lookup(word).reason == "unknown"] == []


@pytest.mark.parametrize("name", NAMES)
def test_each_vocabulary_is_consistent(name: str) -> None:
    """Each allowed word stands for itself, each synonym for one word only, each suggestion is allowed."""
    vocabulary = load_vocabulary(name)
    assert all(vocabulary.lookup(word).value == word for word in vocabulary.allowed)
    assert all(near in ("", *vocabulary.allowed) for near in vocabulary.unclear.values())
    meanings: dict[str, set[str]] = {}
    for word, target in {
        **vocabulary.words,
        **dict.fromkeys(vocabulary.unclear, "?"),
        **dict.fromkeys(vocabulary.nothing, "-"),
    }.items():
        meanings.setdefault(word_key(word), set()).add(target)
    assert {key for key, found in meanings.items() if key and len(found) > 1} == set()


def test_a_mapping_extends_or_replaces() -> None:
    """A mapping's own words win over the shipped ones, may add allowed words, and may replace a vocabulary whole."""
    motive = load_vocabulary("motive").extended(
        {"loot": "Financial", "sabotage": "Sabotage", "revenge": "Sabotage", "spying": ""}
    )
    assert motive.lookup("LOOT").value == "Financial"
    assert motive.lookup("sabotage").value == motive.lookup("Revenge").value == "Sabotage"
    assert motive.lookup("spying").reason == "none"
    assert motive.lookup("Espionage").value == "Espionage"
    assert load_vocabulary("motive").lookup("revenge").value == "Grudge"
    own = vocabulary_from("motive", {"words": {"Money": ["cash"], "Other": None}})
    assert own.allowed == ("Money", "Other")
    assert own.lookup("Cash").value == "Money"
    assert own.lookup("Financial").value == ""


def test_the_api_words_are_the_shipped_ones() -> None:
    """The vocabularies allow what the API's reference shows."""
    assert set(load_vocabulary("tlp").allowed) == {
        "red",
        "amber",
        "amber-strict",
        "green",
        "clear",
        "purple",
        "amber+strict",
    }
    assert len(load_vocabulary("actor-category").allowed) == 10
    assert len(load_vocabulary("motive").allowed) == 7
    assert sorted(map(int, load_vocabulary("confidence").allowed)) == list(range(1, 11))
    assert {field.vocabulary for field in FIELDS} - {""} <= set(NAMES)


@pytest.mark.parametrize("name", [*NAMES, "countries", "months"])
def test_the_shipped_files_fit_their_schemas(name: str) -> None:
    """Every shipped vocabulary names its schema and is valid under it."""
    kind = name if name in ("countries", "months") else "vocabulary"
    schema = json.loads(shipped("schema", f"{kind}.schema.json").read_text("utf-8"))
    text = shipped("vocabularies", f"{name}.yaml").read_text("utf-8")
    assert f"$schema=../schema/{kind}.schema.json" in text.splitlines()[0]
    data = dict(load_data(name))
    if name == "months":
        data["months"] = {str(number): words for number, words in data["months"].items()}
    jsonschema.Draft202012Validator(schema).validate(data)


def test_an_unknown_vocabulary() -> None:
    """A name that no vocabulary has is a KeyError, not a path."""
    with pytest.raises(KeyError):
        load_vocabulary("../mappings/stix")


def slips(word: str) -> Iterator[str]:
    """A word with two letters that changed places, with one left out, doubled, or mistaken."""
    for at in range(len(word)):
        yield word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :]
        yield word[:at] + word[at + 1 :]
        yield word[:at] + word[at] + word[at:]
        yield f"{word[:at]}q{word[at + 1 :]}".upper()


@pytest.mark.parametrize("name", NAMES)
def test_a_slip_is_answered_with_the_word_that_was_meant(name: str) -> None:
    """A slip in an allowed word of four letters or more is read as that word or suggests it, never another one."""
    vocabulary = load_vocabulary(name)
    others = {"amber-strict": "amber+strict"}  # two spellings of one thing
    for word in vocabulary.allowed:
        for text in slips(word) if len(word) > 3 else ():
            match = vocabulary.lookup(text)
            meant = match.value or match.nearest
            assert meant in (word, others.get(word), ""), text
            assert meant or len(word) == 4 or text == "geen", text


@pytest.mark.parametrize("text", ["hgih", "hihg", "hig", "hhigh", "HGIH", "high-ish", "higgh"])
def test_a_score_in_words_suggests_a_word(text: str) -> None:
    """What is near `high` suggests that, and not the number which the word stands for."""
    assert parse_score(text).nearest == "high"
    assert parse_score("modrate").nearest == "moderate"
