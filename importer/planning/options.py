"""What a plan is made against, and what shapes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from importer.errors import UsageError
from importer.model import Asked, Category, Tag
from importer.planning.collision_rules import CollisionRules

if TYPE_CHECKING:  # settings import this file, and `--help` of a command imports settings
    from importer.planning.decisions import Decisions
    from importer.planning.returned import Returned
    from importer.planning.source_ids import SourceIds
    from importer.planning.statements import Evidence


class Mode(StrEnum):
    """What a run may do to tags."""

    CREATE = "create"
    UPDATE = "update"
    UPSERT = "upsert"


MERGE: Final = "merge"
"""Mode of a plan that makes one tag of several."""


class Lists(StrEnum):
    """What an update does to a list of a tag."""

    AUTO = "auto"
    """As the mapping says; else a tag that carries this job's mark has one source, and others may have more."""
    REPLACE = "replace"
    UNION = "union"


class Account(Struct, frozen=True):
    """What the account holds at the moment of planning."""

    account_id: str
    tags: Sequence[Tag] = ()
    categories: Sequence[Category] | None = None
    """None where they were not read: then no category and no property is checked."""
    returned: Returned | None = None
    """What is remembered of how this account gives back what it is sent."""
    ids: SourceIds | None = None
    """What is remembered of the ids by which sources know its tags."""


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What shapes a plan. Impossible combinations raise UsageError when it is built."""

    mode: str = "create"
    lists: Lists = Lists.AUTO
    mapped_lists: Mapping[tuple[str, str], Lists] = field(default_factory=dict)
    """What mappings say of it, by the file and the sheet that they read."""
    category: str = ""
    """Name or UUID of the category that new tags get, unless their row names one."""
    create_category: bool = False
    """Whether a category that does not exist is to be made by the run; otherwise it is a UsageError."""
    managed_by: str = ""
    """The mark that tags of this job carry in `properties.managed_by`, see `marking.marker`; empty for no marking."""
    adopt: bool = False
    """With marking: whether an unmarked tag may be updated, and is marked then."""
    prune: bool = False
    """With marking: whether marked tags that vanished from the source become deletes."""
    collisions: CollisionRules = field(default_factory=CollisionRules)
    decisions: Decisions | None = None
    """What people have decided once."""
    evidence: Evidence | None = None
    """Which names are one actor's according to files that a person has given."""

    def __post_init__(self) -> None:
        if self.mode not in list(Mode):
            raise UsageError(f"unknown mode {self.mode!r}", hint="the modes are create, upsert and update")
        if self.create_category and not self.category:
            raise UsageError(
                "--create-category says that a category may be made, and none is named",
                hint="name it with --category NAME",
            )
        if self.prune and not self.managed_by:
            raise UsageError(
                "--prune deletes only tags that are marked as the job's own, and marking is off",
                hint="turn marking on in the job file, run it, then prune",
            )
        if self.prune and self.mode != Mode.UPSERT:
            raise UsageError(
                f"--prune does not go with --mode {self.mode}, which promises to do nothing else",
                hint="use --mode upsert",
            )
        if self.adopt and not self.managed_by:
            raise UsageError(
                "--adopt marks existing tags as the job's own, and marking is off",
                hint="turn marking on in the job file, or leave --adopt out: nothing bars an update",
            )

    def unites(self, file: str, sheet: str, *, alone: bool) -> bool:
        """Whether an update leaves what a list of the tag holds; `alone` is whether this list alone feeds the tag."""
        lists = self.lists if self.lists is not Lists.AUTO else self.mapped_lists.get((file, sheet), Lists.AUTO)
        # A tag that was adopted held what others gave it before.
        return self.adopt or not alone if lists is Lists.AUTO else lists is Lists.UNION

    def allowed(self, asked: Asked | None) -> tuple[bool, bool]:
        """Whether a row may create, and whether it may update: what the run allows and its action column asks."""
        creates = self.mode != Mode.UPDATE and (asked is None or asked in (Asked.CREATE, Asked.UPSERT))
        updates = self.mode != Mode.CREATE and (asked is None or asked in (Asked.UPDATE, Asked.UPSERT))
        return creates, updates
