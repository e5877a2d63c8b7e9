"""What is carried out is compared with the account as it is now, not as it was when the plan was made.

A row leaves only while what is known of its tag is younger than `fresh` seconds: known from the list that the plan was
made from, or from a look at the tags of up to a hundred such rows at once, or at the whole list where that is cheaper.
A tag that came meanwhile is told, one that a person changed is left alone. A resumed run knows nothing, and a delete
is never sent on the plan's word.

Two windows remain, because the API has no conditional write. What somebody does between the look and the request,
`fresh` seconds at most, is not seen; nor is what reads do not show yet. A tag that is made twice that way is found by
the list at the end of the run (`duplicates.py`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from importer.clock import Clock
from importer.engine.settle import adopted, several
from importer.engine.stop import StopSignal
from importer.engine.work import Work, own
from importer.fields.table import field_named
from importer.model import EMPTY, Action, Json, Outcome, Status, Tag
from importer.planning.binding import STAMPS, edited, is_done, lacks_parts, overwritten
from importer.planning.diff import differences
from importer.remote.failures import CallFailed
from importer.remote.lookup import TOGETHER, Lookup, Seen

_AHEAD: Final = 5 * TOGETHER
"""Rows that can be sent while a look is fresh: for so many a whole list may be read instead."""


class Outdated(Exception):
    """A row was about to leave, and what is known of its tag has grown too old while it waited."""


class Reconciler:
    """Looks again at the tags of rows of which too little is known. `done` gets the rows that end by it."""

    def __init__(
        self,
        lookup: Lookup,
        clock: Clock,
        stop: StopSignal,
        options: Mapping[str, Json],
        *,
        fresh: float,
        done: Callable[[Work, Outcome], None],
        stays: Mapping[str, str] = EMPTY,
    ) -> None:
        """`options` are the plan's; `stays` is the uuid of the tag into which a delete, by its key, is merged."""
        self._lookup = lookup
        self._clock = clock
        self._stop = stop
        self._options = options
        self._stays = stays
        self._fresh = fresh
        self._done = done
        self._turn = asyncio.Lock()
        self.failed = False
        """Whether a look failed, however often it was tried."""

    def outdated(self, work: Work) -> bool:
        """Whether the row may not leave before its tag was looked at again.

        Each look counts for longer than the one before: where the limit lets a call through only now and then, rows
        would be looked at for ever and never be sent.
        """
        return self._clock.monotonic() - work.seen_at > self._fresh * max(1, work.looks)

    async def look_again(self, todo: deque[Work]) -> None:
        """Look at the tags of the next rows whose knowledge is too old; end those that are not to be sent any more."""
        async with self._turn:
            batch: list[Work] = []
            for work in todo:
                if not work.ended and self.outdated(work):
                    batch.append(work)
                    if len(batch) == TOGETHER:
                        break
            if not batch or self._stop:
                return
            began = self._clock.monotonic()
            names = [work.name for work in batch if work.change.action is Action.CREATE]
            uuids = [work.change.uuid for work in batch if work.change.action is not Action.CREATE]
            uuids += filter(None, {self._stays.get(work.change.key, "") for work in batch})
            try:
                seen = await self._lookup.look(names, uuids, ahead=min(len(todo), _AHEAD))
            except CallFailed as failed:
                self.failed = True
                self._stop.request(
                    f"the account cannot be compared with the plan: {failed}",
                    exit_code=failed.exit_code,
                    hint="When the server works again, resume the run.",
                )
                return
            for work in list(todo) if seen.whole else batch:
                if work.ended or not self.outdated(work):
                    continue
                stays = self._stays.get(work.change.key, "")
                gone = stays and stays not in seen.held
                outcome = _orphaned(work, stays) if gone else verdict(work, seen, self._options)
                if outcome is None:
                    work.seen_at = began
                    work.looks += 1
                else:
                    work.ended = True
                    self._done(work, outcome)


def verdict(work: Work, seen: Seen, options: Mapping[str, Json]) -> Outcome | None:
    """How a row ends, given what the account holds now; None where it is to be sent as planned."""
    change = work.change
    if change.action is Action.CREATE:
        return _create(work, own(work, seen.of_name(work.name)))
    tag = seen.held.get(change.uuid)
    if change.action is Action.DELETE:
        return _delete(work, tag, options)
    return _update(work, tag, options)


def _create(work: Work, tags: tuple[Tag, ...]) -> Outcome | None:
    key, name = work.change.key, work.name
    if not tags:
        return None
    if len(tags) > 1:
        return Outcome(key, Status.CONFLICT, tags[0].uuid, work.attempts, "duplicates", several(name, tags))
    tag = tags[0]
    unlike = unlike_fields(work.change.body, tag)
    if unlike:
        return Outcome(
            key, Status.CONFLICT, tag.uuid, work.attempts, "exists",
            f"a tag of this name was made since the plan was made ({tag.uuid}) and differs in {', '.join(unlike)}; "
            "plan again to see both",
        )  # fmt: skip
    if work.losses:
        return adopted(work, tag, Status.CREATED)  # an answer of ours was lost: it is most likely our own
    return Outcome(
        key, Status.UNCHANGED, tag.uuid, work.attempts, "made-meanwhile",
        "a tag of this name, as the row asks for it, was made since the plan was made",
    )  # fmt: skip


def _update(work: Work, tag: Tag | None, options: Mapping[str, Json]) -> Outcome | None:
    change = work.change
    if tag is None:
        message = "the tag was deleted since the plan was made; plan again"
        return Outcome(change.key, Status.CONFLICT, change.uuid, work.attempts, "gone", message)
    how = overwritten(change, tag, options)
    if not how and change.differences and is_done(change, tag):
        if work.losses:
            return adopted(work, tag, Status.UPDATED)
        message = "the tag has been brought to what the row asks for since the plan was made"
        return Outcome(change.key, Status.UNCHANGED, tag.uuid, work.attempts, "made-meanwhile", message)
    if not how and change.key in (options.get(STAMPS) or {}):  # no write of ours is there: what is newer is another's
        how = edited(change, tag, options)
    return _changed(work, tag, how) if how else None


def _delete(work: Work, tag: Tag | None, options: Mapping[str, Json]) -> Outcome | None:
    change = work.change
    if tag is None:
        # After a lost answer it is this run that deleted it.
        status = Status.DELETED if work.losses else Status.UNCHANGED
        return Outcome(change.key, status, change.uuid, work.attempts, "gone", "it was gone already")
    how = edited(change, tag, options)
    return _changed(work, tag, how) if how else None


def _orphaned(work: Work, stays: str) -> Outcome:
    message = f"the tag into which it was to be merged ({stays}) is gone, so this one is left"
    return Outcome(work.change.key, Status.CONFLICT, work.change.uuid, work.attempts, "gone", message)


def _changed(work: Work, tag: Tag, how: str) -> Outcome:
    return Outcome(
        work.change.key, Status.CONFLICT, tag.uuid, work.attempts, "changed-since",
        f"the tag was changed since the plan was made, so it is left alone: {how}",
    )  # fmt: skip


def unlike_fields(body: Mapping[str, Json], tag: Tag) -> list[str]:
    """The fields in which a tag is not what a create would make, as a plan made now would see it.

    What servers are known to take and never return is none: fields of past API generations, annotations.
    """
    return [
        item.field
        for item in differences(body, tag)
        if (item.old is not None or (field := field_named(item.field)) is None or field.current)
        and not lacks_parts(item.new, item.old)
    ]
