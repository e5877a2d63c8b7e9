"""The JSON Schemas in config/schema, for editors and other programs: generated from the types that hold the files."""

from __future__ import annotations

from collections.abc import Iterator

from importer.mapping.language import mapping_schema
from importer.model import Json
from importer.planning.decisions import decisions_schema
from importer.reports.fleet import fleet_schema
from importer.settings.job_file import job_schema


def schemas() -> Iterator[tuple[str, Json]]:
    """File name -> schema."""
    yield "decisions.schema.json", decisions_schema()
    yield "fleet.schema.json", fleet_schema()
    yield "job.schema.json", job_schema()
    yield "mapping.schema.json", mapping_schema()
