"""The exit codes: one enumeration, which the error tree, the table of actions and the help agree with."""

from __future__ import annotations

import re

from importer import errors
from importer.cli.parser import EPILOG
from importer.errors import ExitCode, ImporterError
from importer.model import Action, Status


def test_every_error_has_the_code_that_the_tree_shows() -> None:
    """The tree at the top of errors.py names each class of the module with the exit code that it ends with."""
    drawn = dict(re.findall(r"-- (\w+) +(\d+)  ", errors.__doc__ or ""))
    defined = {
        name: str(int(value.exit_code))
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, ImporterError) and value is not ImporterError
    }
    assert drawn == defined


def test_the_help_names_every_code_that_a_user_can_meet() -> None:
    """The help lists all of the enumeration but the program's own fault."""
    listed = {int(code) for code in re.findall(r"(?:· |: | {12})(\d+) [a-z]", EPILOG.partition("exit codes")[2])}
    assert listed == {int(code) for code in ExitCode} - {ExitCode.PROGRAM_FAULT}


def test_every_action_has_an_end_of_its_own() -> None:
    """No two actions end alike, and none ends as something that went wrong on the way."""
    ends = {action.status for action in Action}
    assert ends == set(Status) - {Status.FAILED, Status.UNKNOWN, Status.NOT_ATTEMPTED}
