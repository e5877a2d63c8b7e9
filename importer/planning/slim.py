"""The plan of a run that has nothing to send, without the rows that nobody will ask it about.

A nightly run that changes nothing would otherwise leave the whole list in its folder once more, every night. Its
results.csv and summary.json still account for every row; what needs a look stays in the plan, too.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from msgspec.structs import replace

from importer.model import Action, Change, Plan

LEFT_OUT: Final = "left_out"
"""Key of `Plan.options`: how many changes were left out, by action; absent for a whole plan."""
FEW: Final = 1_000
"""A plan with no more rows than this is small as it is, and stays whole: its reports can be written again from it."""


def slim(plan: Plan) -> Plan:
    """The plan without unchanged and skipped rows of which there is nothing to say; whole where anything is to be sent.

    The rows are counted in `options`. Their fingerprints go as well: such a plan is never applied.
    """
    if any(change.action.calls for change in plan.changes) or len(plan.changes) <= FEW:
        return plan
    kept = tuple(change for change in plan.changes if not _silent(change))
    gone = Counter(change.action.value for change in plan.changes if _silent(change))
    options = {name: value for name, value in plan.options.items() if name != "seen"}
    return replace(plan, changes=kept, options={**options, LEFT_OUT: dict(gone)})


def _silent(change: Change) -> bool:
    return change.action in (Action.UNCHANGED, Action.SKIP) and not change.issues and not change.differences
