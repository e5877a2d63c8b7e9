"""The JSON Schemas in config/schema, for editors: generated from the types that read the files.

`python -m importer.settings.schemas` writes them; a test compares.
"""

from __future__ import annotations

from collections.abc import Iterator

from importer.mapping.language import mapping_schema
from importer.model import Json
from importer.settings.job_file import job_schema
from importer.shipped import shipped
from importer.text.json_schema import schema_text


def schemas() -> Iterator[tuple[str, Json]]:
    """File name -> schema."""
    yield "job.schema.json", job_schema()
    yield "mapping.schema.json", mapping_schema()


if __name__ == "__main__":
    for name, schema in schemas():
        shipped("schema", name).write_text(schema_text(schema), encoding="utf-8")
