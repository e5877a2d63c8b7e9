"""How each kind of field reads a value when the mapping's own steps are done: the last step of every rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from msgspec import Struct

from importer.fields.conventions import USUAL, Convention
from importer.fields.names import clean
from importer.fields.table import Field, Kind
from importer.fields.vocabulary import Vocabulary, load_vocabulary
from importer.fields.words import says_nothing, word_key
from importer.mapping.spec import Rule, Value
from importer.mapping.transforms import lists, meaning
from importer.mapping.transforms.found import About, Found, Note

Reading = Callable[[Value], Value]
"""From a step's result to a wire value, or a Found with a note."""


def cell_reading(
    field: Field | None, rule: Rule, own: Mapping[str, Vocabulary], convention: Convention = USUAL.convention
) -> Reading:
    """The reading of a field (None: of a property). Values that are already right go through unchanged."""
    if rule.as_is:
        return partial(_as_it_is, field=field, own=own) if field is not None else lambda value: value
    if field is None:
        return _property
    reading = _text_reading(field, own, convention)
    if field.kind in (Kind.TEXT_LIST, Kind.ALIAS_LIST, Kind.REFERENCE_LIST):
        cut = _cut_of(field, rule.separators or convention.separator)
        return partial(_unless_nothing, reading=partial(_listed, cut=cut, shape=_shape_of(field)))
    if field.kind is Kind.OBJECT:
        return _object
    if (
        not field.vocabulary and field.kind is not Kind.COUNTRY
    ):  # these know more words, and words that do say something
        reading = partial(_unless_nothing, reading=reading)
    return partial(_annotated, reading=reading) if field.annotated else reading


def part_field(name: str) -> Field:
    """The field that a part of an annotated value is read as: a score, a TLP word, a text."""
    kind = {"confidence": Kind.SCORE, "tlp": Kind.TLP}.get(name, Kind.TEXT)
    vocabulary = "tlp" if kind is Kind.TLP else ""
    from importer.fields.table import Visibility

    return Field(name, kind, "5.5", "now", Visibility.UNDOCUMENTED, "", vocabulary=vocabulary)


class _Word(Struct, frozen=True):
    """Reads a text with a function of texts; numbers that a step made go on as they are."""

    function: Callable[[str], Value]
    keeps: tuple[type, ...] = ()

    def __call__(self, value: Value) -> Value:
        if isinstance(value, list):
            import json

            value = json.dumps(value, ensure_ascii=False) if value else ""
        if isinstance(value, self.keeps) and not isinstance(value, bool):
            return value
        return self.function(value if isinstance(value, str) else _plain(value))


def _text_reading(field: Field, own: Mapping[str, Vocabulary], told: Convention) -> Reading:
    if field.vocabulary and not (field.kind is Kind.TEXT and field.vocabulary == "confidence"):
        return _Word(partial(meaning.vocabulary_word, name=field.vocabulary, own=own))
    if field.kind is Kind.COUNTRY:
        return _Word(partial(meaning.country, codes=told.codes))
    if field.kind is Kind.DATE:
        return _Word(partial(meaning.date, order=told.order, serial=told.serial))
    if field.name == "lastSeen":
        return _Word(partial(meaning.moment, serial=told.serial))
    if field.kind is Kind.NUMBER:
        return _Word(partial(meaning.number, decimal=told.decimal), (int, float))
    if field.kind is Kind.SCORE:
        return _Word(partial(meaning.score, out_of=told.scale or 10, mixed=told.mixed), (int, float))
    if field.kind is Kind.UUID:
        return lambda value: _plain(value).strip()
    if field.name == "value":
        return _name
    return _text


def _name(value: Value) -> Value:
    """A name as it is shown; a list that names several actors at once is none of them."""
    listed = lists.json_list(value) if isinstance(value, str) and value[:2] in ('["', "['") else value
    if isinstance(listed, list) and len(listed) > 1:
        text = value if isinstance(value, str) else lists.join(listed)
        return Found(None, Note(About.UNKNOWN, "several-names", "is a list of names; a tag has one", text))
    return clean(_joined(listed if isinstance(listed, list) else value))


