# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Several installations at once: all are looked at before the first is touched, and what was done is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _wordpress_archives as archives

OPTIONS = {
    "restores": [{"name": "blog", "archive": "latest"}, {"name": "shop", "archive": "/tmp/a.tar.gz"}],
    "origin": "",
    "new_address": False,
}


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a program that notes what it is asked, and fails where the file `refuse` says so."""
    path = tmp_path / "program"
    path.write_text(
        f"""#!/bin/sh
echo "$*" >> {tmp_path}/asked
if grep -qxF -e "$*" {tmp_path}/refuse 2>/dev/null; then echo "${{5:-$4}}: refused" >&2; exit 1; fi
echo "done: $*"
"""
    )
    path.chmod(0o755)
    monkeypatch.setattr(archives, "PROGRAM", path)
    return tmp_path


def asked(folder: Path) -> list[str]:
    return (folder / "asked").read_text().splitlines()


CHECKS = ["restore --check -- blog latest", "restore --check -- shop /tmp/a.tar.gz"]
RESTORES = ["restore -- blog latest", "restore -- shop /tmp/a.tar.gz"]


def test_all_are_looked_at_before_the_first_is_touched(program: Path) -> None:
    answer = archives.run(OPTIONS, check=False)
    assert asked(program) == CHECKS + RESTORES
    assert answer.result["lines"] == [f"done: {words}" for words in RESTORES]


def test_look_touches_nothing(program: Path) -> None:
    archives.run(OPTIONS, check=True)
    assert asked(program) == CHECKS


def test_one_that_does_not_fit_keeps_all_from_being_touched(program: Path) -> None:
    (program / "refuse").write_text(f"{CHECKS[1]}\n")
    with pytest.raises(archives.ArchiveError, match=r"Nothing was changed:\n.*refused"):
        archives.run(OPTIONS, check=False)
    assert asked(program) == CHECKS


def test_complaint_tells_what_was_done_before(program: Path) -> None:
    (program / "refuse").write_text(f"{RESTORES[1]}\n")
    with pytest.raises(archives.ArchiveError, match="refused\nDone before that: done: restore -- blog latest"):
        archives.run(OPTIONS, check=False)


def test_host_without_the_program_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(archives, "PROGRAM", tmp_path / "nothing")
    with pytest.raises(archives.ArchiveError, match=r"is not on this host\. Run site\.yml first"):
        archives.run(OPTIONS, check=False)
