# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What counts as the content of a folder, and what does not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils._release_manifest import (
    Entry,
    ManifestError,
    digest_of,
    git_folder,
    scan,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "code"
    (made / "deep").mkdir(parents=True)
    (made / "app.py").write_text("one")
    (made / "deep/run").write_text("two")
    (made / "deep/run").chmod(0o755)
    (made / "link").symlink_to("deep/run")
    return made


def test_files_links_and_execute_bits_count(folder: Path) -> None:
    found = {entry.path: (entry.kind, entry.executable) for entry in scan(folder)}
    assert found == {"app.py": ("file", False), "deep/run": ("file", True), "link": ("link", False)}


Change = Callable[[Path], object]
SAME: dict[str, Change] = {
    "another time": lambda folder: os.utime(folder / "app.py", (1, 1)),
    "an empty folder": lambda folder: (folder / "empty").mkdir(),
    "another group may write": lambda folder: (folder / "app.py").chmod(0o664),
}
OTHER: dict[str, Change] = {
    "content": lambda folder: (folder / "app.py").write_text("two"),
    "name": lambda folder: (folder / "app.py").rename(folder / "b.py"),
    "execute bit": lambda folder: (folder / "app.py").chmod(0o755),
    "a new file": lambda folder: (folder / "new").touch(),
    "a file less": lambda folder: (folder / "app.py").unlink(),
    "a link's target": lambda folder: ((folder / "link").unlink(), (folder / "link").symlink_to("app.py")),
    "a link made a file": lambda folder: ((folder / "link").unlink(), (folder / "link").write_text("deep/run")),
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_the_digest_does_not_see(folder: Path, change: Change) -> None:
    before = digest_of(scan(folder))
    change(folder)
    assert digest_of(scan(folder)) == before


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_the_digest_sees(folder: Path, change: Change) -> None:
    before = digest_of(scan(folder))
    change(folder)
    assert digest_of(scan(folder)) != before


def test_two_copies_have_one_digest(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy", symlinks=True)
    assert digest_of(reversed(scan(tmp_path / "copy"))) == digest_of(scan(folder))


@pytest.mark.parametrize("target", ["/etc/passwd", "..", "deep/../../x", "../code/app.py/../../x"])
def test_a_link_out_is_refused(folder: Path, target: str) -> None:
    (folder / "bad").symlink_to(target)
    with pytest.raises(ManifestError, match=f"'bad' is a symbolic link out of the source, to '{target}'"):
        scan(folder)


def test_a_link_out_by_way_of_another_link_is_refused(folder: Path) -> None:
    (folder / "deep/up").symlink_to("..")
    (folder / "deep/bad").symlink_to("up/../x")
    with pytest.raises(ManifestError, match="deep/bad"):
        scan(folder)


def test_what_is_no_file_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(ManifestError, match="'pipe' is neither"):
        scan(folder)


@pytest.mark.parametrize(("name", "words"), [(b"\xff", "not UTF-8"), (b"a\nb", "line break")])
def test_odd_names_are_refused(folder: Path, name: bytes, words: str) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).touch()
    with pytest.raises(ManifestError, match=words):
        scan(folder)


def test_what_git_keeps_is_skipped(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git/config").touch()
    (folder / "deep/.git").touch()
    assert [entry.path for entry in scan(folder, git_folder)] == ["app.py", "deep/run", "link"]


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (Entry("a", "file", executable=False, content="0123456789abcdef"), "a 0123456789ab"),
        (Entry("a", "file", executable=True, content="0123456789abcdef"), "a* 0123456789ab"),
        (Entry("a", "link", executable=False, content="b"), "a -> b"),
    ],
)
def test_a_line_for_a_diff(entry: Entry, line: str) -> None:
    assert entry.line() == line
