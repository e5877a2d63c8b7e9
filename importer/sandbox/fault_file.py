"""The YAML form of a fault plan: a `seed`, and `faults`, each a mapping of one fault and its parameters."""

from __future__ import annotations

from pathlib import Path

import yaml

from importer.errors import Spot, UsageError
from importer.sandbox.fault_words import Entry, Given

_LARGEST = 1_000_000


def entries_of(path: Path) -> tuple[int, list[Entry]]:
    """The seed and the entries, unread. UsageError when the file cannot be read or has another shape."""
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path} is too large for a fault plan")
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as problem:
        raise UsageError(f"the fault plan {path} cannot be read: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise UsageError(f"the fault plan {path} is not UTF-8 text") from problem
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        spot = Spot(str(path), mark.line + 1, mark.column + 1) if mark else Spot(str(path))
        raise UsageError(f"{spot}: {problem.problem or 'not valid YAML'}") from problem
    except (yaml.YAMLError, RecursionError) as problem:
        raise UsageError(f"{path} is not valid YAML") from problem
    return _Reader(path).read(root)


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._mistakes: list[str] = []

    def read(self, root: yaml.Node | None) -> tuple[int, list[Entry]]:
        seed, entries = 0, list[Entry]()
        for key, node in self._pairs(root, "a fault plan is a mapping with 'seed' and 'faults'"):
            if key.value == "seed":
                if isinstance(node, yaml.ScalarNode) and node.value.isdecimal():
                    seed = int(node.value)
                else:
                    self._wrong(node, "'seed' is a whole number")
            elif key.value == "faults" and isinstance(node, yaml.SequenceNode):
                entries = [self._entry(item) for item in node.value]
            elif key.value == "faults" and not (isinstance(node, yaml.ScalarNode) and not node.value):
                self._wrong(node, "'faults' is a list")
            elif key.value not in ("faults", "description"):
                self._wrong(key, f"unknown key '{key.value}'; known are seed, description and faults")
        if self._mistakes:
            message = f"the fault plan {self._path} is wrong"
            if len(self._mistakes) == 1:
                raise UsageError(f"{message}: {self._mistakes[0]}", details=tuple(self._mistakes))
            raise UsageError(f"{message}, in {len(self._mistakes)} places", details=tuple(self._mistakes))
        return seed, entries

    def _entry(self, node: yaml.Node) -> Entry:
        entry: Entry = []
        for key, value in self._pairs(node, "each fault is a mapping like 'lose-after-commit: 10%'"):
            nodes = value.value if isinstance(value, yaml.SequenceNode) else [value]
            texts = tuple(str(one.value) for one in nodes if isinstance(one, yaml.ScalarNode))
            if len(texts) != len(nodes):
                self._wrong(value, "expected a single value, or a list of them")
            else:
                entry.append(Given(str(key.value), texts, self._spot(key)))
        return entry

    def _pairs(self, node: yaml.Node | None, expected: str) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            self._wrong(node, expected)
            return []
        pairs: list[tuple[yaml.ScalarNode, yaml.Node]] = []
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                pairs.append((key, value))
            else:
                self._wrong(key, expected)
        return pairs

    def _wrong(self, node: yaml.Node | None, message: str) -> None:
        self._mistakes.append(f"{self._spot(node)}: {message}")

    def _spot(self, node: yaml.Node | None) -> str:
        if node is None or node.start_mark is None:
            return str(self._path)
        return str(Spot(str(self._path), node.start_mark.line + 1, node.start_mark.column + 1))
