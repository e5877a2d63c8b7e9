"""The account's categories as a file wants them: what differs, and making it so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from importer.errors import AccessRefused, StoppedEarly, UsageError
from importer.model import Action, Category, Issue
from importer.pipeline.account import Target, explained, locked
from importer.pipeline.session import Session
from importer.planning.category_file import CategoryChange, WantedCategory, broken_tags, plan_categories
from importer.remote.failures import CallFailed


async def list_categories(target: Target) -> Sequence[Category]:
    """The account's categories."""
    with explained("reading the account's categories", target.api):
        return await target.api.list_categories()


async def plan_changes(
    target: Target, wanted: Sequence[WantedCategory], held: Sequence[Category]
) -> tuple[Sequence[CategoryChange], list[Issue]]:
    """What differs, and a warning for each tag that a changed schema would no longer allow."""
    changes = plan_categories(wanted, held)
    pending = [change for change in changes if change.action is not Action.UNCHANGED]
    if not any("schema" in change.body and change.uuid for change in pending):
        return changes, []
    with explained("reading the account's tags", target.api):
        tags = await target.api.list_tags()
    return changes, [issue for change in pending for issue in broken_tags(change, tags)]


async def make_changes(session: Session, target: Target, pending: Sequence[CategoryChange]) -> None:
    """Create and update categories, one after the other. The error of one that fails says what was changed before."""
    async with locked(session, target):
        for done, change in enumerate(pending):
            with _explained(change, done, len(pending)):
                if change.action is Action.CREATE:
                    await target.api.create_category(
                        change.name,
                        description=str(change.body.get("description", "")),
                        schema=change.body.get("schema"),
                        grace=session.settings.pacing.grace,
                    )
                else:
                    await target.api.update_category(change.uuid, change.body)
            said = f"{change.action.value}d category {change.name}"
            session.observer.tell(said, event="category-changed", name=change.name)


@contextmanager
def _explained(change: CategoryChange, done: int, pending: int) -> Iterator[None]:
    """A change that failed, with what was changed before it."""
    doing = f"category {change.name!r} could not be {change.action.value}d"
    before = f"{done} of {pending} categories were changed before it." if done else "Nothing was changed."
    try:
        yield
    except CallFailed as failed:
        if failed.failure.access:
            hint = f"The token needs the permission Cloudforce One Write on this account. {before}"
            raise AccessRefused(f"{doing}: {failed}", hint=hint) from failed
        if 400 <= failed.status < 500 and failed.status != 429:
            mend = "Mend the file and apply it again. " if failed.failure.code == "bad-request" else ""
            raise UsageError(f"{doing}: {failed}", hint=f"{mend}{before}") from failed
        raise StoppedEarly(f"{doing}: {failed}", hint=f"Apply the file again. {before}") from failed