def _plain(value: Value) -> str:
    """A scalar as text: what a step made of a cell, read on."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _joined(value: Value) -> str:
    return lists.join(value) if isinstance(value, list) else _plain(value)


def _text(value: Value) -> Value:
    """A text with its line breaks, without blanks at its ends; a JSON list of texts is joined with commas."""
    if isinstance(value, str):
        listed = lists.json_list(value) if value[:1] == "[" else None
        if listed is None:
            return (value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value).strip()
        value = listed
    return _joined(value).replace("\r\n", "\n").replace("\r", "\n").strip()


def _property(value: Value) -> Value:
    return value.strip() if isinstance(value, str) else value


def _object(value: Value) -> Value:
    return lists.json_value(value) if isinstance(value, str) else value


def _annotated(value: Value, reading: Reading) -> Value:
    """`{"value": ..., "confidence": ..., "tlp": ...}` as JSON text is taken whole; anything else is the value."""
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        found = lists.json_value(value)
        value = found if not isinstance(found, dict) or "value" in found else value
    if isinstance(value, dict):
        inner = reading(value.get("value"))
        if isinstance(inner, Found):
            return inner if inner.value is None else Found({**value, "value": inner.value}, inner.note)
        return {**value, "value": inner}
    return reading(value)


def _listed(value: Value, cut: Callable[[str], Value], shape: Callable[[Value], Value]) -> Value:
    """A list of entries in the shape of the field, entries without content left out."""
    note = None
    if isinstance(value, str):
        if lists.is_broken(value):
            return Found(None, Note(About.UNKNOWN, "broken-list", "begins like a list in JSON and is not one", value))
        value = cut(value)
        if isinstance(value, Found):
            value, note = value.value, value.note
    entries = value if isinstance(value, list) else [] if value is None else [value]
    if shape is _as_text and note is None and any(type(entry) is dict for entry in entries):
        note = _annotations_lost(entries)
    shaped = []
    for entry in map(shape, entries):
        if entry is None:
            continue
        label = entry.get("value", "") if isinstance(entry, dict) else entry
        if isinstance(label, str) and says_nothing(label):
            note = note or meaning.nothing(label, "so it was left out of the list")
        else:
            shaped.append(entry)
    return Found(shaped, note) if note else shaped


_BARE = {Kind.ALIAS_LIST: "value", Kind.REFERENCE_LIST: "url"}
"""What a bare text is in an entry of these lists."""


def _as_it_is(value: Value, field: Field, own: Mapping[str, Vocabulary]) -> Value:
    """What is taken as it is: the check of the wire value decides, so that an edited text becomes a list first.

    A word that is nearly one of the vocabulary is a slip of the editor; any other word is the account's own.
    """
    if isinstance(value, list) and field.is_list:
        part = _BARE.get(field.kind, "")
        return [
            {part: entry} if part and isinstance(entry, str) else entry
            for entry in value
            if entry is not None and entry != ""
        ]
    if not isinstance(value, str):
        return value
    if field.is_list:
        return _listed(value, _cut_of(field), _shape_of(field))
    if field.vocabulary and (
        near := _slip(value, (own or {}).get(field.vocabulary) or load_vocabulary(field.vocabulary))
    ):
        message = f"is nearly a word of '{field.vocabulary}'"
        return Found(None, Note(About.UNKNOWN, f"unknown-{field.vocabulary}", message, value, (), near))
    return value


def _slip(text: str, vocabulary: Vocabulary) -> str:
    """The allowed word that a text is but for a letter or two; empty where it is one, or is none."""
    from rapidfuzz import fuzz, process

    keys = {word_key(word): word for word in vocabulary.allowed}
    if word_key(text) in keys:
        return ""
    found = process.extractOne(word_key(text), list(keys), scorer=fuzz.ratio, score_cutoff=_NEARLY)
    return keys[found[0]] if found else ""


_NEARLY = 85.0


def _unless_nothing(value: Value, reading: Reading) -> Value:
    """A text that says nothing (`?`, `Unknown`, `#REF!`) is not a value; any other goes on to its reading."""
    if isinstance(value, str) and says_nothing(value) and value.strip():
        return Found(None, meaning.nothing(value))
    return reading(value)


def _annotations_lost(entries: list[Value]) -> Note | None:
    """A plain list has no room for the confidence and TLP of its entries; that is said."""
    for entry in entries:
        if isinstance(entry, dict) and (entry.get("confidence") is not None or entry.get("tlp") is not None):
            message = "has entries with confidence or TLP, for which this field has no room; internalAliases has"
            return Note(About.CHANGED, "annotations-left-out", message)
    return None


def _as_text(entry: Value) -> Value:
    if type(entry) is str:
        return clean(entry) or None
    if isinstance(entry, dict):
        entry = lists.entry_text(entry)
    text = clean(_plain(entry)) if not isinstance(entry, (list, dict)) else ""
    return text or None


def _as_link(entry: Value) -> Value:
    return lists.link_of(entry) or None if isinstance(entry, dict) else _as_text(entry)


def _as_alias(entry: Value) -> Value:
    if isinstance(entry, dict) and "value" in entry:
        return {key: item for key, item in entry.items() if item is not None}
    text = _as_text(entry)
    return None if text is None else {"value": text}


def _as_reference(entry: Value) -> Value:
    """`{url, description?}`; STIX's `source_name` stands in for a missing description, objects without URL go."""
    if not isinstance(entry, dict):
        text = _as_text(entry)
        return None if text is None else {"url": text}
    url = lists.link_of(entry)
    if not url:
        return None
    if "url" in entry and not entry.keys() - {"url", "description"}:
        return {key: item for key, item in entry.items() if item is not None}
    described = (entry.get(key) for key in ("description", "source_name", "title", "name"))
    description = next((str(text).strip() for text in described if text), "")
    return {"url": url, "description": description} if description else {"url": url}


_SHAPES: Mapping[Kind, Callable[[Value], Value]] = {
    Kind.TEXT_LIST: _as_text,
    Kind.ALIAS_LIST: _as_alias,
    Kind.REFERENCE_LIST: _as_reference,
}


def _shape_of(field: Field) -> Callable[[Value], Value]:
    return _as_link if field.name == "externalReferenceLinks" else _SHAPES[field.kind]


def _cut_of(field: Field, separators: str = "") -> Callable[[str], Value]:
    """How a text becomes a list of the field."""
    if field.name in ("externalReferenceLinks", "externalReferences"):
        return lists.links
    return partial(lists.items, separators=separators)
