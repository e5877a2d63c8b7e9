"""A row's value from its pieces: several columns, parts of annotated values, lists of names, kept texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, repeat

from importer.fields.names import identity_keys
from importer.fields.table import FIELDS
from importer.fields.values import LONGEST_TEXT, check
from importer.mapping.bound_mapping import BoundRule
from importer.mapping.cells import BLANK, Cell, Finding
from importer.mapping.columns import named
from importer.mapping.quick_reading import CLEAR
from importer.mapping.spec import Blank, Rule, Value
from importer.mapping.transforms.lists import entry_text, json_list
from importer.mapping.transforms.text import columns_in, template
from importer.model import Json, Severity


def attach_parts(fields: Sequence[dict[str, Json]], target: str, part: str, cells: Sequence[Cell]) -> None:
    """Give each value its confidence, TLP or description; entries of a list that have their own keep it."""
    for row, cell in zip(fields, cells, strict=True):
        value = row.get(target)
        if value is None or cell.value is None:
            continue
        if isinstance(value, list):
            row[target] = [{**entry, part: entry.get(part, cell.value)} for entry in value]
        elif isinstance(value, dict):
            row[target] = {**value, part: value.get(part, cell.value)}
        else:
            row[target] = {"value": value, part: cell.value}


def clears_blank_part(rule: Rule, whole: bool) -> bool:
    """Whether a blank cell of a part takes it off: as its own rule says, else as the `whole` value's does."""
    if not rule.columns and not rule.words:
        return False
    return rule.default is None and (whole if rule.on_blank is None else rule.on_blank is Blank.CLEAR)


def alone(target: str, part: str, text: str) -> Finding:
    """A confidence, TLP or description in a row that says nothing it could go with."""
    message = f"is the {part} of {target}, which is blank in this row; left out"
    return Finding(Severity.WARNING, "annotation-without-value", message, text)


def tidy_names(fields: Sequence[dict[str, Json]], target: str) -> Iterator[tuple[int, int, Finding]]:
    """Take the actor's own name and repetitions out of a list of other names, and tell so.

    Gives the row, which of its entries it was, and the issue. An own name that stands first is how STIX and ATT&CK
    write their lists: it goes without a word.
    """
    rows = [(position, row, entries) for position, row in enumerate(fields) if (entries := row.get(target))]
    labels = [[entry["value"] if type(entry) is dict else entry for entry in entries] for _, _, entries in rows]
    names = identity_keys([str(row.get("value") or "") for _, row, _ in rows])
    found = iter(identity_keys([label for held in labels for label in held]))
    for (position, row, entries), held, own in zip(rows, labels, names, strict=True):
        keys = list(islice(found, len(held)))
        if own not in keys and (len(keys) == 1 or len(set(keys)) == len(keys)):
            continue
        seen: set[str] = set()
        kept: list[Value] = []
        for index, (entry, label, key) in enumerate(zip(entries, held, keys, strict=True)):
            if key == own:
                if index or label != row.get("value"):
                    seed = Finding(Severity.INFO, "own-name-alias", "is the actor's own name; left out", label)
                    yield position, index, seed
            elif key in seen:
                seed = Finding(Severity.INFO, "repeated-alias", "is in the list twice; kept once", label)
                yield position, index, seed
            else:
                seen.add(key)
                kept.append(entry)
        if kept and len(kept) < len(entries):
            row[target] = kept
        elif not kept:
            del row[target]


def unique_links(fields: Sequence[dict[str, Json]], target: str) -> None:
    """Keep each link once; the first one stays."""
    for row in fields:
        entries = row.get(target)
        if entries and len(entries) > 1:
            unique = {(entry["url"] if isinstance(entry, dict) else entry): entry for entry in reversed(entries)}
            if len(unique) < len(entries):
                row[target] = list(reversed(unique.values()))


def add_links(row: dict[str, Json], links: Sequence[str]) -> None:
    """Add addresses that a public text pointed to; what is not a link is left where it was, in the text."""
    known = row.get(_LINKS.name) or []
    for link in links:
        if link.lower().startswith(("https://", "http://")) and check(_LINKS, [link]).problem is None:
            known = known if link in known else [*known, link]
    if known:
        row[_LINKS.name] = known


