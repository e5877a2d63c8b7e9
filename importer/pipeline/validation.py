"""`validate`: every issue of every row. Of a long list only rows that have to do with others are held as drafts."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from importer.errors import UsageError
from importer.fields.names import identity_keys, loose_keys
from importer.mapping.draft import Drafting
from importer.masking import Mask
from importer.model import Action, Asked, Draft, Issue, Plan
from importer.pipeline.drafting import Inputs, collect, tables, who_is_who
from importer.planning.build import build_plan
from importer.planning.collisions import labels_of
from importer.planning.identity import usable
from importer.planning.near_names import MOST
from importer.planning.options import Account, PlanOptions
from importer.planning.statements import RELATED
from importer.reports.formats import Validation
from importer.reports.run_record import issues_of
from importer.settings.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

LEFT_OUT = "left-out"


def check(settings: Settings) -> tuple[Plan, tuple[Draft, ...]]:
    """The plan against an account that holds nothing, so that lists are judged in one way; and its drafts."""
    inputs = collect(tables(settings), lambda _, part, __: part)
    return _plan(inputs, inputs.drafts, _options(settings, inputs)), inputs.drafts


def validate(settings: Settings, *, annotate: Path | None = None, page: Path | None = None) -> Validation:
    """Every issue of every row.

    `annotate` is where the list is written anew, as a workbook with each issue at its cell; `page` where the result is
    written as a page.
    """
    if settings.part.first is not None:
        raise UsageError(
            f"--limit {settings.part.first} chooses a part of a plan, and validate checks every row",
            hint="plan and apply take it; validate knows the limits on the size of a source: --limit rows=1000.",
        )
    if annotate is None and page is None and not settings.decisions:
        rows = _Rows()
        inputs = collect(tables(settings), rows.take)
        if rows.many:
            return rows.validation(inputs, _options(settings, inputs))
        plan, drafts = _plan(inputs, inputs.drafts, _options(settings, inputs)), inputs.drafts
    else:
        plan, drafts = check(settings)
    validation = _validation(plan, len(plan.changes), issues_of(plan))
    if annotate is not None:
        from importer.reports.annotated_workbook import hand_back

        hand_back(settings.sources[0].path, annotate, drafts, validation.issues)
    if page is not None:
        from importer.reports.html import check_page, write_page

        beside = os.path.relpath(annotate, page.absolute().parent) if annotate is not None else ""
        write_page(page, check_page(plan, beside), Mask(settings.secrets()))
    return validation


def _options(settings: Settings, inputs: Inputs) -> PlanOptions:
    return who_is_who(PlanOptions(collisions=settings.plan_options().collisions), settings, inputs)


def _plan(inputs: Inputs, drafts: Sequence[Draft], options: PlanOptions, alone: int = 0) -> Plan:
    return build_plan(drafts, Account(""), options, inputs.sources, inputs.mappings, inputs.notes,
                      readings=inputs.readings, alone=alone)  # fmt: skip


def _validation(plan: Plan, rows: int, issues: Sequence[Issue], invalid: int = 0, left_out: int = 0) -> Validation:
    """What a plan found; `invalid` and `left_out` are rows beside those of the plan."""
    bad = (Action.INVALID, Action.CONFLICT)
    return Validation(
        sources=plan.sources,
        mappings=plan.mappings,
        readings=plan.readings,
        rows=rows,
        invalid=invalid + sum(change.action in bad for change in plan.changes),
        left_out=left_out + sum(change.code == LEFT_OUT for change in plan.changes),
        issues=tuple(issues),
        pairs=plan.pairs,
    )


class _Rows:
    """All rows of a run: their issues, and of each name the hash, by which those are found that others have, too.

    Hashes that are equal by chance do no harm: such rows are planned with those that do share a name.
    """

    def __init__(self) -> None:
        self.size = self.sifted = 0
        """How many rows there have been, and how many of them have been looked at."""
        self.waiting: list[tuple[Drafting, list[Draft], int]] = []
        self.tables: list[tuple[int, Drafting]] = []
        """Each with the number of its first row."""
        self.files: list[int] = []
        self.told: tuple[array[int], list[Issue]] = array("i"), []
        """Issues of rows: the row, the issue."""
        self.usable = self.invalid = self.left_out = 0
        self.named = array("i"), array("q"), array("q")
        """Of rows that ask for a tag, also of invalid ones: the row, the hash of its name, and without punctuation."""
        self.labelled = array("i"), array("q")
        """Other names: the row, the hash."""
        self.planned: set[int] = set()
        """Rows that are planned whatever they have in common with others."""

    @property
    def many(self) -> bool:
        """Whether the list is a long one: of a short one all names are compared with each other."""
        return self.size > MOST

    def take(self, drafting: Drafting, part: list[Draft], file: int) -> list[Draft]:
        """See `Keeper`."""
        self.size += len(part)
        self.waiting.append((drafting, part, file))
        if not self.many:
            return part
        for waiting in self.waiting:
            self._sift(*waiting)
        self.waiting.clear()
        return []

    def _sift(self, drafting: Drafting, part: list[Draft], file: int) -> None:
        if not (self.tables and self.tables[-1][1] is drafting):
            self.tables.append((self.sifted, drafting))
            self.files.append(file)
        start, self.sifted = self.sifted, self.sifted + len(part)
        asking: list[int] = []
        for row, draft in enumerate(part, start):
            if draft.issues:
                self.told[0].extend([row] * len(draft.issues))
                self.told[1].extend(draft.issues)
            asks = not draft.left_out and draft.asked is not Asked.SKIP
            invalid = bool(draft.issues) and draft.invalid
            self.left_out += draft.left_out != ""
            self.invalid += asks and invalid
            self.usable += asks and not invalid
            if asks and (not invalid or draft.name):
                asking.append(row)
        keys = identity_keys([part[row - start].name for row in asking])
        bare = loose_keys(keys)
        for held, taken in zip(self.named, (asking, map(hash, keys), map(hash, bare)), strict=True):
            held.extend(taken)
        labelled = [(row, label) for row in asking for label in labels_of(part[row - start].fields)]
        self.labelled[0].extend(row for row, _ in labelled)
        self.labelled[1].extend(map(hash, identity_keys([label for _, label in labelled])))
        whole = RELATED in drafting.header.columns
        self.planned.update(
            row for row, key in zip(asking, bare, strict=True) if whole or not key or part[row - start].clear
        )

    def validation(self, inputs: Inputs, options: PlanOptions) -> Validation:
        """The same as of all drafts: the rows that are not planned here have no name that another one has."""
        rows = sorted(self.planned | self._in_common(), key=self._order())
        drafts = self._again(rows)
        invalid = sum(draft.invalid for draft in drafts)
        plan = _plan(inputs, drafts, options, self.usable - sum(map(usable, drafts)))
        planned, order = set(rows), self._order() or int
        of, told = self.told
        kept = [at for at, row in enumerate(of) if row not in planned]
        kept += range(len(of), len(of) + sum(len(change.issues) for change in plan.changes))
        for row, change in zip(rows, plan.changes, strict=True):
            of.extend([row] * len(change.issues))
            told.extend(change.issues)
        kept.sort(key=lambda at: order(of[at]))
        issues = [*plan.notes, *(told[at] for at in kept)]
        return _validation(plan, self.size, issues, self.invalid - invalid, self.left_out)

    def _in_common(self) -> set[int]:
        """Rows that have a name, or one that is equal but for punctuation, in common with another row."""
        import numpy as np

        rows, names, bare = map(np.asarray, self.named)
        label_rows, labels = map(np.asarray, self.labelled)
        alike = _repeated(bare)
        if np.count_nonzero(~alike) <= MOST and len(np.unique(bare)) <= MOST:
            return set(rows.tolist())
        named = np.concatenate([rows, label_rows])
        return {*rows[alike].tolist(), *named[_repeated(np.concatenate([names, labels]))].tolist()}

    def _order(self) -> Callable[[int], tuple[int, int, int]] | None:
        """A key that gives source order; None where rows have come in it."""
        whole = [file for (_, one), file in zip(self.tables, self.files, strict=True) if not one.header.sheet]
        if len(whole) == len(set(whole)):
            return None
        starts = [start for start, _ in self.tables]

        def order(row: int) -> tuple[int, int, int]:
            at = bisect_right(starts, row) - 1
            start, drafting = self.tables[at]
            return self.files[at], at if drafting.header.sheet else 0, drafting.table.numbers[row - start]

        return order

    def _again(self, rows: Sequence[int]) -> list[Draft]:
        found: dict[int, Draft] = {}
        wanted = sorted(rows)
        for start, drafting in self.tables:
            here = wanted[bisect_left(wanted, start) : bisect_left(wanted, start + len(drafting.table))]
            found.update(zip(here, drafting.again([row - start for row in here]), strict=True))
        return [found[row] for row in rows]


def _repeated(hashes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which of them there are twice or more."""
    import numpy as np

    order = np.argsort(hashes)
    same = hashes[order[1:]] == hashes[order[:-1]]
    found = np.zeros(len(hashes), dtype=np.bool_)
    found[order[1:][same]] = found[order[:-1][same]] = True
    return found
