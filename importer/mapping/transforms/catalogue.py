"""Every transform, with what it takes and one example: what a mapping may name, and what the documentation prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from importer.mapping.spec import Value
from importer.mapping.transforms import lists, meaning, patterns, text


class Argument(Struct, frozen=True):
    """One argument of a transform. `kind`: text, number, texts, table, pattern or vocabulary."""

    name: str
    kind: str
    required: bool = True
    doc: str = ""


class Example(Struct, frozen=True):
    """A step as it stands in YAML, what goes in and what comes out."""

    step: str
    before: Value
    after: Value


class Transform(Struct, frozen=True):
    """A plain function under the name that a mapping calls it by."""

    name: str
    function: Callable[..., Any]
    example: Example
    arguments: tuple[Argument, ...] = ()
    takes: str = "text"
    """text: one text, each item of a list by itself. list: the list as a whole. rule: a key of the rule, not a step."""

    @property
    def doc(self) -> str:
        """The first paragraph of the function's documentation."""
        return " ".join((self.function.__doc__ or "").split("\n\n")[0].split())

    @property
    def signature(self) -> str:
        """`replace: {pattern, by}`; optional arguments with a question mark."""
        if not self.arguments:
            return self.name
        if len(self.arguments) == 1:
            return f"{self.name}: {self.arguments[0].name.upper()}"
        inside = ", ".join(a.name if a.required else f"{a.name}?" for a in self.arguments)
        return f"{self.name}: {{{inside}}}"


def _template_example(pattern: str, cells: Mapping[str, str]) -> str:
    return text.template(pattern, lambda column: cells.get(column, ""))


_template_example.__doc__ = text.template.__doc__

CATALOGUE: tuple[Transform, ...] = (
    Transform("trim", text.trim, Example("trim", "  Fancy\u00a0\u00a0Bear \n", "Fancy Bear")),
    Transform("lower", text.lower, Example("lower", "APT28", "apt28")),
    Transform("upper", text.upper, Example("upper", "cn", "CN")),
    Transform("title", text.title, Example("title", "FANCY BEAR", "Fancy Bear")),
    Transform(
        "split",
        lists.split,
        Example("split: ' / '", "Sofacy / Sednit", ["Sofacy", "Sednit"]),
        (Argument("at", "text", doc="the separator"),),
    ),
    Transform(
        "items",
        lists.items,
        Example("items", '["Sofacy", "Tsar, Team"]', ["Sofacy", "Tsar, Team"]),
        (Argument("separators", "text", False, "characters to cut at instead of the usual ones"),),
    ),
    Transform(
        "links",
        lists.links,
        Example("links", "https://a.example/1, https://b.example/2", ["https://a.example/1", "https://b.example/2"]),
    ),
    Transform("json", lists.json_value, Example("json", '{"level": 3}', {"level": 3})),
    Transform(
        "pick",
        lists.pick,
        Example("pick: 1", ["Sofacy", "Sednit"], "Sofacy"),
        (Argument("number", "number", False, "1 is the first, -1 the last"),),
        takes="list",
    ),
    Transform(
        "join",
        lists.join,
        Example("join: ', '", ["Sofacy", "", "Sednit"], "Sofacy, Sednit"),
        (Argument("by", "text", False, "what stands between"),),
        takes="list",
    ),
    Transform("first", lists.first, Example("columns: [A, B]", ["", "Sofacy"], "Sofacy"), takes="rule"),
    Transform(
        "extract",
        patterns.extract,
        Example("extract: 'G[0-9]{4}'", "see G0007 there", "G0007"),
        (Argument("pattern", "pattern", doc="a regular expression"),),
    ),
    Transform(
        "replace",
        patterns.replace,
        Example("replace: {pattern: ' *[(]merged.*', by: ''}", "TA505 (merged w/X)", "TA505"),
        (
            Argument("pattern", "pattern", doc="a regular expression"),
            Argument("by", "text", False, "the replacement; empty when it is not given"),
        ),
    ),
    Transform(
        "map",
        meaning.map_words,
        Example("map: {words: {Korea: South Korea}}", "korea", "South Korea"),
        (
            Argument("words", "table", doc="what each text becomes"),
            Argument("other", "text", False, "what every other text becomes; kept when it is not given"),
        ),
    ),
    Transform(
        "vocabulary",
        meaning.vocabulary_word,
        Example("vocabulary: motive", "espionage", "Espionage"),
        (Argument("name", "vocabulary", doc="its name"),),
    ),
    Transform("country", meaning.country, Example("country", "Russian Federation", "RU")),
    Transform(
        "date",
        meaning.date,
        Example("date: {order: dmy}", "01/03/2019", "2019-03-01"),
        (
            Argument("order", "text", False, "dmy, mdy or ymd"),
            Argument("fill", "text", False, "start or end: completes a year or a month"),
        ),
    ),
    Transform(
        "number",
        meaning.number,
        Example("number", "3.5", 3.5),
        (Argument("decimal", "text", False, "the decimal sign, ',' or '.'"),),
    ),
    Transform(
        "score",
        meaning.score,
        Example("score: 100", "50", 5),
        (Argument("out_of", "number", False, "the highest value of the scale; 10 when it is not given"),),
    ),
    Transform(
        "constant",
        text.constant,
        Example("constant: amber", "anything", "amber"),
        (Argument("to", "text", doc="the value"),),
    ),
    Transform("default", text.default, Example("default: CN", "", "CN"), (Argument("to", "text", doc="the value"),)),
    Transform("strip_html", text.strip_html, Example("strip_html", "<b>Fancy</b> &amp; <i>Cozy</i>", "Fancy & Cozy")),
    Transform(
        "strip_citations",
        text.strip_citations,
        Example("strip_citations", "[APT28](https://x.example/G7) spies. (Citation: Report 2018)", "APT28 spies."),
    ),
    Transform(
        "limit",
        text.limit,
        Example("limit: 5", "Sofacy Group", "Sofac"),
        (Argument("length", "number", doc="the longest text, in characters"),),
    ),
    Transform(
        "template",
        _template_example,
        Example("template: '{Name} ({Vendor})'", {"Name": "Sofacy", "Vendor": "Kaspersky"}, "Sofacy (Kaspersky)"),
        (Argument("pattern", "text", doc="text with {Column} in it"),),
        takes="rule",
    ),
)


def catalogue() -> tuple[Transform, ...]:
    """All transforms, in the order in which the documentation lists them."""
    return CATALOGUE


def transform_named(name: str) -> Transform | None:
    """The transform of this name that a list of steps may hold; None where there is none."""
    return next((entry for entry in CATALOGUE if entry.name == name and entry.takes != "rule"), None)


def step_names() -> tuple[str, ...]:
    """The names that a list of steps may hold."""
    return tuple(entry.name for entry in CATALOGUE if entry.takes != "rule")
