"""What a JSON or YAML document is that holds no list of actors."""

from __future__ import annotations

from typing import Any


def kind_of(value: Any) -> str:
    """A value in a few words, for a sentence."""
    if isinstance(value, dict):
        keys = ", ".join(str(key)[:40] for key in list(value)[:6])
        return f"an object with the keys {keys}" if keys else "an empty object"
    if isinstance(value, list):
        return "an empty list" if not value else "a list of mixed values"
    return "a single value"


def looks_like(value: Any) -> str:
    """Well-known documents that hold lists of something else."""
    if isinstance(value, list):
        first = value[0] if value else None
        if isinstance(first, dict) and isinstance(first.get("Event"), dict) and "info" in first["Event"]:
            return "a list of MISP events"
        return "an empty list" if value == [] else ""
    if not isinstance(value, dict):
        return "a single value"
    keys = set(value)
    if isinstance(value.get("collections"), list) and any(
        isinstance(item, dict) and "versions" in item for item in value["collections"]
    ):
        return "an ATT&CK collection index, which only says where bundles are; give it a bundle (…-attack.json)"
    if isinstance(value.get("Event"), dict) and keys <= {"Event", "response"}:
        return "a MISP event"
    if {"namespace", "predicates"} <= keys:
        return "a MISP taxonomy"
    if {"list", "matching_attributes"} <= keys or ({"list", "version", "type"} <= keys and "name" in keys):
        return "a MISP warninglist"
    if {"namespace", "icon", "uuid"} <= keys and "values" not in keys:
        return "the description of a MISP galaxy, without its cluster of values"
    if value.get("type") in ("FeatureCollection", "Topology"):
        return "a map (GeoJSON)"
    if "techniques" in keys and ("domain" in keys or "versions" in keys):
        return "an ATT&CK Navigator layer"
    if "$schema" in keys and ("properties" in keys or "definitions" in keys or "$defs" in keys or "allOf" in keys):
        return "a JSON schema"
    if {"openapi", "paths"} <= keys or {"swagger", "paths"} <= keys:
        return "an API description (OpenAPI)"
    if value.get("type") == "bundle" and not value.get("objects"):
        return "a STIX bundle without objects"
    return ""
