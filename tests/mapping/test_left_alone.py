"""What `ignore` covers."""

from __future__ import annotations

from importer.mapping.columns import left_alone


def test_a_pattern_does_not_hide_facts() -> None:
    """Wildcards cover bookkeeping and what is said of victims, not an actor's country or names; a full name does."""
    columns = ("x_acme_id", "x_acme_country", "x_acme_aliases", "x_acme_target_country", "x_acme_origin")
    assert left_alone(columns, ["x_acme_*", "x_acme_origin"]) == ["x_acme_id", "x_acme_target_country", "x_acme_origin"]
