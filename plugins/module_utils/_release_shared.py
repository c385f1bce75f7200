# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data that all releases of an app share: it is in ``/var/lib/<app>/shared``, and each release has links to it.

The app can change everything there, so that root only looks: what is made or changed, the app's user makes or changes.

This module is private to the collection.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils import _access
from ansible_collections.barehost.web.plugins.module_utils._release_user import STATE, Account, WorkError, as_user

#: Who serves what is public, under any web server of Debian.
_WEB_SERVER = "www-data"
_FOLDER = "shared"
_MODE = 0o750
_GROUP_READS = 0o040
#: What repositories have in a folder that is to be empty.
_PLACEHOLDERS = frozenset({".gitkeep", ".gitignore", ".keep", ".placeholder"})


@dataclass(frozen=True, order=True)
class Shared:
    """One path of a release that leads to data of all releases."""

    path: str
    is_file: bool = False
    #: Whether the web server may read it.
    public: bool = False


class SharedData:
    """The shared data of one app.

    :param who: the app's user; ``None`` on a bare host in check mode.
    """

    def __init__(self, app: str, who: Account | None, shared: Sequence[Shared], state: Path = STATE) -> None:
        self.home = state / app
        self.top = self.home / _FOLDER
        self.who = who
        self.shared = sorted(shared)

    def is_whole(self) -> bool:
        """Whether all folders are there, and the web server may do what it is to do."""
        return not self.shared or all(self._is_right(folder, may) for folder, may in self._folders().items())

    def make(self) -> None:
        """Make what is missing."""
        if not self.shared or self.who is None:
            return
        if not os.path.lexists(self.home):
            # As systemd would when it starts the app.
            self.home.mkdir(mode=_MODE)
            os.chown(self.home, self.who.uid, self.who.gid)
        as_user(self.who, self._make)

    def link(self, code: Path) -> None:
        """Put the links into the code of a release that is being built.

        :raises WorkError: where the code has something there itself.
        """
        if self.who is not None and self.shared:
            as_user(self.who, lambda: self._link(code))

    def clear(self) -> None:
        """Remove folders that nobody has put anything in, when there is no user any more who could change them."""
        if self.who is None or self.top.is_symlink() or not _is_folder_of(self.home, self.who.uid):
            return
        for place, _folders, _files in os.walk(self.top, topdown=False):
            _remove_empty(Path(place))

    def _folders(self) -> dict[Path, int]:
        """Every folder, from the top down, and what the web server may do with it."""
        found: dict[Path, int] = {}
        for one in self.shared:
            place = self.top / one.path
            leads = _access.ENTER if one.public else 0
            above = [self.home, *(self.top / parent for parent in reversed(Path(one.path).parents))]
            found |= {folder: found.get(folder, 0) | leads for folder in above}
            if not one.is_file:
                found[place] = leads | (_access.READ if one.public else 0)
        return dict(sorted(found.items()))

    def _is_right(self, folder: Path, may: int) -> bool:
        try:
            is_folder = stat.S_ISDIR(folder.lstat().st_mode)
        except OSError:
            return False
        if not is_folder:
            return False
        uid = _web_server()
        return (_access.rights(folder, uid) or 0) == may and _access.is_inherited(folder, uid) == _reads(may)

    def _make(self) -> dict[str, Any]:
        for folder, may in self._folders().items():
            if not os.path.lexists(folder):
                folder.mkdir(mode=_MODE)
                folder.chmod(_MODE)
            if folder.is_symlink() or not folder.is_dir():
                raise WorkError(f"{folder} is to be a folder of shared data, and is something else; move it away")
            if not self._is_right(folder, may):
                _allow(folder, may)
        return {}

    def _link(self, code: Path) -> dict[str, Any]:
        for one in self.shared:
            place = code / one.path
            for parent in [code / parent for parent in reversed(Path(one.path).parents)][1:]:
                if parent.is_symlink() or (parent.exists() and not parent.is_dir()):
                    raise WorkError(in_the_way(one.path, f"'{parent.relative_to(code)}' is no folder there"))
                parent.mkdir(mode=0o755, exist_ok=True)
            if os.path.lexists(place):
                _give_way(place, one)
            place.symlink_to(self.top / one.path)
        return {}


def shared_from(entry: Mapping[str, Any]) -> tuple[Shared, ...]:
    """The shared paths of an app, from the plain data that the controller sent."""
    return tuple(Shared(one["path"].strip("/"), one["type"] == "file", one["public"]) for one in entry["shared"])


def in_the_way(path: str, what: str) -> str:
    """Say that the code has something in the place of a link."""
    return (
        f"'{path}' is in 'shared', and the code has it itself: {what}. "
        "A release would bring it and a link would hide it. Take it out of the source, or out of 'shared'."
    )


def folder_with(names: Sequence[str]) -> str:
    """Say what is in a folder; empty if it is nothing but what keeps an empty one in a repository."""
    held = sorted(name for name in names if name not in _PLACEHOLDERS)
    more = f" and {len(held) - 1} more" if len(held) > 1 else ""
    return f"a folder with '{held[0]}'{more}" if held else ""


def _is_folder_of(path: Path, uid: int) -> bool:
    try:
        info = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(info.st_mode) and info.st_uid == uid


def _web_server() -> int:
    return pwd.getpwnam(_WEB_SERVER).pw_uid


def _reads(may: int) -> bool:
    return bool(may & _access.READ)


def _allow(folder: Path, may: int) -> None:
    """Have the web server do with a folder what it may, and nothing else."""
    uid = _web_server()
    try:
        _access.take(folder, uid)
        for place in _below(folder) if _reads(may) else ():
            is_folder = place.is_dir()
            # The app may run, and remove what it likes.
            with contextlib.suppress(FileNotFoundError):
                _access.let(place, uid, may if is_folder else _access.READ, inherited=is_folder)
        if may:
            _access.let(folder, uid, may, inherited=_reads(may))
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        reason = f"the file system of {folder} has no access lists, which 'public' of 'shared' needs"
        raise WorkError(f"{reason}. Mount it with them (acl), or leave 'public' out.") from error


def _below(folder: Path) -> Iterator[Path]:
    """What is in a folder already, as far as its group may read it: the rest is nobody's business."""
    for place, folders, files in os.walk(folder):
        found = [Path(place) / name for name in (*folders, *files)]
        yield from (path for path in found if _is_for_group(path))
        folders[:] = [name for name in folders if _is_for_group(Path(place) / name)]


def _is_for_group(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    return (stat.S_ISDIR(mode) or stat.S_ISREG(mode)) and bool(mode & _GROUP_READS)


def _give_way(place: Path, one: Shared) -> None:
    """Remove what the code has in the place of a link, if that is nothing but a folder for it."""
    if place.is_symlink() or not place.is_dir():
        raise WorkError(in_the_way(one.path, "a link" if place.is_symlink() else "a file"))
    held = folder_with([path.name for path in place.iterdir()])
    if held or one.is_file:
        raise WorkError(in_the_way(one.path, held or "a folder"))
    shutil.rmtree(place)


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR}:
            raise
