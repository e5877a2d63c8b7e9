"""Lost answers. A create whose answer was lost is a question: is the tag there?

Rows wait here while others go on. They are looked up by name, together; one that is there as we sent it is adopted,
one that differs is a conflict, and one that is still absent after a while may be sent again. Absence counts only when
the look-up began after that while, because reads may lag behind writes: the grace time, or less where tags that the
run has made show how long the lag is (`read_lag.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import zip_longest
from typing import Final

from importer.clock import Clock
from importer.engine.events import Settled
from importer.engine.read_lag import ReadLag
from importer.engine.stop import StopSignal
from importer.engine.work import Work, after, own
from importer.fields.names import clean
from importer.fields.table import Field, field_named
from importer.fields.values import same
from importer.model import Action, Json, Outcome, Status, Tag
from importer.planning.returned import Returned
from importer.remote.events import Observe
from importer.remote.failures import CallFailed
from importer.remote.lookup import Lookup, Seen

_FIRST_LOOK: Final = 3.0
_TOGETHER: Final = 1.0
"""Seconds by which a look-up may come early or late to take other rows along."""
_AFTER_FAILURE: Final = 5.0
_MOST_FAILURES: Final = 3
"""Look-ups of a run that may fail, each tried as often as any read, before it stops."""


class Settler:
    """The rows whose answers were lost. `done` gets their outcomes, `again` the rows to be sent again."""

    def __init__(
        self,
        lookup: Lookup,
        clock: Clock,
        observe: Observe,
        stop: StopSignal,
        *,
        grace: float,
        max_attempts: int,
        done: Callable[[Work, Outcome], None],
        again: Callable[[Work], None],
        returned: Returned,
        lag: ReadLag,
        pause: Callable[[int], float] = lambda calls: _TOGETHER,
    ) -> None:
        """`pause` says how many seconds are to pass after a look-up that took so many calls."""
        self._lookup = lookup
        self._clock = clock
        self._observe = observe
        self._grace = grace
        self._most = max_attempts
        self._done = done
        self._again = again
        self._returned = returned
        self._lag = lag
        self._pause = pause
        self._stop = stop
        self._not_before = 0.0
        self.failures = 0
        self._woken = asyncio.Event()
        self.parked: dict[str, Work] = {}

    def queue(self, work: Work, fault: str, *, lost_at: float | None = None, patience: float = 0.0) -> None:
        """Take a row whose answer was lost at `lost_at` (now); `patience` are seconds to leave the server alone."""
        now = self._clock.monotonic()
        work.fault = fault
        work.lost_at = now if lost_at is None else min(lost_at, now)
        early = min(_FIRST_LOOK, self._grace / 4) if lost_at is None else 0.0
        work.due = max(now + patience, min(now + early, work.lost_at + self._grace))
        self.parked[work.change.key] = work
        self._woken.set()

    async def run(self) -> None:
        """Settle for ever; cancel it when nothing can come any more."""
        while True:
            self._woken.clear()
            now = self._clock.monotonic()
            due = [work for work in self.parked.values() if work.due <= now]
            if due and now >= self._not_before:
                slack = min(_TOGETHER, self._grace / 20)
                await self._settle([work for work in self.parked.values() if work.due <= now + slack])
                self._not_before = self._clock.monotonic() + min(self._pause(self._lookup.cost), self._grace / 8)
                continue
            first = min((work.due for work in self.parked.values()), default=None)
            await self._until(None if first is None else max(first, self._not_before))

    async def _look(self, works: Collection[Work], began: float) -> Seen:
        """The tags of these rows' names, both the old and the new one of an update; the controls with them."""
        controls = self._lag.controls(began, len(works))
        every = self._lag.all()
        rows = list(dict.fromkeys(name for work in works for name in (work.name, work.change.name)))
        # One by one, so that each call has some: what answers one need not know what another knows.
        mixed = zip_longest(rows, (made.name for made in controls))
        seen = await self._lookup.look(list(dict.fromkeys(name for pair in mixed for name in pair if name)))
        self._lag.learn(every if seen.whole else controls, seen.held, began)
        return seen

    async def _until(self, due: float | None) -> None:
        waits: set[asyncio.Future[object]] = {asyncio.ensure_future(self._woken.wait())}
        if due is not None:
            waits.add(asyncio.ensure_future(self._clock.sleep(max(0.0, due - self._clock.monotonic()))))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _settle(self, works: list[Work]) -> None:
        began = self._clock.monotonic()
        try:
            seen = await self._look(works, began)
        except CallFailed as failed:
            self._lookup_failed(failed)
            later = self._clock.monotonic() + max(_AFTER_FAILURE, failed.retry_after)
            for work in works:
                work.due = later
            return
        for work in works:
            if work.missed_at is not None and work.lost_at is not None and own(work, seen.of_name(work.name)):
                self._lag.missed(work.missed_at - work.lost_at)
                self._lag.came_late(began - work.lost_at)
        for work in works:
            if work.change.action is Action.CREATE:
                self._decide_create(work, own(work, seen.of_name(work.name)), began)
            else:
                self._decide_update(work, (*seen.of_name(work.name), *seen.of_name(work.change.name)))

    def _lookup_failed(self, failed: CallFailed) -> None:
        self.failures += 1
        if failed.failure.stops:
            self._stop.request(str(failed), exit_code=failed.exit_code)
        elif self.failures >= _MOST_FAILURES:
            self._stop.request(
                f"lost answers cannot be looked up: {failed}",
                exit_code=failed.exit_code,
                hint="When the server works again, resume the run.",
            )

    def _decide_create(self, work: Work, tags: tuple[Tag, ...], began: float) -> None:
        key, name = work.change.key, work.name
        assert work.lost_at is not None
        # Refused, and no request of this row was lost: what is there was not made by it.
        refused = work.refusal if not work.losses and not work.resent else None
        if refused is not None and tags:
            del self.parked[key]
            self._tell(work, "exists")
            said = refused[1]
            self._done(work, Outcome(
                key, Status.CONFLICT, tags[0].uuid, work.attempts, "exists",
                f"{said}; a tag of this name is there ({', '.join(tag.uuid for tag in tags)}), which this row did not "
                "make; plan again, with --mode upsert to update it",
            ))  # fmt: skip
            return
        if not tags:
            # A 409 says that it is there: that the look-up does not show it yet means little.
            patience = self._grace if refused is not None and refused[0] == "exists" else self._lag.wait(began)
            if began < work.lost_at + patience and (refused is None or refused[0] == "exists"):
                work.missed_at = began
                half = work.lost_at + patience / 2
                work.due = half if began < half - 1 and patience == self._grace else work.lost_at + patience
                return
            del self.parked[key]
            if work.refusal:
                self._tell(work, "absent")
                self._done(work, Outcome(key, Status.FAILED, "", work.attempts, *work.refusal))
                return
            if work.losses < self._most:
                self._tell(work, "absent")
                work.lost_at = work.missed_at = None
                work.resent = True
                self._again(work)
                return
            self._tell(work, "unknown")
            self._done(work, Outcome(
                key, Status.FAILED, "", work.attempts, "given-up",
                f"sent {work.attempts} times, never answered ({work.fault}), and no tag of this name is there; "
                "import failed.csv again when the server works",
            ))  # fmt: skip
            return
        del self.parked[key]
        if len(tags) > 1:
            self._tell(work, "duplicates")
            self._done(work, Outcome(
                key, Status.CONFLICT, tags[0].uuid, work.attempts, "duplicates", several(name, tags),
            ))  # fmt: skip
            return
        tag = tags[0]
        differing = differing_fields(work.change.body, tag, self._returned.forgives)
        if differing:
            self._tell(work, "different")
            self._done(work, Outcome(
                key, Status.CONFLICT, tag.uuid, work.attempts, "different",
                f"the answer was lost ({work.fault}), and the tag of this name that is there now ({tag.uuid}) is not "
                f"what was sent: {', '.join(differing)}; compare them, then import again with --mode upsert or rename",
            ))  # fmt: skip
            return
        self._tell(work, "adopted")
        self._done(work, adopted(work, tag, Status.CREATED))

    def _decide_update(self, work: Work, tags: tuple[Tag, ...]) -> None:
        """An update may be sent twice, so only one that shows is taken as done; others are for the reconciler."""
        del self.parked[work.change.key]
        tag = next((tag for tag in tags if tag.uuid == work.change.uuid), None)
        renamed = tag is not None and ("value" not in work.change.body or clean(tag.name) == clean(work.name))
        if tag is not None and renamed and not differing_fields(work.change.body, tag):
            self._tell(work, "adopted")
            self._done(work, adopted(work, tag, Status.UPDATED))
        else:
            self._tell(work, "absent")
            work.lost_at = None
            self._again(work)

    def _tell(self, work: Work, verdict: str) -> None:
        self._observe(Settled(work.change.key, work.name, verdict))


def adopted(work: Work, tag: Tag, status: Status) -> Outcome:
    """The outcome of a row whose tag was found."""
    return Outcome(work.change.key, status, tag.uuid, work.attempts, adopted=True, after=after(tag))


def several(name: str, tags: Iterable[Tag]) -> str:
    """What to say of a name that several tags have."""
    uuids = ", ".join(tag.uuid for tag in tags)
    return f"several tags are named {name!r} now: {uuids}; keep one and delete the others"


def differing_fields(
    body: Mapping[str, Json], tag: Tag, forgives: Callable[[Field, Json, Json], bool] = lambda *_: False
) -> list[str]:
    """Fields of `body` that the tag does not have so, and that are not forgiven (see `Returned.forgives`). Of
    `properties` only the keys that were sent count."""
    differing = []
    for name, sent in body.items():
        field = field_named(name)
        if field is None or name == "value":
            continue
        held = tag.fields.get(name)
        if name == "properties" and isinstance(sent, Mapping):
            have = held if isinstance(held, Mapping) else {}
            if all(same(field, {key: value}, {key: have.get(key)}) for key, value in sent.items()):
                continue
        if not same(field, sent, held) and not forgives(field, sent, held):
            differing.append(name)
    return differing
