# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Code that the controller has: what is part of it, and how it travels."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils._release_manifest import digest_of, scan
from ansible_collections.barehost.web.plugins.module_utils._release_unpack import unpack
from ansible_collections.barehost.web.plugins.plugin_utils._source import (
    SourceError,
    describe,
    find,
    hidden,
    of_folder,
    pack,
    write_bundle,
)

DIGITS = "a" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "code"
    for name in ("app.py", "deep/run", "dist/app.js"):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(name)
    (made / "deep/run").chmod(0o755)
    (made / "link").symlink_to("deep/run")
    return made


def test_what_is_no_code_is_left_out(folder: Path) -> None:
    before = of_folder(folder).digest
    for name in (
        ".git/config",
        "deep/.git",
        "__pycache__/app.cpython-311.pyc",
        ".venv/bin/python",
        "old.pyc",
        "env/pyvenv.cfg",
        "env/bin/python",
        ".pytest_cache/x",
        ".gitignore.d/../.ruff_cache/x",
    ):
        path = folder / name.replace(".gitignore.d/../", "")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert of_folder(folder).digest == before


def test_what_is_ignored_by_git_is_code(folder: Path) -> None:
    (folder / ".gitignore").write_text("dist/\n")
    paths = [entry.path for entry in of_folder(folder).entries or ()]
    assert paths == [".gitignore", "app.py", "deep/run", "dist/app.js", "link"]


def test_the_archive_is_the_same_every_time_and_holds_everything(folder: Path, tmp_path: Path) -> None:
    content = of_folder(folder)
    archives = [io.BytesIO(), io.BytesIO()]
    for archive in archives:
        pack(folder, content.entries or (), archive)
        (folder / "app.py").touch()
    one, two = (members(archive) for archive in archives)
    assert one == two
    into = tmp_path / "into"
    into.mkdir()
    archives[0].seek(0)
    unpack(archives[0], into)
    assert digest_of(scan(into)) == content.digest


def members(archive: io.BytesIO) -> list[tuple[str, int, float, int]]:
    with tarfile.open(fileobj=io.BytesIO(archive.getvalue())) as tar:
        return [(member.name, member.mode, member.mtime, member.uid) for member in tar]


def test_one_bundle_for_all(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "x.tar.gz"
    other.write_bytes(b"archive")
    source, content = describe({"archive": str(other), "checksum": checksum(other)}, [tmp_path])
    assert (source["sent"], source["digest"]) == (True, checksum(other)[7:])
    assert content is not None
    stream = io.BytesIO()
    write_bundle({"one": of_folder(folder), "two": content}, stream)
    stream.seek(0)
    with tarfile.open(fileobj=stream) as bundle:
        assert bundle.getnames() == ["one", "two"]
        member = bundle.extractfile("two")
        assert member is not None
        assert member.read() == b"archive"


def checksum(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_the_listing_is_that_of_the_subdirectory(folder: Path) -> None:
    content = of_folder(folder)
    assert [values[0] for values in content.listing("deep")] == ["run"]
    assert [values[0] for values in content.listing("")] == ["app.py", "deep/run", "dist/app.js", "link"]


def test_the_first_folder_that_has_it_counts(tmp_path: Path) -> None:
    for name in ("two/code", "three/code"):
        (tmp_path / name).mkdir(parents=True)
    folders = [tmp_path / "one", tmp_path / "two", tmp_path / "three"]
    assert find("code", folders) == tmp_path / "two/code"
    assert find(str(tmp_path / "three/code"), folders) == tmp_path / "three/code"
    with pytest.raises(SourceError, match=f"'other' is not on the controller; looked for {tmp_path}/one/other, "):
        find("other", folders)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            {"git": "https://x.test/a.git", "version": "v1", "key": "KEY", "subdirectory": "a/b/"},
            {"kind": "git", "location": "https://x.test/a.git", "version": "v1", "key": "KEY", "subdirectory": "a/b"},
        ),
        (
            {"archive": "https://x.test/a.zip", "checksum": f"sha256:{DIGITS.upper()}", "path": None},
            {"kind": "archive", "location": "https://x.test/a.zip", "digest": DIGITS},
        ),
        ({"package": "util==1"}, {"kind": "package", "location": "util==1"}),
    ],
)
def test_what_the_host_is_told(source: dict[str, Any], expected: dict[str, str]) -> None:
    plain, content = describe(source, [])
    assert content is None
    assert {key: value for key, value in plain.items() if value} == expected


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({}, "source needs exactly one of path, git, archive, package"),
        ({"path": "x", "package": "y"}, "source needs exactly one"),
        ({"path": "missing"}, "'missing' is not on the controller"),
        ({"archive": "https://x.test/a.zip"}, "the checksum '' is not 'sha256:'"),
        ({"archive": "https://x.test/a.zip", "checksum": f"md5:{DIGITS}"}, "64 hexadecimal digits"),
        ({"git": "https://x.test/a.git"}, "source.version ''"),
        ({"git": "https://x.test/a.git", "version": "--upload-pack=x"}, "is not a tag, a branch or a commit"),
        ({"git": "https://x.test/a.git", "version": "a..b"}, "is not a tag, a branch or a commit"),
        ({"git": "--upload-pack=x", "version": "v1"}, "source.git is not a URL"),
        ({"git": "ext::sh -c x", "version": "v1"}, "source.git is not a URL"),
        ({"package": "x", "subdirectory": "../x"}, "'../x' is not below the source"),
        ({"package": "x", "subdirectory": "/x"}, "'/x' is not below the source"),
    ],
)
def test_what_cannot_be_used(source: dict[str, Any], words: str) -> None:
    with pytest.raises(SourceError, match=words):
        describe(source, [Path("/nonexistent")])


def test_a_wrong_checksum_is_found_on_the_controller(tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    file.write_bytes(b"x")
    with pytest.raises(SourceError, match=f"expected sha256:{DIGITS}, got {checksum(file)}"):
        describe({"archive": str(file), "checksum": f"sha256:{DIGITS}"}, [tmp_path])


def test_folders_that_cannot_be_released(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not a folder"):
        of_folder(folder / "app.py")
    (tmp_path / "empty/__pycache__").mkdir(parents=True)
    with pytest.raises(SourceError, match="has no files"):
        of_folder(tmp_path / "empty")
    (folder / "bad").symlink_to("/etc/passwd")
    with pytest.raises(SourceError, match=r"'bad' is a symbolic link out of the source, to '/etc/passwd' \(in "):
        of_folder(folder)


@pytest.mark.parametrize(
    ("path", "kind", "said"),
    [
        ("uploads", "directory", ""),
        ("empty", "directory", ""),
        ("empty", "file", "the code has it itself: a folder."),
        (
            "media/",
            "directory",
            "'media' is in 'shared', and the code has it itself: a folder with 'a.png' and 1 more.",
        ),
        ("media/deep", "directory", "the code has it itself: a folder with 'b.png'."),
        ("app.py", "file", "the code has it itself: a file."),
        ("app.py/x/y", "file", "the code has it itself: 'app.py' is no folder there."),
        ("med", "directory", ""),
    ],
)
def test_what_a_link_would_hide_is_known_before_it_is_sent(tmp_path: Path, path: str, kind: str, said: str) -> None:
    for name in ("src/media/a.png", "src/media/deep/b.png", "src/empty/.gitkeep", "src/app.py", "uploads/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = list(hidden(of_folder(tmp_path), "src", [{"path": path, "type": kind}]))
    assert len(found) == bool(said)
    assert all(said in text for text in found)
