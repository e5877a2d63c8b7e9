"""The transforms of mapping files, each with its one example."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from importer.mapping.transforms.catalogue import Transform
from importer.model import Json
from importer.reports.screen import Line


def transforms_lines(transforms: Sequence[Transform]) -> Iterator[Line]:
    """What each is for, and what its example makes of a value."""
    for transform in transforms:
        example = transform.example
        yield ((transform.signature, "head"),)
        yield (f"    {transform.doc}",)
        yield (f"    {example.step}:  {_shown(example.before)} -> {_shown(example.after)}",)


def transform_json(transform: Transform) -> dict[str, Json]:
    """One transform."""
    example = transform.example
    return {
        "name": transform.name,
        "signature": transform.signature,
        "takes": transform.takes,
        "meaning": transform.doc,
        "example": {"step": example.step, "before": example.before, "after": example.after},
    }


def _shown(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
