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
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from ansible_collections.barehost.web.plugins.module_utils._release_manifest import Entry
from ansible_collections.barehost.web.plugins.module_utils._release_seal import Ownership, seal
from ansible_collections.barehost.web.plugins.module_utils._release_user import WorkError
from ansible_collections.barehost.web.plugins.module_utils._tree import sync_file_system

RECORD = ".release.json"
_VERDICT = ".verdict.json"
_LIVE = ".live"
_NEW_LINK = ".current.new"
_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}(-\d+)?\Z")
_STAMP = "%Y%m%dT%H%M%SZ"


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
    #: Who made it, for people; empty for releases of a time when that was not noted.
    by: str = ""
    #: The last irreversible release, perhaps this one: older ones may not work with the data of today.
    barrier: str = ""
    #: Digest of all that the virtual environment is made of; empty where that may mean something else tomorrow.
    environment: str = ""

    def entries(self) -> list[Entry]:
        """The code as it was before anything was built in it."""
        return [Entry(*values) for values in self.manifest]


@dataclass(frozen=True)
class Verdict:
    """Why a release is not, or no more, to be live, in ``.verdict.json`` at its top, which only root can read."""

    #: ``refused`` before it was live, ``failed`` when it was made live, ``withdrawn`` by somebody.
    state: Literal["refused", "failed", "withdrawn"]
    time: str
    by: str
    reason: str = ""


def _is_of(folder: Path, ownership: Ownership) -> bool:
    try:
        info = folder.stat()
    except OSError:
        return False
    return (info.st_uid, info.st_gid, info.st_mode & 0o7777) == (ownership.uid, ownership.gid, ownership.top)


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

    def verdict(self, release: str) -> Verdict | None:
        """Why a release was kept from being live; ``None`` for one that nothing is known against."""
        try:
            return Verdict(**json.loads((self.releases / release / _VERDICT).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def condemn(self, release: str, verdict: Verdict) -> None:
        """Note why a release is not to be live. It stays, for whoever looks into it."""
        file = self.releases / release / _VERDICT
        fresh = file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(asdict(verdict)), encoding="utf-8")
        fresh.replace(file)

    def absolve(self, release: str) -> None:
        """Forget what was known against a release."""
        (self.releases / release / _VERDICT).unlink(missing_ok=True)

    def settle(self, release: str) -> None:
        """Note that a release is live and well."""
        self.absolve(release)
        (self.releases / release / _LIVE).touch(mode=0o600)

    def settled(self, release: str) -> int:
        """When a release was found live and well for the last time, in nanoseconds; 0 for never."""
        try:
            return (self.releases / release / _LIVE).stat().st_mtime_ns
        except OSError:
            return 0

    def barrier(self) -> str:
        """The last irreversible release; empty without one."""
        records = [self.record(release) for release in self.ids()]
        return max((record.barrier for record in records if record), default="")

    def environments(self) -> Iterator[Path]:
        """Every virtual environment, of releases and of a build."""
        yield from self.releases.glob("*/.venv")
        yield from self.staging.glob("*/.venv")

    def alike(self, environment: str) -> Iterator[Path]:
        """Find the virtual environments of releases that are made of the same, the live one first."""
        for release in (self.live(), *reversed(self.ids())):
            record = self.record(release)
            folder = self.releases / release / ".venv"
            if environment and record and record.environment == environment and (folder / "bin/python").is_file():
                yield folder

    def before(self) -> str:
        """The release to return to: the one that was live before, of those that nothing is known against; or none."""
        live, ids = self.live(), self.ids()
        last = max(ids, key=self.settled, default="")
        verdict = self.verdict(last) if last != live else None
        if verdict and verdict.state == "withdrawn" and self.settled(last) > self.settled(live):
            # A return that was cut off after the switch.
            return live
        others = [one for one in ids if one != live and self.record(one) and not self.verdict(one)]
        return max(others, key=lambda one: (self.settled(one), one), default="")

    def is_sound(self, release: str, ownership: Ownership, program: str, *, environment: bool) -> bool:
        """Whether the folder of a release can be used: right owner, interpreter still there, program there."""
        folder = self.releases / release
        try:
            info = folder.stat()
        except OSError:
            return False
        # An older release may have had nothing for others to come through to.
        found = (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode) & ~stat.S_IXOTH)
        if found != (ownership.uid, ownership.gid, ownership.top & ~stat.S_IXOTH):
            return False
        binaries = folder / ".venv/bin"
        return not environment or all((binaries / name).is_file() for name in ("python", program) if name)

    def new_id(self, begun: str, label: str) -> str:
        """A name that sorts behind all that are there.

        :param begun: when the run began, for all of its hosts alike; later where a clock has been wrong.
        :param label: what the code is, for all hosts alike.
        """
        newest = max((one.partition("-")[0] for one in self.ids()), default="")
        if begun <= newest:
            then = datetime.strptime(newest, _STAMP).replace(tzinfo=UTC)
            begun = (then + timedelta(seconds=1)).strftime(_STAMP)
        return f"{begun}-{label}"

    def is_prepared(self, ownership: Ownership) -> bool:
        """Whether the folders are there, and whose they are to be."""
        return all(_is_of(folder, ownership) for folder in (self.home, self.releases))

    def prepare(self, ownership: Ownership) -> bool:
        """Make the folders; whether that changed anything."""
        changed = False
        for folder in (self.home, self.releases):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_of(folder, ownership):
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
        verdicts = {release: self.verdict(release) for release in known}
        bad = [(verdict.time, one) for one, verdict in verdicts.items() if verdict and verdict.state != "withdrawn"]
        refused = [release for _time, release in sorted(bad)]
        removed = choose_removed(known, protected, keep, refused)
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


def now() -> str:
    """The time, as records have it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def choose_removed(
    known: Mapping[str, bool], protected: Iterable[str], keep: int, refused: Sequence[str] = ()
) -> list[str]:
    """Which releases go: those without a record, and the oldest ones that are more than ``keep``.

    :param known: whether each release has a record.
    :param protected: never removed, but counted.
    :param refused: releases that did not work, in the order in which that was seen. The last one stays to be looked
        into, in nobody's place.
    """
    safe = set(protected)
    bad = [release for release in refused if known.get(release) and release not in safe]
    usable = sorted(
        (release for release, has_record in known.items() if has_record and release not in bad), reverse=True
    )
    others = [release for release in usable if release not in safe]
    kept = {*safe, *others[: max(keep - len(safe & set(usable)), 0)], *bad[-1:]}
    return sorted(release for release in known if release not in kept)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
