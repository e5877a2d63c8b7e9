"""Writes what is generated from the program: `python -m tools.generate`. Tests compare it with what is checked in."""

from __future__ import annotations

from pathlib import Path

from importer.shipped import shipped
from importer.text.json_schema import schema_text
from tools import country_names, failure_table, mapping_page
from tools.schemas import schemas


def main() -> None:
    """The schemas for editors, the names of countries, the tables of the mapping language, and that of failures."""
    for name, schema in schemas():
        shipped("schema", name).write_text(schema_text(schema), encoding="utf-8")
    shipped("vocabularies", "country-names.tsv").write_text(country_names.table(), encoding="utf-8")
    for page, filled in (
        (shipped("mappings", "README.md"), mapping_page.filled),
        (Path(__file__).parents[1] / "docs" / "failures.md", failure_table.filled),
    ):
        page.write_text(filled(page.read_text("utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
