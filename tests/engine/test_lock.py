"""One run at a time for an account."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from importer.engine.lock import account_lock, state_dir
from importer.errors import LockHeld, UsageError


def test_the_second_is_told_who_holds_it(tmp_path: Path) -> None:
    """A second run of the account gets exit code 7 with process, command and time; another account's run goes on."""
    now = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    with account_lock("acc", tmp_path, now=lambda: now, command="tag-importer apply x.csv", run="R1"):
        with (
            pytest.raises(
                LockHeld, match=r"process \d+, `tag-importer apply x.csv`, since 2026-05-04T03:02:01"
            ) as held,
            account_lock("acc", tmp_path),
        ):
            pass
        assert held.value.exit_code == 7
        assert "R1" in held.value.message
        with account_lock("other", tmp_path):
            pass
    with account_lock("acc", tmp_path):
        pass


def test_a_state_directory_that_cannot_be_used(tmp_path: Path) -> None:
    """A state directory that is a file is a usage error that names the variable."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as caught, account_lock("acc", tmp_path / "file"):
        pass
    assert "TAG_IMPORTER_STATE_DIR" in caught.value.hint


def test_where_state_stands(tmp_path: Path) -> None:
    """The variable wins, then the XDG one when it is absolute, then the home folder."""
    assert state_dir({"TAG_IMPORTER_STATE_DIR": "/a", "XDG_STATE_HOME": "/b"}) == Path("/a")
    assert state_dir({"XDG_STATE_HOME": "/b"}) == Path("/b/tag-importer")
    assert state_dir({"XDG_STATE_HOME": "b"}) == Path.home() / ".local/state/tag-importer"
