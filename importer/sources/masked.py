"""Secrets of the run that are in a list itself: masked before anything is made of the row, and the row is refused.

A token file that lies in a folder of lists would become a tag that others see; and plans and journals hold what the
list holds. Looked for is the secret as it is: who wrote the list does not know it.
"""

from __future__ import annotations

from msgspec.structs import replace

from importer.errors import SourceError
from importer.masking import Mask
from importer.model import Issue, Place, Severity, SourceFile, Table

_WHAT = "the API token, or another secret of this run"


def masked_file(file: SourceFile, mask: Mask) -> SourceFile:
    """`file` without the secrets, which a sheet may be called by."""
    return replace(file, details={name: mask.text(text) for name, text in file.details.items()})


def masked_issue(issue: Issue, mask: Mask) -> Issue:
    """`issue` without the secrets."""
    place = issue.place
    if not mask.is_in("\0".join((issue.value, issue.message, place.sheet, place.column))):
        return issue
    place = replace(place, sheet=mask.text(place.sheet), column=mask.text(place.column))
    return replace(issue, value=mask.text(issue.value), message=mask.text(issue.message), place=place)


def masked_table(table: Table, mask: Mask) -> Table:
    """`table` without the secrets, each an error of its row. SourceError where the header holds one."""
    header, frame = table.header, table.frame
    if not mask:
        return table
    if mask.is_in("\0".join((*header.columns, header.sheet))):
        raise SourceError(
            f"{header.file} was not read: its header holds {_WHAT}.",
            hint="Take it out of the list, and revoke it if others have seen the list.",
        )
    issues = {at: tuple(masked_issue(one, mask) for one in found) for at, found in table.issues.items()}
    for at, column in enumerate(header.columns):
        texts = table.texts(column)
        if not mask.is_in("\0".join(texts)):
            continue
        for position, text in enumerate(texts):
            if mask.is_in(text):
                texts[position] = mask.text(text)
                letter = header.letters[at] if header.letters else ""
                place = Place(header.file, header.sheet, table.numbers[position], letter, column)
                message = f"The cell holds {_WHAT}; the row is not sent. Take it out, and revoke it if others saw it."
                found = Issue(Severity.ERROR, "secret-in-list", message, place)
                issues[position] = (*issues.get(position, ()), found)
        if frame is table.frame:
            frame = frame.copy()
        frame.isetitem(at, texts)
    if frame is table.frame and issues == table.issues:
        return table
    ids = list(map(mask.text, table.ids))
    return replace(table, frame=frame, ids=ids, issues=issues)
