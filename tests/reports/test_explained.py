"""`explain` knows every code that the program can say, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from importer.errors import UsageError
from importer.remote.failures import FAILURES
from importer.reports.explained import all_codes, codes, explain
from importer.reports.screen import plain
from tests.behaviour.program import ROOT

_WORDS_OF_OTHERS = """
actor-category alias-of also-known-as amber-strict api-token apt-spreadsheet attributed-to before-commit belongs-to
category-changed category-create category-intent category-update cf-ray cloudforce-one create-category
cut-body d-mmm d-mmm-yy delete-category dest-uuid duplicate-of error-after-commit error-before-commit euc-jp
euc-kr get-category hang-after-commit hang-before-commit intrusion-set job-failed left-at-once limit-learned
list-categories list-indicators located-at lose-after-commit lose-before-commit malformed-json marking-definition
misp-galaxy
mmm-yy no-referrer no-store not-delivered not-importable not-noted not-reported originates-from outage-cut
python-calamine rate-limit rate-limit-block refuse-token reset-after-commit reset-before-commit run-finished
run-needs-attention run-started same-as same-origin sandbox-token shift-pages similar-to tag-categories tag-importer
tag-importer-plan tag-importer-runs threat-actor undone-not-noted update-category waiting-for-lock
xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx x-gzip
"""
"""Words with hyphens in the program that are no codes: of the API, of files, the log, the sandbox."""
MADE = frozenset(["ambiguous-date", "bad-date", "partial-date"]) | {
    f"{how}-{name}"
    for how in ("unknown", "unclear", "several")
    for name in ("actor-category", "motive", "sophistication", "level", "confidence", "tlp")
}
"""Codes that are put together of two words."""
_CODE = re.compile(r"scale-of-[0-9]+|[a-z]+(-[a-z]+)*")


def said() -> set[str]:
    """Every text in the program that is, or could be, a code: by its place in a call, else by its hyphen."""
    found = set(MADE) | {failure.code for failure in FAILURES}
    for path in sorted((ROOT / "importer").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "-" in node.value:
                found.add(node.value)
            elif isinstance(node, ast.Call):
                found |= set(_codes_of(node))
    return {word for word in found if _CODE.fullmatch(word)} - set(_WORDS_OF_OTHERS.split())


def _codes_of(call: ast.Call) -> list[str]:
    """The codes in `Issue(Severity.ERROR, CODE, ...)`, `self._is(Action.SKIP, CODE, ...)`, `f(code=CODE)`."""
    before = [ast.unparse(argument).rpartition(".")[0] for argument in call.args[:-1]]
    words = [argument for left, argument in zip(before, call.args[1:], strict=True) if left in _LEFT]
    words += [keyword.value for keyword in call.keywords if keyword.arg == "code"]
    if ast.unparse(call.func) in ("_fail", "_stays"):
        words += call.args[:2]
    return [word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)]


_LEFT = ("Severity", "About", "Action")


def test_every_code_that_can_be_said_is_explained() -> None:
    """A new code without its explanation fails here; so does the explanation of one that is gone."""
    assert not (new := said() - codes().keys()), f"explain in config/codes.yaml, or list in _WORDS_OF_OTHERS: {new}"
    assert not (gone := codes().keys() - said()), f"take out of config/codes.yaml: {gone}"


@pytest.mark.parametrize("code", sorted(codes()))
def test_an_explanation_is_whole(code: str) -> None:
    """Each says what the code means, gives an example and says what to do, in sentences."""
    text = plain(explain(code).lines)
    assert text.startswith(f"{code}\n  means")
    assert "\n  example" in text
    assert "\n  to settle it" in text
    assert "{vocabulary}" not in text
    assert "{failure}" not in text


def test_near_codes_are_suggested_and_only_near_ones() -> None:
    """A slip is answered with the codes that are meant; what is near nothing, with how to see them all."""
    with pytest.raises(UsageError) as slip:
        explain("unknown-contry")
    assert "unknown-country" in slip.value.hint
    with pytest.raises(UsageError) as far:
        explain("zzzz")
    assert far.value.then == "tag-importer explain"
    assert explain("Unknown_Country").value["code"] == "unknown-country"
    assert set(all_codes().value) == set(codes())


def test_the_tables_are_read_in_the_tests() -> None:
    """The look at the program's own text finds codes of each kind, so that the first test means something."""
    assert {"unknown-country", "region", "exists", "gone", "bad-date", "server-error", "missing-name"} <= said()
    assert Path(ROOT / "config" / "codes.yaml").exists()
