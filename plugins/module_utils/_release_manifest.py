# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a folder of code consists of. The controller and the host count in the same way, so that they can compare.

Times and owners are left out on purpose: two checkouts of the same code are the same code.

This module is private to the collection.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


class ManifestError(ValueError):
    """Something in the folder cannot be released; the message names it."""


@dataclass(frozen=True, order=True)
class Entry:
    """A file or a symbolic link; ``content`` is a SHA-256 of the one and the target of the other."""

    path: str
    kind: Literal["file", "link"]
    executable: bool
    content: str

    def line(self) -> str:
        """One line about the entry, short enough for a diff."""
        if self.kind == "link":
            return f"{self.path} -> {self.content}"
        return f"{self.path}{'*' if self.executable else ''} {self.content[:12]}"


Skip = Callable[["os.DirEntry[str]"], bool]


def nothing(_: os.DirEntry[str]) -> bool:
    """Skip no entry of a folder."""
    return False


def git_folder(entry: os.DirEntry[str]) -> bool:
    """Skip what git keeps for itself: a folder in a repository, a file in a submodule."""
    return entry.name == ".git"


def scan(root: Path, skip: Skip = nothing) -> list[Entry]:
    """All files and links below ``root`` in a fixed order. Empty folders do not count, as with git.

    :raises ManifestError: for a link that leads out of ``root``, a device or the like, or a name that is not UTF-8.
    """
    return sorted(_walk(root.resolve(), root, "", skip))


def _walk(root: Path, folder: Path, prefix: str, skip: Skip) -> Iterator[Entry]:
    with os.scandir(folder) as found:
        entries = [entry for entry in found if not skip(entry)]
    for entry in entries:
        path, here = prefix + entry.name, Path(entry.path)
        _check_name(path)
        if entry.is_symlink():
            target = str(here.readlink())
            # The text is not enough: a link may lead out by way of another link.
            if target.startswith("/") or not here.resolve().is_relative_to(root):
                raise ManifestError(f"'{path}' is a symbolic link out of the source, to '{target}'")
            yield Entry(path, "link", executable=False, content=target)
        elif entry.is_dir():
            yield from _walk(root, here, f"{path}/", skip)
        elif entry.is_file():
            yield Entry(path, "file", bool(entry.stat().st_mode & 0o111), file_digest(here))
        else:
            raise ManifestError(f"'{path}' is neither a file nor a folder nor a link")


def _check_name(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise ManifestError(f"the name {path!a} is not UTF-8") from None
    if "\n" in path:
        raise ManifestError(f"the name {path!r} has a line break in it")


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(entries: Iterable[Entry]) -> str:
    """One digest for the whole folder; depends on paths, contents and execute bits, and on nothing else."""
    digest = hashlib.sha256()
    for entry in sorted(entries):
        digest.update(f"{entry.kind}\0{entry.executable:d}\0{entry.path}\0{entry.content}\n".encode())
    return digest.hexdigest()
