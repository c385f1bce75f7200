# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Code that the controller has: find it, tell it from other code, pack it for the host.

This module is private to the collection.
"""

from __future__ import annotations

import os
import re
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import IO, Any

from ansible_collections.barehost.web.plugins.module_utils._release_manifest import (
    Entry,
    ManifestError,
    digest_of,
    file_digest,
    scan,
)
from ansible_collections.barehost.web.plugins.module_utils._release_shared import folder_with, in_the_way

#: Never part of a release: what version control, Python and its tools keep beside the code.
_SKIPPED = frozenset(
    (".git", ".hg", ".svn", ".venv", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".nox")
)
_CHECKSUM = re.compile(r"sha256:([0-9a-f]{64})\Z", re.IGNORECASE)
_KINDS = ("path", "git", "archive", "package")
#: Between speed and size: a release is packed once for each host and goes over the network once.
_COMPRESSION = 6


class SourceError(Exception):
    """A source cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Content:
    """A folder (with its entries) or an archive that the host may ask for."""

    path: Path
    digest: str
    entries: tuple[Entry, ...] | None = None

    def listing(self, subdirectory: str) -> list[tuple[Any, ...]]:
        """The entries that become the release, as plain values."""
        within = f"{subdirectory}/" if subdirectory else ""
        found = (entry for entry in self.entries or () if entry.path.startswith(within))
        return [astuple(replace(entry, path=entry.path.removeprefix(within))) for entry in found]


def skipped(entry: os.DirEntry[str]) -> bool:
    """Whether an entry of a folder is no part of the code.

    A C(.gitignore) is not asked: what is built and therefore ignored (a frontend's ``dist``) is often what is to
    be released.
    """
    if entry.name in _SKIPPED:
        return True
    if entry.is_dir(follow_symlinks=False):
        return (Path(entry.path) / "pyvenv.cfg").is_file()
    return entry.name.endswith(".pyc")


def find(name: str, folders: Sequence[Path]) -> Path:
    """The file or folder ``name``; a relative one is looked for in ``folders``, in this order."""
    path = Path(name).expanduser()
    tried = [folder / path for folder in folders]
    for place in tried:
        if place.exists():
            return place
    raise SourceError(f"'{name}' is not on the controller; looked for {', '.join(map(str, dict.fromkeys(tried)))}")


def of_folder(path: Path) -> Content:
    """The content of a folder."""
    if not path.is_dir():
        raise SourceError(f"'{path}' is not a folder")
    try:
        entries = tuple(scan(path, skipped))
    except ManifestError as error:
        raise SourceError(f"{error} (in {path})") from error
    except OSError as error:
        raise SourceError(f"'{error.filename}' cannot be read: {error.strerror}") from error
    if not entries:
        raise SourceError(f"'{path}' has no files")
    return Content(path, digest_of(entries), entries)


def of_archive(path: Path, sha256: str) -> Content:
    """An archive on the controller, which must have the checksum of the entry."""
    try:
        digest = file_digest(path)
    except OSError as error:
        raise SourceError(f"'{error.filename}' cannot be read: {error.strerror}") from error
    if digest != sha256:
        raise SourceError(
            f"'{path}' does not have the checksum of the entry: expected sha256:{sha256}, got sha256:{digest}"
        )
    return Content(path, digest)


def hidden(content: Content, subdirectory: str, shared: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say what of the content a link to shared data would hide; of an archive only the host can tell."""
    paths = {str(values[0]) for values in content.listing(subdirectory)}
    for one in shared:
        path = one["path"].strip("/")
        inside = {found.removeprefix(f"{path}/").split("/")[0] for found in paths if found.startswith(f"{path}/")}
        above = next((str(parent) for parent in Path(path).parents if str(parent) in paths), "")
        if above:
            yield in_the_way(path, f"'{above}' is no folder there")
        elif path in paths:
            yield in_the_way(path, "a file")
        elif inside and (one["type"] == "file" or folder_with(sorted(inside))):
            yield in_the_way(path, folder_with(sorted(inside)) or "a folder")


def checksum(text: str) -> str:
    """The hexadecimal digits of ``sha256:…``."""
    match = _CHECKSUM.match(text or "")
    if not match:
        raise SourceError(f"the checksum '{text}' is not 'sha256:' and 64 hexadecimal digits")
    return match[1].lower()


def describe(source: Mapping[str, Any], folders: Sequence[Path]) -> tuple[dict[str, Any], Content | None]:
    """A ``source`` of the model as the host wants it, and its content if the controller has it."""
    given = [kind for kind in _KINDS if source.get(kind)]
    if len(given) != 1:
        raise SourceError(f"source needs exactly one of {', '.join(_KINDS)}")
    kind = given[0]
    location = str(source[kind])
    plain: dict[str, Any] = {
        "kind": kind,
        "location": location,
        "version": "",
        "subdirectory": _below(source.get("subdirectory") or ""),
        "digest": "",
        "sent": False,
        "key": "",
    }
    content: Content | None = None
    if kind == "path":
        content = of_folder(find(location, folders))
    elif kind == "archive":
        plain["digest"] = checksum(source.get("checksum") or "")
        content = None if "://" in location else of_archive(find(location, folders), plain["digest"])
    elif kind == "git":
        plain |= {"version": _version(source.get("version") or "", location), "key": source.get("key") or ""}
    if content:
        plain |= {"digest": content.digest, "sent": True}
    return plain, content


def _below(subdirectory: str) -> str:
    path = Path(subdirectory)
    if path.is_absolute() or ".." in path.parts:
        raise SourceError(f"the subdirectory '{subdirectory}' is not below the source")
    return subdirectory.strip("/")


def _version(version: str, location: str) -> str:
    if location.startswith("-") or "::" in location:
        raise SourceError("source.git is not a URL")
    if not version or version.startswith("-") or re.search(r"[\s\x00-\x1f~^:?*\[\\]|\.\.", version):
        raise SourceError(f"source.version '{version}' is not a tag, a branch or a commit")
    return version


def write_bundle(contents: Mapping[str, Content], file: IO[bytes]) -> None:
    """Write one tar archive with one member for each app: an archive of its own."""
    with tarfile.open(fileobj=file, mode="w") as bundle:
        for app, content in contents.items():
            if content.entries is None:
                with content.path.open("rb") as archive:
                    _add(bundle, app, archive)
            else:
                with tempfile.TemporaryFile() as packed:
                    pack(content.path, content.entries, packed)
                    _add(bundle, app, packed)


def _add(bundle: tarfile.TarFile, name: str, content: IO[bytes]) -> None:
    info = tarfile.TarInfo(name)
    info.size = content.seek(0, os.SEEK_END)
    content.seek(0)
    bundle.addfile(info, content)


def pack(folder: Path, entries: Sequence[Entry], file: IO[bytes]) -> None:
    """Write ``entries`` of ``folder`` as a tar archive that depends on nothing but their paths and contents."""
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_COMPRESSION, format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            info = tarfile.TarInfo(entry.path)
            info.mode = 0o755 if entry.executable else 0o644
            if entry.kind == "link":
                info.type, info.linkname = tarfile.SYMTYPE, entry.content
                tar.addfile(info)
                continue
            with (folder / entry.path).open("rb") as content:
                info.size = content.seek(0, os.SEEK_END)
                content.seek(0)
                tar.addfile(info, content)
