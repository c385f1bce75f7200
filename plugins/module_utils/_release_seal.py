# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take a folder from the user who built it, so that the user can read it and nobody but root can write it.

The user may still run processes: nothing is opened by a path that the user could exchange for a link. The top
is taken first, and everything below is reached through open folders without following links.

This module is private to the collection.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.barehost.web.plugins.module_utils._release_user import WorkError

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass(frozen=True)
class Ownership:
    """Who may read a release, as group and modes of folders and files."""

    gid: int
    folder: int
    file: int
    uid: int = 0
    #: Folders of the release that everybody may read; others can go through those above, and list nothing there.
    served: tuple[str, ...] = ()
    #: Links that others can come to, which lead to what they may read elsewhere.
    through: tuple[str, ...] = ()
    #: Links that belong to this user, as what they lead to does: web servers compare the two.
    links: tuple[str, ...] = ()
    holder: int = 0

    @classmethod
    def of(cls, gid: int | None, *, public: bool, served: tuple[str, ...] = ()) -> Ownership:
        """The app's own group; everybody, for files that a web server hands out."""
        if public or gid is None:
            return cls(0, 0o755, 0o644)
        return cls(gid, 0o750, 0o640, served=served)

    @property
    def top(self) -> int:
        """The mode of a release, and of the folders that lead to it."""
        return self.folder_mode("")

    def folder_mode(self, path: str) -> int:
        """The mode for a folder of the release; ``path`` is empty for the release itself."""
        if self._is_served(path):
            return 0o755
        ways = (*self.served, *self.through)
        leads = any(folder.startswith(f"{path}/" if path else "") for folder in ways)
        return self.folder | 0o001 if leads else self.folder

    def _is_served(self, path: str) -> bool:
        return any(f"{path}/".startswith(f"{folder}/") for folder in self.served)

    def record_mode(self) -> int:
        """The record is of no concern to those a static site is served to."""
        return 0o600 if self.file & 0o004 else self.file

    def file_mode(self, folder: str, before: int) -> int:
        """The mode for a file in a folder of the release; one that could be executed still can."""
        if self._is_served(folder):
            return 0o755 if before & 0o111 else 0o644
        return self.folder if before & 0o111 else self.file


def seal(code: Path, ownership: Ownership, notes: Mapping[str, tuple[str, int]]) -> None:
    """Own everything in ``code``.

    What git keeps for itself goes, and so does everything that is no file, folder or link. A folder that is to be
    served must be there.

    :param notes: files to write at the top: name, text, mode.
    """
    top = os.open(code, _OPEN | os.O_DIRECTORY)
    try:
        os.fchown(top, ownership.uid, ownership.gid)
        os.fchmod(top, 0o700)
        for name in notes:
            _discard(top, name)
        missing = set(ownership.served)
        for place, folders, files, here in os.fwalk(".", dir_fd=top):
            path = place.removeprefix(".").lstrip("/")
            missing.discard(path)
            if path:
                os.fchown(here, ownership.uid, ownership.gid)
                os.fchmod(here, ownership.folder_mode(path))
            for name in {".git"}.intersection((*folders, *files)):
                _discard(here, name)
            folders[:] = [name for name in folders if name != ".git"]
            for name in (*folders, *files):
                _own(here, path, name, ownership)
        if missing:
            raise WorkError(_without(sorted(missing)))
        for name, (text, mode) in notes.items():
            _write(top, name, text, mode, ownership)
        os.fchmod(top, ownership.top)
    finally:
        os.close(top)


def _without(missing: Sequence[str]) -> str:
    names = " and ".join(f"'{folder}'" for folder in missing)
    return (
        f"the release has no folder {names}, which 'public' names; a link does not count. Add it to the source, "
        "have one of 'commands' make it, or take it out of 'public'."
    )


def _own(folder: int, path: str, name: str, ownership: Ownership) -> None:
    """Own one entry of an open folder ``path``; a real folder is owned when the walk comes to it."""
    try:
        handle = os.open(name, _OPEN, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            is_held = (f"{path}/{name}" if path else name) in ownership.links
            uid = ownership.holder if is_held else ownership.uid
            os.chown(name, uid, ownership.gid, dir_fd=folder, follow_symlinks=False)
        elif error.errno == errno.ENXIO:
            os.unlink(name, dir_fd=folder)  # a socket
        elif error.errno != errno.ENOENT:
            raise
        return
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISREG(mode):
            os.fchown(handle, ownership.uid, ownership.gid)
            os.fchmod(handle, ownership.file_mode(path, mode))
        elif not stat.S_ISDIR(mode):
            os.unlink(name, dir_fd=folder)
    finally:
        os.close(handle)


def _discard(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        shutil.rmtree(name, dir_fd=folder)


def _write(folder: int, name: str, text: str, mode: int, ownership: Ownership) -> None:
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        os.fchown(file.fileno(), ownership.uid, ownership.gid)
        os.fchmod(file.fileno(), mode)
