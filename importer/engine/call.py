"""One request for one row: the intent in the journal before it leaves, the breaker told how it ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from importer.clock import Clock
from importer.engine.breaker import Breaker
from importer.engine.journal import Journal
from importer.engine.reconcile import Outdated
from importer.engine.stop import StopSignal
from importer.engine.work import Work
from importer.errors import StoppedEarly
from importer.fields.names import identity_key
from importer.model import Action, Json
from importer.planning.returned import Returned
from importer.remote.api import Api
from importer.remote.failures import CallFailed, Meaning, failure
from importer.remote.wire import TagAnswer, encode

_REMEMBERED: Final = 10_000


class Caller:
    """Makes the calls of a run. What a failure means for the row is decided elsewhere."""

    def __init__(
        self, api: Api, journal: Journal, breaker: Breaker, clock: Clock, stop: StopSignal,
        outdated: Callable[[Work], bool], returned: Returned,
    ) -> None:  # fmt: skip
        self._api = api
        self._journal = journal
        self._breaker = breaker
        self._clock = clock
        self._stop = stop
        self._outdated = outdated
        self._returned = returned
        self._made: set[str] = set()

    async def call(self, work: Work) -> TagAnswer | None:
        """One request for the row; its answer, None for a delete. Raises CallFailed; unsent StoppedEarly, Outdated."""
        if self._breaker.closed:
            await self._breaker.ready()
        change, api = work.change, self._api
        work.began = self._clock.monotonic()

        def leaving() -> Awaitable[None] | None:
            if self._stop:
                raise StoppedEarly(self._stop.reason)
            if self._outdated(work):  # it waited long for its turn
                raise Outdated
            written = self._journal.intent(change.key, work.call, work.attempts + 1)
            work.attempts += 1
            work.sending = True
            work.began = self._clock.monotonic()
            return written

        answer: TagAnswer | None = None
        try:
            if change.action is Action.CREATE:
                answer = await api.create(_bytes(change.body), key=change.key, before=leaving)
                _check_name(work, answer)
                self._check_new(answer)
            elif change.action is Action.UPDATE:
                answer = await api.update(change.uuid, _bytes(change.body), key=change.key, before=leaving)
            else:
                await api.delete(change.uuid, key=change.key, before=leaving)
        except CallFailed as failed:
            self._note(work, failed)
            raise
        except StoppedEarly:
            # Not sent: the journal could not take the intent, or the run stops.
            work.attempts -= work.sending
            work.sending = False
            raise
        work.sending = False
        self._breaker.worked()
        if answer is not None:
            self._returned.compare(change.body, answer.fields)
        return answer

    def _check_new(self, answer: TagAnswer) -> None:
        """A create that is answered with the uuid of another one is not answered; a server may do so for all."""
        if answer.uuid in self._made:
            raise CallFailed(
                failure("answer-unreadable"), status=200, detail="it holds the uuid of another tag made just before"
            )
        if len(self._made) >= _REMEMBERED:
            self._made.clear()
        self._made.add(answer.uuid)

    def _note(self, work: Work, failed: CallFailed) -> None:
        line = failed.failure
        work.sending = False
        if line.held:
            # A row that stopped an earlier part of this run and is refused again among good ones says nothing of them.
            if not (work.refused_before and self._breaker.written):
                self._breaker.suspected(work.name, work.began, failed)
        elif line.outage:
            self._breaker.failed(work.began, str(failed))
        elif line.meaning is Meaning.REFUSED and not line.stops:
            self._breaker.worked(written=False)
        if (line.stops or line.held or line.meaning in (Meaning.NOT_SENT, Meaning.LIMITED)) and not work.losses:
            self._journal.unsent(work.change.key, line.code)
        if line.meaning is Meaning.NOT_SENT:
            work.attempts -= work.attempts > 0
        elif line.meaning is Meaning.AMBIGUOUS:
            work.losses += 1
            work.fault = line.code
            work.lost_at = self._clock.monotonic()


def _check_name(work: Work, answer: TagAnswer) -> None:
    """An answer about another tag answers nothing."""
    said = answer.name
    if said is not None and said != work.name and identity_key(said) != identity_key(work.name):
        raise CallFailed(failure("answer-unreadable"), status=200, detail="it is about another tag")


def _bytes(body: Mapping[str, Json]) -> bytes:
    try:
        return encode(body)
    except (TypeError, ValueError, OverflowError) as error:
        raise CallFailed(failure("bad-request"), detail=f"it cannot be written as JSON: {error}") from error
