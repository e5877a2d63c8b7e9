"""What a plan will show to others and what it will cost, in words and as JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from importer.fields.table import Visibility
from importer.model import Json
from importer.reports.wording import count, duration

if TYPE_CHECKING:
    from importer.planning.cost import Cost
    from importer.planning.exposure import Exposure


def exposure_text(exposure: Sequence[Exposure]) -> str:
    """`8 values (value 5, aliases 3); perhaps also, undocumented: 4 values (motive 4)`; `none` for none."""
    parts = []
    for visibility, opening in ((Visibility.PUBLIC, ""), (Visibility.UNDOCUMENTED, "perhaps also, undocumented: ")):
        seen = [item for item in exposure if item.visibility is visibility and item.values]
        if seen:
            listed = ", ".join(f"{item.field} {item.values:,}" for item in seen)
            parts.append(f"{opening}{count(sum(item.values for item in seen), 'value')} ({listed})")
    withheld = sum(item.withheld for item in exposure)
    if withheld:
        parts.append(f"{count(withheld, 'entry', 'entries')} marked purple, which the API withholds from others")
    return "; ".join(parts) or "none"


def exposure_json(exposure: Sequence[Exposure]) -> dict[str, Json]:
    """Public and undocumented fields with their numbers of values."""
    return {
        "public_values": sum(item.values for item in exposure if item.visibility is Visibility.PUBLIC),
        "undocumented_values": sum(item.values for item in exposure if item.visibility is Visibility.UNDOCUMENTED),
        "fields": [
            {
                "field": item.field,
                "visibility": item.visibility.value,
                "tags": item.tags,
                "values": item.values,
                "withheld": item.withheld,
            }
            for item in exposure
        ],
    }


def cost_text(cost: Cost) -> str:
    """`1,041 calls, about 5 min 12 s (2 windows of the rate limit)`."""
    if not cost.calls:
        return "no call"
    windows = f" ({cost.windows} windows of the rate limit)" if cost.windows > 1 else ""
    return f"{count(cost.calls, 'call')}, about {duration(cost.seconds)}{windows}"


def cost_json(cost: Cost) -> dict[str, Json]:
    """Calls by kind and expected seconds."""
    return {
        "calls": cost.calls,
        "creates": cost.creates,
        "updates": cost.updates,
        "deletes": cost.deletes,
        "categories": cost.categories,
        "seconds": round(cost.seconds, 1),
        "windows": cost.windows,
    }
