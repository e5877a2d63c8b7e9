"""The TLP of an object from its marking ids; the predefined markings are known even where a bundle leaves them out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

ORDER = ("clear", "white", "green", "amber", "amber+strict", "red")

PREDEFINED: Mapping[str, str] = MappingProxyType(
    {
        "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": "white",
        "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": "green",
        "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": "amber",
        "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "red",
        "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": "clear",
        "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "green",
        "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": "amber",
        "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": "amber+strict",
        "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": "red",
    }
)
KNOWN = frozenset({*PREDEFINED, "marking-definition--fa42a846-8d90-4e51-bc29-71d5b4802168"})
"""Needs no definition: the predefined ones, and MITRE's copyright, which ATT&CK's files of one object leave out."""
_TLP_2 = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
_NAME = re.compile(r"\ATLP\s*[: ]\s*(CLEAR|WHITE|GREEN|AMBER\s*\+\s*STRICT|AMBER|RED)\Z", re.IGNORECASE)


def marking_tlp(marking: Mapping[str, Any]) -> str:
    """The TLP word that a marking-definition object defines; empty for a statement or anything else."""
    definition = marking.get("definition")
    if isinstance(definition, dict) and isinstance(definition.get("tlp"), str):
        return _word(definition["tlp"])
    extensions = marking.get("extensions")
    if isinstance(extensions, dict) and isinstance(extensions.get(_TLP_2), dict):
        word = extensions[_TLP_2].get("tlp_2_0")
        if isinstance(word, str):
            return _word(word)
    name = marking.get("name")
    match = _NAME.match(name.strip()) if isinstance(name, str) else None
    return _word(match[1]) if match else ""


def strictest(ids: Iterable[Any], defined: Mapping[str, str]) -> str:
    """The most restrictive TLP among marking ids; empty when none of them is a TLP."""
    words = [PREDEFINED.get(id_) or defined.get(id_, "") for id_ in ids if isinstance(id_, str)]
    return max((word for word in words if word), key=ORDER.index, default="")


def marking_ids(value: Any) -> list[Any]:
    """`object_marking_refs` as a list; a single id counts as a list of one."""
    return value if isinstance(value, list) else [value] if value else []


def granular(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(marking id, what it marks) of an object's granular markings; those of languages have no id."""
    for one in marking_ids(value.get("granular_markings")):
        if isinstance(one, dict) and isinstance(one.get("marking_ref"), str):
            yield one["marking_ref"], ", ".join(str(part) for part in marking_ids(one.get("selectors")))


def _word(text: str) -> str:
    word = re.sub(r"\s+", "", text).lower().removeprefix("tlp:")
    return word if word in ORDER else ""
