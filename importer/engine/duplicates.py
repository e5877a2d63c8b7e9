"""Names that two tags have after a run that made one of them.

No lock reaches another machine, or another state folder: two runs can make the same tags at the same time. So what a
run made is listed again at its end, and whoever made a tag later sees both. Nothing is deleted: a person decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from importer.clock import Clock
from importer.model import Tag
from importer.remote.events import Observe, Waiting
from importer.remote.lookup import Lookup

_FIRST_PAUSE: Final = 0.5


async def find_duplicates(
    made: Mapping[str, str],
    just_made: Collection[str],
    lookup: Lookup,
    clock: Clock,
    observe: Observe,
    *,
    patience: Callable[[Collection[str], float], float],
) -> dict[str, tuple[Tag, ...]]:
    """By uuid of a tag that the run made, all tags of its name, where there are several. Raises CallFailed.

    `made` holds the name of each uuid. Reads may lag behind writes: it looks until those that were `just_made` show,
    at growing intervals, so that what others made before them shows as well; `patience` says for how many seconds more,
    given the uuids that are missing and the time. Where the server's
    filter is used, because it is cheaper than the list, only its notion of an equal name is seen.
    """
    pause = _FIRST_PAUSE
    seen = await lookup.look(set(made.values()))
    missing = {uuid for uuid in just_made if uuid not in seen.held}
    waited = False
    while missing and (left := patience(missing, clock.monotonic())) > 0:
        observe(Waiting(min(pause, left), "lag"))
        await clock.sleep(min(pause, left))
        pause *= 2
        waited = True
        there = await lookup.look({made[uuid] for uuid in missing})
        missing = {uuid for uuid in missing if uuid not in there.held}
    if waited:
        seen = await lookup.look(set(made.values()))
    found: dict[str, tuple[Tag, ...]] = {}
    for uuid, name in made.items():
        tags = seen.of_name(name)
        # One that an earlier part of the run made and that is gone again has no double.
        if any(tag.uuid != uuid for tag in tags) and (uuid in seen.held or uuid in just_made):
            found[uuid] = tags
    return found


def made_twice(name: str, uuid: str, tags: Collection[Tag]) -> str:
    """What to say of a tag that the run made beside others of its name."""
    others = ", ".join(tag.uuid for tag in tags if tag.uuid != uuid)
    return (
        f"this run made {name!r} as {uuid}, and another tag of the name is there: {others}; "
        "keep one and delete what is too many"
    )
