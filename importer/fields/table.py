"""The tag's fields as data: one line each, all generations of the API.

Source: the published API reference and the official Python SDK, 4.3.1 to 5.9.0. The list has changed four times; a
new field is a new line here and nothing else.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """What a field holds on the wire."""

    TEXT = "text"
    NUMBER = "number"
    SCORE = "score"
    """A whole number, 1 to 10."""
    DATE = "date"
    """YYYY-MM-DD."""
    UUID = "uuid"
    TLP = "tlp"
    COUNTRY = "country"
    """ISO 3166-1 alpha-2 or alpha-3, upper case."""
    TEXT_LIST = "list of text"
    ALIAS_LIST = "list of aliases"
    """`[{value, confidence?, tlp?}]`"""
    REFERENCE_LIST = "list of references"
    """`[{url, description?}]`"""
    OBJECT = "object"


class Visibility(StrEnum):
    """Who sees a field's values."""

    PUBLIC = "public"
    """Returned to all accounts."""
    PRIVATE = "private"
    """Stays with the account that owns the tag."""
    UNDOCUMENTED = "undocumented"
    """The reference does not say; treat as visible."""


NOW = "now"


class Field(Struct, frozen=True):
    """One field of a tag."""

    name: str
    kind: Kind
    first: str
    """First SDK generation that has it, as `5.0`."""
    last: str
    """Last generation that has it, `now` for the current one."""
    visibility: Visibility
    meaning: str
    annotated: bool = False
    """Whether it may also be `{value, confidence?, tlp?}` (since 5.7)."""
    vocabulary: str = ""
    """Name of the vocabulary its words come from, where it has one."""
    clearable: bool = True
    """Whether an update can empty it."""

    @property
    def current(self) -> bool:
        return self.last == NOW

    @property
    def is_list(self) -> bool:
        return self.kind in (Kind.TEXT_LIST, Kind.ALIAS_LIST, Kind.REFERENCE_LIST)


_PUBLIC, _PRIVATE, _OPEN = Visibility.PUBLIC, Visibility.PRIVATE, Visibility.UNDOCUMENTED

# fmt: off
FIELDS: tuple[Field, ...] = (
    Field("value", Kind.TEXT, "5.0", NOW, _PUBLIC, "The actor's name; the only required field.", clearable=False),
    Field("categoryUuid", Kind.UUID, "5.0", NOW, _OPEN, "The category whose schema governs `properties`."),
    Field("activeDuration", Kind.TEXT, "5.0", NOW, _OPEN, "How long the actor has been active.", annotated=True),
    Field("actorCategory", Kind.TEXT, "5.0", NOW, _OPEN, "What kind of actor it is.",
          annotated=True, vocabulary="actor-category"),
    Field("aliasGroupNames", Kind.TEXT_LIST, "5.0", NOW, _PUBLIC, "Other names of the actor, seen by everyone."),
    Field("aliasGroupNamesInternal", Kind.TEXT_LIST, "5.0", NOW, _PRIVATE, "Other names, for this account only."),
    Field("analyticPriority", Kind.NUMBER, "5.0", "5.6", _OPEN, "Priority for analysts; replaced by `priority`."),
    Field("attributionConfidence", Kind.TEXT, "5.0", "5.6", _OPEN,
          "How sure the attribution is; replaced by annotations.", vocabulary="confidence"),
    Field("attributionOrganization", Kind.TEXT, "5.0", NOW, _OPEN,
          "The organisation that the actor is attributed to.", annotated=True),
    Field("externalReferenceLinks", Kind.TEXT_LIST, "5.0", NOW, _PUBLIC, "URLs of reports on the actor."),
    Field("internalDescription", Kind.TEXT, "5.0", NOW, _PRIVATE, "Notes for this account only."),
    Field("motive", Kind.TEXT, "5.0", NOW, _OPEN, "Why the actor acts.", annotated=True, vocabulary="motive"),
    Field("opsecLevel", Kind.TEXT, "5.0", NOW, _OPEN, "How careful the actor is.",
          annotated=True, vocabulary="level"),
    Field("originCountryISO", Kind.COUNTRY, "5.0", NOW, _OPEN, "Where the actor comes from.", annotated=True),
    Field("priority", Kind.NUMBER, "5.0", NOW, _OPEN, "How much the actor matters.", annotated=True),
    Field("sophisticationLevel", Kind.TEXT, "5.0", NOW, _OPEN, "How capable the actor is.",
          annotated=True, vocabulary="sophistication"),
    Field("aliases", Kind.ALIAS_LIST, "5.5", NOW, _PUBLIC,
          "Other names with confidence and TLP, seen by everyone (purple entries are removed)."),
    Field("internalAliases", Kind.ALIAS_LIST, "5.5", NOW, _PRIVATE,
          "Other names with confidence and TLP, for this account only."),
    Field("externalReferences", Kind.REFERENCE_LIST, "5.5", NOW, _PUBLIC, "Reports on the actor, with descriptions."),
    Field("dateOfDiscovery", Kind.DATE, "5.5", NOW, _OPEN, "When the actor was discovered."),
    Field("actorCategoryConfidence", Kind.SCORE, "5.5", "5.6", _OPEN, "Confidence; now in the annotated field."),
    Field("attributionConfidenceScore", Kind.SCORE, "5.5", "5.6", _OPEN, "Confidence; now in the annotated field."),
    Field("motiveConfidence", Kind.SCORE, "5.5", "5.6", _OPEN, "Confidence; now in the annotated field."),
    Field("originCountryConfidence", Kind.SCORE, "5.5", "5.6", _OPEN, "Confidence; now in the annotated field."),
    Field("originCountryTlp", Kind.TLP, "5.5", "5.6", _OPEN, "Handling; now in the annotated field.",
          vocabulary="tlp"),
    Field("confidence", Kind.SCORE, "5.7", NOW, _OPEN, "Confidence in the tag as a whole."),
    Field("description", Kind.TEXT, "5.7", NOW, _PUBLIC, "What is known of the actor, seen by everyone."),
    Field("lastSeen", Kind.TEXT, "5.7", NOW, _OPEN, "When the actor was last seen."),
    Field("properties", Kind.OBJECT, "5.7", NOW, _OPEN, "Values of the category's own fields."),
    Field("tlp", Kind.TLP, "5.7", NOW, _OPEN, "How the whole tag may be shared.", vocabulary="tlp", clearable=False),
)
# fmt: on
ALIAS_FIELDS = ("aliases", "internalAliases", "aliasGroupNames", "aliasGroupNamesInternal")
"""The fields that hold an actor's other names."""


def field_named(name: str) -> Field | None:
    """The field with this wire name; None where there is none."""
    return next((field for field in FIELDS if field.name == name), None)
