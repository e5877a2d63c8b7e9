"""Safety limits: what a run may do without being asked twice.

Defaults: creates unlimited (a migration into an empty account needs no override), updates 30 % and deletes 10 % of the
tags the run is responsible for (its marked ones with marking, else all of the account), a source that shrank by more
than 30 %, holds no rows or is read otherwise than last time stops. Per-cent defaults apply once there are 10 tags
(rows) to take a per cent of; a limit that a person sets applies always. Deletes only ever come from `--prune`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from importer.errors import SafetyLimit
from importer.model import EMPTY, Action, Plan, Tag
from importer.planning.marking import MARK_KEY, Owner, owner
from importer.planning.options import MERGE
from importer.planning.part import PART
from importer.text.amounts import count, is_per_cent, per_cent, shown


class Limit(Struct, frozen=True):
    """At most `count`, and at most `percent` of a base of `floor` or more. None does not limit.

    Of a base of 0 every number is more than any per cent: only a limit that a person set (floor 0) looks at that.
    """

    count: int | None = None
    percent: float | None = None
    floor: int = 0

    def exceeded(self, number: int, base: int) -> str:
        """The limit that `number` of `base` goes over, as `limit 30 %`; empty where it does not."""
        if self.count is not None and number > self.count:
            return f"limit {self.count:,}"
        if self.percent is not None and base >= self.floor and number * 100 > self.percent * base:
            return f"limit {self.percent:g} %"
        return ""


NO_LIMIT: Final = Limit()
_SHOWN: Final = 5


def parse_limit(value: Any) -> Limit:
    """`25`, `30%` or `none`, as flags, variables and the job file have it. Raises ValueError for anything else."""
    if isinstance(value, str) and value.strip().casefold() in ("none", "off", "unlimited"):
        return NO_LIMIT
    try:
        return Limit(percent=per_cent(value)) if is_per_cent(value) else Limit(count=count(value))
    except ValueError:
        raise ValueError(f"expected a number, a per cent like 30%, or none, not {shown(value)}") from None


def _cap(meaning: str, name: str, example: str, default: str = "") -> Meta:
    """How one limit is documented and written."""
    return Meta(
        description=meaning,
        examples=[example],
        extra={"read": parse_limit, "name": name, "metavar": "N|P%", "default": default},
        extra_json_schema={
            "type": ["integer", "string"],
            "minimum": 0,
            "pattern": r"^(\d+([.,]\d+)?\s*(%|per ?cent)|\d+|none|off|unlimited)$",
        },
    )


class RunLimits(Struct, frozen=True):
    """Safety limits: a number, a per cent of the tags, or none."""

    creates: Annotated[Limit, _cap("Stop when more tags than this would be created.", "max_creates", "200")] = NO_LIMIT
    updates: Annotated[Limit, _cap("Stop when more tags than this would be updated.", "max_updates", "30%", "30%")] = (
        Limit(percent=30, floor=10)
    )
    deletes: Annotated[Limit, _cap("Stop when more tags than this would be deleted.", "max_deletes", "10%", "10%")] = (
        Limit(percent=10, floor=10)
    )
    shrink: Annotated[
        Limit, _cap("Stop when the sources lost more rows than this since last time.", "max_shrink", "30%", "30%")
    ] = Limit(percent=30, floor=10)
    drift: Annotated[
        Limit,
        _cap("Stop when more columns or fields than this are read otherwise than last time.", "max_drift", "2", "0"),
    ] = Limit(count=0)
    allow_empty: Annotated[bool, Meta(description="Go on although the sources hold no rows.")] = False


def limit_problems(
    plan: Plan,
    limits: RunLimits,
    *,
    previous_rows: int | None = None,
    previous_files: Mapping[str, int] = EMPTY,
    drift: Sequence[str] = (),
    tags: Sequence[Tag] | None = None,
) -> tuple[tuple[str, str], ...]:
    """Every limit the plan goes over: `("72.7 % of tags would change (8/11), limit 30 %", "--max-updates 8")`.

    `previous_rows` is how many rows the last successful run had; None where that is not known, and then with marking
    the number of marked tags is taken for it. `previous_files` is how many it had from each file. `drift` is how the
    reading of the sources differs from that run's.
    `tags` are the account's as they are now; of a saved plan they count, and not what its file says of them.
    """
    counts = plan.counts()
    account_tags, managed = plan.account_tags, plan.options.get("managed_tags")
    if tags is not None:
        mark = str(plan.options.get("managed_by") or "")
        account_tags = len(tags)
        managed = sum(owner(tag, mark) is Owner.OURS for tag in tags) if mark else None
    # A tag that is adopted becomes the job's own tonight: it counts among those that may change.
    base = int(managed) + _adopted(plan) if managed is not None else account_tags
    whose = "of this job's tags" if managed is not None else "of tags"
    problems: list[tuple[str, str]] = []
    for action, limit, verb, flag in (
        (Action.CREATE, limits.creates, "be created", "--max-creates"),
        (Action.UPDATE, limits.updates, "change", "--max-updates"),
        (Action.DELETE, limits.deletes, "be deleted", "--max-deletes"),
    ):
        number = counts[action.value]
        over = limit.exceeded(number, base)
        if not over:
            continue
        if base and action is not Action.CREATE:
            said = f"{100 * number / base:.1f} % {whose} would {verb} ({number:,}/{base:,}), {over}"
        else:
            said = f"{number:,} tags would {verb} (the account holds {account_tags:,}), {over}"
        problems.append((said, f"{flag} {number}"))

    rows = sum(change.row is not None for change in plan.changes)
    before = previous_rows if previous_rows is not None else managed
    if plan.mode == MERGE:
        pass  # it has no source
    elif rows == 0:
        if not limits.allow_empty:
            last = f"; last time it had {before:,}" if before and previous_rows is not None else ""
            problems.append((f"the source holds no rows{last}", "--allow-empty"))
    elif before is not None and before > rows:
        lost = before - rows
        over = limits.shrink.exceeded(lost, before)
        if over:
            than = "last time" if previous_rows is not None else "this job's tags"
            problems.append(
                (
                    f"the source has {100 * lost / before:.1f} % fewer rows than {than} ({rows:,} after "
                    f"{before:,}), {over}",
                    f"--max-shrink {lost}",
                )
            )
    if rows and before is not None and before > rows and not limits.allow_empty:
        problems += _emptied(plan, previous_files)
    if over := limits.drift.exceeded(len(drift), sum(len(reading.columns) for reading in plan.readings)):
        more = f"; and {len(drift) - _SHOWN:,} more" if len(drift) > _SHOWN else ""
        what = "column or field is" if len(drift) == 1 else "columns or fields are"
        said = f"{len(drift):,} {what} read otherwise than last time ({over}): {'; '.join(drift[:_SHOWN])}{more}"
        problems.append((said, f"--max-drift {len(drift)}"))
    return tuple(problems)


def _adopted(plan: Plan) -> int:
    """How many tags of nobody's an update marks as the job's."""
    mark = plan.options.get("managed_by")
    sent = (change.body.get("properties") for change in plan.changes if change.action is Action.UPDATE)
    return sum(isinstance(properties, Mapping) and properties.get(MARK_KEY) == mark for properties in sent)


def _emptied(plan: Plan, before: Mapping[str, int]) -> list[tuple[str, str]]:
    """Files that had rows and have none, or are gone: among several sources one may fail without a sound."""
    now = Counter(change.row.header.file for change in plan.changes if change.row is not None)
    empty = [(file, had) for file, had in before.items() if had and not now[file]]
    emptied = "; ".join(f"{file} gives no rows any more (last time {had:,})" for file, had in empty[:_SHOWN])
    more = f"; and {len(empty) - _SHOWN:,} more files" if len(empty) > _SHOWN else ""
    return [(emptied + more, "--allow-empty")] if empty else []


def check_limits(
    plan: Plan,
    limits: RunLimits,
    *,
    previous_rows: int | None = None,
    previous_files: Mapping[str, int] = EMPTY,
    drift: Sequence[str] = (),
    tags: Sequence[Tag] | None = None,
) -> None:
    """Raise SafetyLimit, with the counts and the exact override, where the plan goes over a limit."""
    problems = limit_problems(
        plan, limits, previous_rows=previous_rows, previous_files=previous_files, drift=drift, tags=tags
    )
    if not problems:
        return
    override = " ".join(flag for _, flag in problems)
    part = f"of the part {plan.options[PART]}: " if PART in plan.options else ""
    raise SafetyLimit(
        f"{part}{'; '.join(said for said, _ in problems)}; allow with {override}",
        hint="Nothing was attempted; if this is meant, raise the limit.",
        then=f"{{again}} {override}",
    )
