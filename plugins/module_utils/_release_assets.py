# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files of older releases that a web server goes on handing out, for pages that were loaded before the last switch.

They are links in the live release to the same content, where the live release has nothing of that name: no web server
has to know of them, no request has to look twice, and they go live with the release in one step. Other releases have
none.

This module is private to the collection.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.barehost.web.plugins.module_utils._release_store import Store

_NOTE = ".kept.json"
_FRESH = ".kept.new"
#: Pages are asked for by name: one that was taken away is to be gone.
_PAGES = (".html", ".htm", ".xhtml")
_READABLE = 0o004


@dataclass(frozen=True)
class _Note:
    """What a release has of others, in ``.kept.json`` at its top."""

    #: The releases that the files are of, the newest first.
    origins: list[str]
    #: Folders in which they are.
    folders: list[str]
    paths: list[str]
    #: Whether all is in place: a run that was killed leaves a note that says no.
    complete: bool


class Assets:
    """Gives the live release of an app what only older ones have.

    :param folders: folders of a release that a web server hands out, empty for the release itself; none to keep
        nothing.
    """

    def __init__(self, store: Store, folders: Sequence[str]) -> None:
        self.store = store
        self.folders = sorted(folders)

    def is_tidy(self, live: str) -> bool:
        """Whether the live release has what it is to have, and no other has anything."""
        return self._is_complete(live) and not self._strays(live)

    def tidy(self, live: str) -> bool:
        """Bring all releases to that; whether anything was to be done."""
        strays = self._strays(live)
        for release in strays:
            self._bring(release, [])
        return self.bring(live) or bool(strays)

    def bring(self, release: str) -> bool:
        """Give a release what it is to have when it is live; whether anything was missing."""
        if self._is_complete(release):
            return False
        self._bring(release, self._origins(release))
        return True

    def _strays(self, live: str) -> list[str]:
        return [release for release in self.store.ids() if release != live and self._file(release).exists()]

    def _is_complete(self, release: str) -> bool:
        origins = self._origins(release)
        note = self._read(release)
        if note is None:
            return not origins
        return note.complete and (note.origins, note.folders) == (origins, self.folders)

    def _origins(self, release: str) -> list[str]:
        """Releases whose pages somebody may look at: all that were live and well, and the one that is live now."""
        if not release or not self.folders:
            return []
        live = self.store.live()
        others = [one for one in self.store.ids() if one != release and (one == live or self.store.settled(one))]
        return sorted(others, reverse=True)

    def _bring(self, release: str, origins: list[str]) -> None:
        top, before = self.store.releases / release, self._read(release)
        had = set(before.paths) if before else set()
        wanted: dict[str, Path] = {}
        for origin in origins:
            for path in self._own(origin):
                wanted.setdefault(path, self.store.releases / origin / path)
        wanted = {path: file for path, file in wanted.items() if path in had or _is_free(top / path, file)}
        if origins:
            # Before the first link: what is not in the note would be taken for a file of the release itself.
            self._write(release, _Note(origins, self.folders, sorted(had | set(wanted)), complete=False))
        for path in sorted(had - set(wanted)):
            _remove(top, path)
        for path, file in sorted(wanted.items()):
            _link(top, path, file)
        if origins:
            self._write(release, _Note(origins, self.folders, sorted(wanted), complete=True))
        else:
            self._file(release).unlink(missing_ok=True)

    def _own(self, release: str) -> Iterator[str]:
        """Files that a release has handed out itself."""
        note = self._read(release)
        inherited = set(note.paths) if note else set()
        top = self.store.releases / release
        for folder in self.folders:
            for place, folders, files in os.walk(top / folder):
                folders[:] = [name for name in folders if not name.startswith(".")]
                for name in files:
                    path = str((Path(place) / name).relative_to(top))
                    if path not in inherited and _is_asset(Path(place) / name):
                        yield path

    def _file(self, release: str) -> Path:
        return self.store.releases / release / _NOTE

    def _read(self, release: str) -> _Note | None:
        try:
            return _Note(**json.loads(self._file(release).read_text(encoding="utf-8"))) if release else None
        except (OSError, ValueError, TypeError):
            return None

    def _write(self, release: str, note: _Note) -> None:
        file = self._file(release)
        fresh = file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        with fresh.open("w", encoding="utf-8") as text:
            text.write(json.dumps(asdict(note)))
            text.flush()
            os.fsync(text.fileno())
        fresh.replace(file)


def _is_asset(file: Path) -> bool:
    """Whether somebody else's page may ask for a file: one that everybody can read, no page, nothing hidden."""
    info = file.lstat()
    named = not file.name.startswith(".") and not file.name.lower().endswith(_PAGES)
    return named and stat.S_ISREG(info.st_mode) and bool(info.st_mode & _READABLE)


def _is_free(place: Path, file: Path) -> bool:
    """Whether the release has nothing there itself; the same file is there after a note was lost."""
    return not os.path.lexists(place) or (place.exists() and place.samefile(file))


def _link(top: Path, path: str, file: Path) -> None:
    """Give ``file`` a second name in the release ``top``, in one step where it had another one before."""
    target = top / path
    if not _has_folders(top, path, file) or (target.exists() and target.samefile(file)):
        return
    fresh = target.with_name(_FRESH)
    fresh.unlink(missing_ok=True)
    fresh.hardlink_to(file)
    fresh.replace(target)


def _has_folders(top: Path, path: str, file: Path) -> bool:
    """Make the folders above ``path`` as the origin has them; not where the release has something else there."""
    parents = list(Path(path).parents)[-2::-1]
    for number, parent in enumerate(parents):
        here = top / parent
        if here.is_symlink() or (here.exists() and not here.is_dir()):
            return False
        if not here.exists():
            like = file.parents[len(parents) - number - 1].stat()
            here.mkdir(mode=stat.S_IMODE(like.st_mode))
            os.chown(here, like.st_uid, like.st_gid)
            here.chmod(stat.S_IMODE(like.st_mode))
    return True


def _remove(top: Path, path: str) -> None:
    """Remove a link, and the folders that are empty then."""
    file = top / path
    for name in (file, file.with_name(_FRESH)):
        name.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        for parent in list(Path(path).parents)[:-1]:
            (top / parent).rmdir()
