# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Archives that somebody else made stay in their folder."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils._release_unpack import UnpackError, single_folder, unpack


def info(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, target, mode
    return made


def tar(*members: tarfile.TarInfo, compression: str = "gz", content: bytes = b"text") -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{compression}") as archive:
        for member in members:
            if member.isreg():
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            else:
                archive.addfile(member)
    stream.seek(0)
    return stream


def zipped(*members: tuple[str, int, bytes]) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, mode, content in members:
            made = zipfile.ZipInfo(name)
            made.external_attr = mode << 16
            archive.writestr(made, content)
    stream.seek(0)
    return stream


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_a_tar_archive(tmp_path: Path, compression: str) -> None:
    members = (
        info("./a", tarfile.DIRTYPE),
        info("a/file"),
        info("a/run", mode=0o4777),
        info("a/link", tarfile.SYMTYPE, "file"),
        info("a/same", tarfile.LNKTYPE, "a/file"),
    )
    unpack(tar(*members, compression=compression), tmp_path)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["file", "link", "run", "same"]
    assert (tmp_path / "a/same").read_text() == "text"
    assert (tmp_path / "a/link").readlink() == Path("file")
    assert stat.S_IMODE((tmp_path / "a/run").stat().st_mode) == 0o755
    assert (tmp_path / "a/same").stat().st_nlink == 1


def test_a_zip_archive(tmp_path: Path) -> None:
    members = (("a/", 0o40755, b""), ("a/run", 0o100755, b"text"), ("a/link", stat.S_IFLNK | 0o777, b"run"))
    unpack(zipped(*members), tmp_path)
    assert (tmp_path / "a/link").read_text() == "text"
    assert stat.S_IMODE((tmp_path / "a/run").stat().st_mode) == 0o755


def test_a_tar_archive_with_a_zip_archive_in_it(tmp_path: Path) -> None:
    content = zipped(("inner", 0o100644, b"x")).getvalue()
    unpack(tar(info("outer.zip"), compression="", content=content), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["outer.zip"]


UNSAFE = {
    "a path above": (tar(info("../x")), "'../x' in it would be written outside"),
    "an absolute path": (tar(info("/tmp/x")), "'/tmp/x' in it would be written outside"),
    "a hidden path above": (tar(info("a/../../x")), "outside the folder"),
    "a hard link out": (tar(info("a", tarfile.LNKTYPE, "/etc/passwd")), "'/etc/passwd' in it"),
    "a hard link to nothing": (tar(info("a", tarfile.LNKTYPE, "b")), "a hard link to something"),
    "a device": (tar(info("a", tarfile.CHRTYPE)), "'a' in it is a device"),
    "a pipe": (tar(info("a", tarfile.FIFOTYPE)), "'a' in it is a device"),
    "a file in a link": (tar(info("a", tarfile.SYMTYPE, "/tmp"), info("a/x")), "both a link and a folder"),
    "a file in a file": (tar(info("a"), info("a/x")), "both a file and a folder"),
    "a file for a folder": (tar(info("a/x"), info("a")), "both a file and a folder"),
    "a path above, in zip": (zipped(("../x", 0o100644, b"")), "'../x' in it would be written outside"),
    "something else": (io.BytesIO(b"<html>not found</html>"), "it is not a tar or zip archive"),
    "nothing": (io.BytesIO(b""), "it is not a tar or zip archive"),
    "half of it": (io.BytesIO(tar(info("a"), content=b"x" * 9999).getvalue()[:60]), "or is damaged"),
}


@pytest.mark.parametrize(("stream", "words"), UNSAFE.values(), ids=UNSAFE)
def test_is_refused(tmp_path: Path, stream: io.BytesIO, words: str) -> None:
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(UnpackError, match=words):
        unpack(stream, into)
    assert [path.name for path in tmp_path.iterdir()] == ["into"]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """The link comes first in the archive and last on the disk; scan() then refuses it."""
    into, outside = tmp_path / "into", tmp_path / "outside"
    into.mkdir()
    outside.write_text("safe")
    unpack(tar(info("a", tarfile.SYMTYPE, "../outside"), info("b"), info("a")), into)
    assert outside.read_text() == "safe"
    assert (into / "a").read_text() == "text"


def test_a_single_folder_is_stripped(tmp_path: Path) -> None:
    (tmp_path / "util-1.0").mkdir()
    assert single_folder(tmp_path) == tmp_path / "util-1.0"
    (tmp_path / "other").touch()
    assert single_folder(tmp_path) == tmp_path
