"""Whether a YAML file is a job or a list of actors: told by its outermost keys, so that a broken job counts as one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from importer.job.options import GROUPS, OPTIONS

_KEYS: Final = frozenset(
    {"name", "description", "sources", *GROUPS, *(option.key for option in OPTIONS if "." not in option.key)}
)
_TELLING: Final = _KEYS - {"name", "description", "category", "account", "mapping"}
"""Keys that a list of actors has no use for."""
_KEY: Final = re.compile(r"^([A-Za-z_][\w-]*)[ \t]*:(?=\s|$)", re.MULTILINE)
_MODELINE: Final = re.compile(r"^#.*\bjob\.schema\.json", re.MULTILINE)
_LARGEST: Final = 200_000


def is_job_file(path: str | Path) -> bool:
    """Whether `path` is a job file rather than a source. False for what is missing, large or not YAML by its ending."""
    given = Path(path)
    if given.suffix.casefold() not in (".yaml", ".yml"):
        return False
    try:
        if not given.is_file() or given.stat().st_size > _LARGEST:
            return False
        text = given.read_text("utf-8-sig", errors="replace")
    except OSError:
        return False
    if _MODELINE.search(text):
        return True
    keys = set(_KEY.findall(text))
    known = keys & _KEYS
    if "sources" in keys:
        return len(known) * 2 >= len(keys)
    return len(keys & _TELLING) >= 2 and len(known) * 2 > len(keys)
