"""Files that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from importer.atomic import atomic_path, atomic_text


@pytest.mark.parametrize("forced", [False, True])
def test_what_fails_leaves_what_was_there(tmp_path: Path, forced: bool) -> None:
    """A writer that breaks off changes nothing and leaves nothing; one that ends has replaced the file, private."""
    path = tmp_path / "plan.json"
    path.write_text("before")

    def breaks() -> None:
        with atomic_path(path, forced=forced) as temporary:
            temporary.write_text("half")
            raise ValueError("broke off")

    with pytest.raises(ValueError, match="broke"):
        breaks()
    assert path.read_text() == "before"
    with atomic_path(path, forced=forced) as temporary:
        temporary.write_text("after")
    assert path.read_text() == "after"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    """A link that somebody put in the file's place does not lead the text elsewhere."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("theirs")
    path = tmp_path / "results.csv"
    path.symlink_to(elsewhere)
    with atomic_text(path) as stream:
        stream.write("ours \udcff")
    assert elsewhere.read_text() == "theirs"
    assert path.read_text("utf-8") == "ours \\udcff"
