# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The releases of one app on a host: what is there, what is live, and the steps that make one live.

This module is private to the collection.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils._release_manifest import Entry
from ansible_collections.barehost.web.plugins.module_utils._release_seal import Ownership, seal
from ansible_collections.barehost.web.plugins.module_utils._release_user import WorkError
from ansible_collections.barehost.web.plugins.module_utils._tree import sync_file_system

RECORD = ".release.json"
_NEW_LINK = ".current.new"
_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}(-\d+)?\Z")


@dataclass(frozen=True)
class Record:
    """What a release remembers about itself, in ``.release.json`` at its top."""

    id: str
    app: str
    #: Digest of everything the release was made from; equal digests are the same release.
    digest: str
    #: For people: the source, and what it was resolved to.
    source: str
    version: str
    created: str
    manifest: list[list[Any]] = field(default_factory=list)

    def entries(self) -> list[Entry]:
        """The code as it was before anything was built in it."""
        return [Entry(*values) for values in self.manifest]


class Store:
    """The folder ``/srv/<app>``."""

    def __init__(self, app: str, root: Path = Path("/srv")) -> None:
        self.app = app
        self.home = root / app
        self.releases = self.home / "releases"
        self.current = self.home / "current"
        #: A build happens here; whatever is in it after a run is left from a run that was killed.
        self.staging = self.home / ".build"

    def is_foreign(self) -> bool:
        """Whether the folder is there and holds something, but no releases: somebody else's, not to be touched."""
        if self.home.is_symlink() or (self.home.exists() and not self.home.is_dir()):
            return True
        return self.home.is_dir() and not self.releases.is_dir() and any(self.home.iterdir())

    def live(self) -> str:
        """The id of the release that ``current`` points at; empty without one."""
        try:
            target = self.current.readlink()
        except OSError:
            return ""
        return target.name if target.parent == Path("releases") else ""

    def ids(self) -> list[str]:
        """All releases, oldest first."""
        try:
            with os.scandir(self.releases) as found:
                return sorted(entry.name for entry in found if _ID.match(entry.name) and not entry.is_symlink())
        except FileNotFoundError:
            return []

    def record(self, release: str) -> Record | None:
        """What release ``release`` remembers; ``None`` if that cannot be read."""
        if not release:
            return None
        try:
            return Record(**json.loads((self.releases / release / RECORD).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def is_sound(self, release: str, ownership: Ownership, program: str, *, environment: bool) -> bool:
        """Whether the folder of a release can be used: right owner, interpreter still there, program there."""
        folder = self.releases / release
        try:
            info = folder.stat()
        except OSError:
            return False
        if (info.st_uid, info.st_gid, info.st_mode & 0o7777) != (ownership.uid, ownership.gid, ownership.top):
            return False
        binaries = folder / ".venv/bin"
        return not environment or all((binaries / name).is_file() for name in ("python", program) if name)

    def new_id(self, digest: str) -> str:
        """A name for a release that sorts by time."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        name, count = f"{stamp}-{digest[:8]}", 1
        while (self.releases / name).exists():
            count += 1
            name = f"{stamp}-{digest[:8]}-{count}"
        return name

    def prepare(self, ownership: Ownership) -> bool:
        """Make the folders; whether that changed anything."""
        changed = False
        for folder in (self.home, self.releases):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            info = folder.stat()
            if (info.st_uid, info.st_gid, info.st_mode & 0o7777) != (ownership.uid, ownership.gid, ownership.top):
                os.chown(folder, ownership.uid, ownership.gid)
                folder.chmod(ownership.top)
                changed = True
        return changed

    def put(self, code: Path, record: Record, ownership: Ownership) -> None:
        """Make the finished folder ``code`` the release ``record.id``."""
        text = json.dumps(asdict(record))
        seal(code, ownership, {RECORD: (text, ownership.record_mode())})
        sync_file_system(self.home)
        code.rename(self.releases / record.id)
        _sync_folder(self.releases)

    def switch(self, release: str) -> None:
        """Make ``release`` the live one, in one step."""
        if self.current.is_dir() and not self.current.is_symlink():
            raise WorkError(f"{self.current} is a folder and not a link; move it away")
        fresh = self.home / _NEW_LINK
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(Path("releases") / release)
        fresh.replace(self.current)
        _sync_folder(self.home)

    def prune(self, keep: int, *protected: str) -> list[str]:
        """Remove all but the newest ``keep`` releases; the ``protected`` ones stay."""
        known = {release: self.record(release) is not None for release in self.ids()}
        removed = choose_removed(known, protected, keep)
        for release in removed:
            shutil.rmtree(self.releases / release)
        return removed

    def clear_staging(self) -> None:
        """Remove what is left of a build."""
        (self.home / _NEW_LINK).unlink(missing_ok=True)
        if self.staging.is_dir():
            shutil.rmtree(self.staging)

    def has_leftovers(self) -> bool:
        """Whether a run was killed here."""
        return self.staging.exists() or (self.home / _NEW_LINK).is_symlink()

    def remove(self) -> bool:
        """Remove everything the app had here; other files in its folder stay, and so does the folder then."""
        if self.is_foreign() or not self.home.is_dir():
            return False
        self.current.unlink(missing_ok=True)
        self.clear_staging()
        if self.releases.is_dir():
            shutil.rmtree(self.releases)
        if not any(self.home.iterdir()):
            self.home.rmdir()
        return True


def choose_removed(known: Mapping[str, bool], protected: Iterable[str], keep: int) -> list[str]:
    """Which releases go: those without a record, and the oldest ones that are more than ``keep``.

    :param known: whether each release has a record.
    :param protected: never removed, but counted.
    """
    safe = set(protected)
    usable = sorted((release for release, has_record in known.items() if has_record), reverse=True)
    others = [release for release in usable if release not in safe]
    kept = {*safe, *others[: max(keep - len(safe & set(usable)), 0)]}
    return sorted(release for release in known if release not in kept)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
