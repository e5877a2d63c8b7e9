"""The `transforms:` of a rule: names and arguments, checked against the catalogue and against the traps of patterns."""

from __future__ import annotations

from importer.mapping import grammar
from importer.mapping.nodes import Node, Problems
from importer.mapping.spec import Step
from importer.mapping.transforms import step_names, transform_named
from importer.mapping.transforms.catalogue import Argument, Transform
from importer.mapping.transforms.patterns import problem_with, problem_with_replacement
from importer.model import Json


def parse_steps(node: Node | None, problems: Problems) -> tuple[Step, ...]:
    """The steps of a list (or of a single step); wrong ones are told and left out."""
    if node is None or node.value is None:
        return ()
    children = node.value if isinstance(node.value, list) else [node]
    found = (_step(child, problems) for child in children)
    return tuple(step for step in found if step is not None)


def _step(node: Node, problems: Problems) -> Step | None:
    if isinstance(node.value, str):
        name, given, spot = node.value, None, node.spot
    elif isinstance(node.value, dict) and len(node.value) == 1:
        name, given = next(iter(node.value.items()))
        spot = node.keys[name]
    else:
        problems.add(node.spot, "a step is a name (`trim`) or one name with its argument (`split: ';'`)")
        return None
    entry = transform_named(name)
    if entry is None:
        if name in ("first", "template"):
            problems.add(spot, f"`{name}` is no step: write it in the rule itself (`columns: [A, B]`, `template: ...`)")
        else:
            problems.nearest(spot, "transform", name, step_names())
        return None
    arguments = _arguments(entry, given, node, problems)
    return None if arguments is None else Step(name, arguments)


def _arguments(entry: Transform, given: Node | None, node: Node, problems: Problems) -> dict[str, Json] | None:
    if given is None or given.value is None:
        required = [argument.name for argument in entry.arguments if argument.required]
        if required:
            problems.add(node.spot, f"`{entry.name}` needs {' and '.join(required)}: `{entry.example.step}`")
            return None
        return {}
    if not entry.arguments:
        problems.add(given.spot, f"`{entry.name}` takes no argument")
        return None
    names = {argument.name: argument for argument in entry.arguments}
    by_name = isinstance(given.value, dict) and (entry.name != "map" or "words" in given.value)
    pairs = dict(given.value) if by_name else {entry.arguments[0].name: given}
    found: dict[str, Json] = {}
    sound = True
    for name, value in pairs.items():
        if name not in names:
            problems.nearest(given.keys[name], f"argument of `{entry.name}`", name, tuple(names))
            sound = False
        elif (why := _wrong(names[name], value)) != "":
            problems.add(value.spot, why)
            sound = False
        else:
            plain = value.plain()
            texts = names[name].kind in ("text", "pattern") and not isinstance(plain, str)
            found[name] = str(plain) if texts else plain
    lacking = [name for name, argument in names.items() if argument.required and name not in pairs]
    if lacking:
        problems.add(given.spot, f"`{entry.name}` also needs {' and '.join(lacking)}: `{entry.example.step}`")
        return None
    if sound and entry.name == "replace" and (why := problem_with_replacement(found["pattern"], found.get("by", ""))):
        problems.add(given.spot, f"the replacement does not fit the pattern: {why}")
        return None
    return found if sound else None


def _wrong(argument: Argument, node: Node) -> str:
    """What is wrong with one argument, as a sentence; empty where nothing is."""
    value = node.value
    if argument.kind == "number":
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        if good and argument.name == "length" and value < 1:
            return "`length` must be at least 1"
        if good and argument.name == "out_of" and value not in (1, 10, 100):
            return "`out_of` is 1, 10 or 100"
        if good and argument.name == "number" and (value == 0 or value != int(value)):
            return "`number` is a whole number: 1 is the first, -1 the last"
        return "" if good else f"`{argument.name}` must be a number"
    if argument.kind == "table":
        if not isinstance(value, dict):
            return f"`{argument.name}` must be a table of `from: to` lines"
        odd = [key for key, child in value.items() if isinstance(child.value, (dict, list))]
        return f"'{odd[0]}' must become a text or a number" if odd else ""
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        return f"`{argument.name}` must be a text"
    text = str(value)
    if argument.kind == "pattern":
        why = problem_with(text)
        return f"this pattern {why}" if why else ""
    if argument.kind == "vocabulary" and text not in grammar.VOCABULARY_NAMES:
        return f"unknown vocabulary '{text}'; there are {', '.join(grammar.VOCABULARY_NAMES)}"
    choices = {"order": ("dmy", "mdy", "ymd"), "fill": ("start", "end"), "decimal": (",", ".")}.get(argument.name)
    if choices and text not in choices:
        return f"`{argument.name}` is one of {', '.join(choices)}, not '{text[:40]}'"
    return "`at` must not be empty" if argument.name == "at" and not text else ""
