# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unpack an archive that somebody else made into an empty folder, and nowhere else.

Files and folders are written first and links last, so that no file can be written through a link of the
archive. Python's own extraction filters are not relied upon: Debian 12's Python has none.

This module is private to the collection.
"""

from __future__ import annotations

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Literal

Opener = Callable[[], AbstractContextManager[IO[bytes]]]


class UnpackError(ValueError):
    """The archive cannot or must not be unpacked; the message says why."""


@dataclass(frozen=True)
class Member:
    """One entry of an archive; ``target`` is that of a link, as it stands in the archive."""

    name: str
    kind: Literal["file", "folder", "link", "hardlink"]
    executable: bool = False
    target: str = ""
    opener: Opener | None = None


def unpack(stream: IO[bytes], into: Path) -> None:
    """Unpack a tar archive (plain, gz, xz, bz2) or a zip archive from ``stream`` into the empty folder ``into``.

    :raises UnpackError: for anything that is not an archive, is damaged, or would reach outside ``into``.
    """
    try:
        if zipfile.is_zipfile(stream) and not _is_tar(stream):
            with zipfile.ZipFile(stream) as archive:
                write(_zip_members(archive), into)
        else:
            stream.seek(0)
            with tarfile.open(fileobj=stream) as tar:
                write(_tar_members(tar), into)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError) as error:
        raise UnpackError(f"it is not a tar or zip archive, or is damaged ({error})") from error


def _is_tar(stream: IO[bytes]) -> bool:
    """A plain tar archive with a zip archive in it looks like a zip archive to Python."""
    stream.seek(257)
    magic = stream.read(5)
    stream.seek(0)
    return magic == b"ustar"


def _tar_members(tar: tarfile.TarFile) -> Iterator[Member]:
    for info in tar:
        if info.isdir():
            yield Member(info.name, "folder")
        elif info.issym():
            yield Member(info.name, "link", target=info.linkname)
        elif info.islnk():
            yield Member(info.name, "hardlink", target=info.linkname)
        elif info.isreg():
            yield Member(info.name, "file", bool(info.mode & 0o111), opener=_tar_opener(tar, info))
        else:
            raise UnpackError(f"'{info.name}' in it is a device or the like")


def _tar_opener(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Opener:
    def opener() -> AbstractContextManager[IO[bytes]]:
        content = tar.extractfile(info)
        if content is None:
            raise UnpackError(f"'{info.name}' in it has no content")
        return content

    return opener


def _zip_members(archive: zipfile.ZipFile) -> Iterator[Member]:
    for info in archive.infolist():
        mode = info.external_attr >> 16
        if info.flag_bits & 1:
            raise UnpackError(f"'{info.filename}' in it is encrypted")
        if info.is_dir():
            yield Member(info.filename, "folder")
        elif stat.S_ISLNK(mode):
            yield Member(info.filename, "link", target=archive.read(info).decode("utf-8", "surrogateescape"))
        else:
            yield Member(info.filename, "file", bool(mode & 0o111), opener=_zip_opener(archive, info))


def _zip_opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Opener:
    return lambda: archive.open(info)


def inside(name: str) -> PurePosixPath:
    """``name`` as a path below the folder; raises ``UnpackError`` for one that leads anywhere else."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise UnpackError(f"'{name}' in it would be written outside the folder")
    return path


def write(members: Iterator[Member], into: Path) -> None:
    """Write ``members`` below ``into``; links come last."""
    links: dict[PurePosixPath, str] = {}
    for member in members:
        path = inside(member.name)
        target = into / path
        try:
            if member.kind == "folder":
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            links.pop(path, None)
            if member.kind == "link":
                links[path] = member.target
            elif member.kind == "hardlink":
                _copy(into / inside(member.target), target)
            elif member.opener:
                _write_file(member.opener, target, executable=member.executable)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise UnpackError(f"'{member.name}' in it is both a file and a folder") from None
    for path, text in links.items():
        target = into / path
        if target.is_dir():
            raise UnpackError(f"'{path}' in it is both a link and a folder")
        target.unlink(missing_ok=True)
        target.symlink_to(text)


def _copy(source: Path, target: Path) -> None:
    """A hard link becomes a copy: nothing in a release shares its content with anything else."""
    try:
        shutil.copy(source, target)
    except FileNotFoundError:
        raise UnpackError(f"'{target.name}' in it is a hard link to something that is not in it") from None


def _write_file(opener: Opener, target: Path, *, executable: bool) -> None:
    with opener() as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
    target.chmod(0o755 if executable else 0o644)


def single_folder(root: Path) -> Path:
    """The one folder everything is in, if there is just one; ``root`` itself otherwise."""
    entries = list(root.iterdir())
    if len(entries) == 1 and entries[0].is_dir() and not entries[0].is_symlink():
        return entries[0]
    return root
