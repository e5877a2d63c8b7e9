"""Plans as a forger writes them: changed, and hashed again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from importer.planning.canonical import canonical_bytes


def forge(path: Path, change: Callable[[dict[str, Any]], object], *, seal: bool = False) -> str:
    """Change the plan inside plan.json and hash it again; the seal stays only where it is asked for. The digest."""
    whole = json.loads(path.read_text())
    change(whole["plan"])
    whole["sha256"] = hashlib.sha256(canonical_bytes(whole["plan"])).hexdigest()
    if not seal:
        whole.pop("seal", None)
    path.write_bytes(canonical_bytes(whole))
    return str(whole["sha256"])