_LINKS = next(field for field in FIELDS if field.name == "externalReferenceLinks")


def keep_text(row: dict[str, Json], target: str, label: str, text: str) -> bool:
    """Add `Label: text` to a text field, or set a property to the text; False where there is no room for it."""
    before = row.get(target)
    if target.startswith("properties."):
        same = before is None or before == text
        row[target] = text if same else f"{before}; {text}" if isinstance(before, str) else json.dumps([before, text])
        return True
    line = f"{label}: {text}"
    if len(line) + (len(before) + 2 if isinstance(before, str) else 0) > LONGEST_TEXT:
        return False
    if isinstance(before, dict):
        row[target] = {**before, "value": f"{before.get('value', '')}\n{line}".strip()}
    elif isinstance(before, str):
        row[target] = f"{before}\n\n{line}"
    else:
        row[target] = line
    return True


def joined(cells: Sequence[str], by: str) -> str:
    """Several cells as one text; `#CLEAR` counts only where no other cell says anything."""
    said = by.join([cell for cell in cells if cell and cell != CLEAR and not cell.isspace()])
    return said or (CLEAR if CLEAR in cells else "")


def as_words(text: str) -> str:
    """A cell for a sentence: the entries of a JSON list, else the text as it stands."""
    entries = json_list(text)
    return text.strip() if entries is None else ", ".join(entry_text(entry) for entry in entries)


TextsOf = Callable[[str], Sequence[str]]
"""The texts of a column of the table, by its name."""


def first_filled(feed: BoundRule, texts: Sequence[str]) -> tuple[Cell, str]:
    """Of one row the first column that says something; one that says that nothing is known passes the question on."""
    read, columns = feed.reader.read, feed.columns
    chosen, source = BLANK, columns[0]
    for column, text in zip(columns, texts, strict=True):
        if not text or not text.strip():
            continue
        cell = read(text)
        if cell.value is None and not cell.seeds and not cell.clears:
            continue
        if chosen is BLANK or not cell.nothing:
            chosen, source = cell, column
        if not cell.nothing:
            break
    if chosen.value is not None and (feed.rule.alike or not feed.rule.columns):
        chosen = _compared(chosen, source, columns, texts, read)
    if chosen is BLANK:
        chosen = read("")
    elif source != columns[0] and feed.rule.target == "value":
        told = f"the name is taken from '{source}', because '{columns[0]}' gives none"
        seed = Finding(Severity.INFO, "other-name-column", told, texts[0])
        chosen = Cell(chosen.value, (*chosen.seeds, seed), chosen.kept)
    return chosen, source


def _compared(
    chosen: Cell, source: str, columns: Sequence[str], texts: Sequence[str], read: Callable[[str], Cell]
) -> Cell:
    """The chosen cell, with a warning where another column of the same meaning says something else."""
    for column, text in zip(columns, texts, strict=True):
        if column == source or not text.strip():
            continue
        other = read(text).value
        if other is not None and other != chosen.value:
            told = f"'{column}' says {other}, '{source}' {chosen.value}; the latter is taken"
            seed = Finding(Severity.WARNING, "columns-disagree", told, text)
            return Cell(chosen.value, (*chosen.seeds, seed), chosen.kept, False, chosen.nothing)
    return chosen


def labelled(column: str, texts: Sequence[str]) -> list[str]:
    """The texts with their column's name before them, as a person would write it; blank ones stay blank."""
    label = column.replace("_", " ").capitalize() if column.islower() else column
    made = {text: text if text.strip() in ("", CLEAR) else f"{label}: {as_words(text)}" for text in set(texts)}
    return [made[text] for text in texts]


def filled_templates(pattern: str, columns: Sequence[str], texts_of: TextsOf, size: int) -> list[str]:
    """The template of each of `size` rows with its cells filled in; a column that is not there is blank."""
    places = {name: named(columns, (name,)) for name in columns_in(pattern)}
    texts = {name: texts_of(found[0]) if found else [""] * size for name, found in places.items()}
    made = []
    for cells in zip(*texts.values(), strict=True) if texts else repeat((), size):
        filled = dict(zip(texts, cells, strict=True))
        made.append(template(pattern, filled.__getitem__))
    return made
