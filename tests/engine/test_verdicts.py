"""How rows end, against what the table of failures says of it."""

from __future__ import annotations

import pytest

from importer.engine.work import Work, never_answered, refused
from importer.model import Action, Change, Status
from importer.remote.failures import FAILURES, CallFailed, Failure, Meaning

OTHERWISE = {
    "forbidden": {Status.NOT_ATTEMPTED},
    "blocked": {Status.NOT_ATTEMPTED},
    "exists": {Status.FAILED},
    "bad-request": {Status.CONFLICT},
}
"""What the table says beyond the refusal itself: when the run stops over it, or a look-up decides."""
CALLS = (Action.CREATE, Action.UPDATE, Action.DELETE)


def _work(action: Action, losses: int = 0) -> Work:
    work = Work(Change("key", action, "Actor", uuid="u"))
    work.losses = losses
    return work


@pytest.mark.parametrize(
    "line",
    [line for line in FAILURES if line.meaning is Meaning.REFUSED and not line.stops],
    ids=lambda line: line.code,
)
def test_a_refusal_is_shown_as_the_table_says(line: Failure) -> None:
    """The table names how a refused create, update and delete ends, and names nothing else."""
    ends = {refused(_work(action, lost), CallFailed(line)).status for action in CALLS for lost in (0, 1)}
    assert ends | OTHERWISE.get(line.code, set()) == {status for status in Status if status.value in line.shown}


@pytest.mark.parametrize(
    "line", [line for line in FAILURES if line.meaning is Meaning.AMBIGUOUS], ids=lambda line: line.code
)
def test_a_call_that_is_never_answered_is_shown_as_the_table_says(line: Failure) -> None:
    """What an update or delete comes to that was sent as often as allowed stands in the table."""
    for action in (Action.UPDATE, Action.DELETE):
        assert never_answered(_work(action), CallFailed(line)).status.value in line.shown
    assert "failed (`given-up`)" in line.shown
