# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One app: what its release would be made of, whether that is there already, and how it becomes the live one.

This module is private to the collection.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ansible_collections.barehost.web.plugins.module_utils import _marks
from ansible_collections.barehost.web.plugins.module_utils._release_build import find_interpreter
from ansible_collections.barehost.web.plugins.module_utils._release_fetch import Source
from ansible_collections.barehost.web.plugins.module_utils._release_git import Commit, is_commit, resolve
from ansible_collections.barehost.web.plugins.module_utils._release_make import CACHE, Maker
from ansible_collections.barehost.web.plugins.module_utils._release_manifest import Entry
from ansible_collections.barehost.web.plugins.module_utils._release_seal import Ownership
from ansible_collections.barehost.web.plugins.module_utils._release_store import Store
from ansible_collections.barehost.web.plugins.module_utils._release_user import WorkError, account, stop_work

#: Counts up when releases come to be made in another way, so that every app is released anew.
_RECIPE = 1

Change = Literal["unchanged", "repaired", "switched", "released"]


@dataclass(frozen=True)
class App:
    """An app that is to be released."""

    name: str
    source: Source
    #: Files without a process, for a web server to hand out.
    public: bool
    #: Unit that runs the app; empty without one.
    unit: str
    #: How the unit takes up a new release.
    take_up: _marks.Action
    #: Whether the unit runs Debian's own Python, whatever Python the environment is made for.
    debian_python: bool
    python: str
    requirements: tuple[str, ...]
    #: Program that runs the app, and what brings it if the app's own dependencies do not.
    program: str
    program_requirement: str
    keep: int
    #: Commands that run in a release before it becomes the live one.
    commands: tuple[str, ...] = ()
    #: Folders of a release that a web server hands out.
    served: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """What holds for all apps of a run."""

    check: bool
    uv_version: str
    uv_hashes: tuple[str, ...]
    timeout: int
    #: File with what the controller sent; empty if it sent nothing.
    bundle: str


@dataclass(frozen=True)
class Done:
    """What became of an app, or would become of it in check mode."""

    change: Change
    release: str
    previous: str
    version: str
    before: tuple[Entry, ...] = ()
    #: ``None`` where the code is not known yet.
    after: tuple[Entry, ...] | None = None


def release_digest(app: App, identity: str, interpreter: str) -> str:
    """What a release is made of, as one digest. The interpreter counts: the next Debian needs a new environment."""
    made_of: list[Any] = [_RECIPE, app.source.kind, identity, app.source.subdirectory, app.public]
    if not app.public:
        made_of += [interpreter, sorted(app.requirements), app.program, app.program_requirement]
        made_of += [list(app.commands), sorted(app.served)]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


class AppRun:
    """Everything a run does for one app."""

    def __init__(self, app: App, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.store = Store(app.name)
        self.who = account(app.name)
        self.interpreter = None if app.public else find_interpreter(app.python)
        self.ownership = Ownership.of(self.who.gid if self.who else None, public=app.public, served=app.served)
        self.commit: Commit | None = None

    def complain(self) -> None:
        """Raise for what cannot work; a bare host in check mode has no user and no interpreter yet."""
        if self.store.is_foreign():
            raise WorkError(
                f"{self.store.home} is there already, and is no folder of releases. "
                "Move it away, or name the app otherwise."
            )
        if self.settings.check:
            return
        if self.who is None:
            raise WorkError(f"the host has no user '{self.app.name}'. barehost.web.accounts makes it.")
        if not self.app.public and self.interpreter is None:
            raise WorkError(f"the host has no python{self.app.python or '3'}. Install it, or choose another 'python'.")
        if self.interpreter and self.app.debian_python:
            self._complain_of_python(self.interpreter)

    def _complain_of_python(self, interpreter: Path) -> None:
        debian = find_interpreter("")
        if debian is None or debian.resolve() == interpreter.resolve():
            return
        ours, theirs = interpreter.resolve().name, debian.resolve().name
        raise WorkError(
            f"it is to run on {ours}, but Debian's module for its server runs apps on {theirs} only. "
            "Leave 'python' out, or write 'install: source' for a module that is built into the app's environment."
        )

    def resolve(self) -> None:
        """Find out which commit a version of a git repository is at the moment."""
        source = self.app.source
        if source.kind != "git":
            return
        if is_commit(source.version):
            self.commit = Commit(source.version)
        elif not self.settings.check or (self.who and (CACHE / self.app.name).is_dir() and shutil.which("git")):
            with self._maker().git() as (sandbox, url):
                self.commit = resolve(sandbox, url, source.version)

    def digest(self) -> str:
        """Digest of the wanted release."""
        source = self.app.source
        identity = source.digest or source.location
        if source.kind == "git":
            # Not known without changing the host: no release has this digest then.
            identity = self.commit.name if self.commit else ""
        return release_digest(self.app, identity, str(self.interpreter.resolve()) if self.interpreter else "")

    def usable(self) -> str:
        """The id of a sound release with the wanted digest, the live one first; empty if there is none."""
        digest = self.digest()
        for release in (self.store.live(), *reversed(self.store.ids())):
            record = self.store.record(release)
            if record and record.digest == digest and self._is_sound(release):
                return release
        return ""

    def _is_sound(self, release: str) -> bool:
        return self.store.is_sound(release, self.ownership, self.app.program, environment=not self.app.public)

    def needs_content(self) -> bool:
        """Whether the controller has to send the code."""
        return self.app.source.sent and not self.settings.bundle and not self.usable()

    def run(self) -> Done:
        """Make the wanted release the live one."""
        done = self._plan()
        if self.settings.check:
            return done
        repaired = self.store.prepare(self.ownership)
        if self.store.has_leftovers():
            stop_work(self.app.name)
            self.store.clear_staging()
            repaired = True
        if done.change == "unchanged":
            return replace(done, change="repaired") if repaired else done
        if done.change == "released":
            previous = self.store.releases / done.previous if done.previous else None
            made = self._maker().make(self.digest(), done.version, self.ownership, self.commit, (previous, done.before))
            done = replace(done, release=made.id, after=tuple(made.entries()))
        if self.app.unit:
            # Before the switch: a run that is killed between the two once too often, not once too little.
            _marks.mark(self.app.unit, self.app.take_up)
        self.store.switch(done.release)
        if self.app.unit:
            # And after it: another run may have taken the first mark for its own and restarted too early.
            _marks.mark(self.app.unit, self.app.take_up)
        self.store.prune(self.app.keep, done.release, done.previous)
        return done

    def _plan(self) -> Done:
        live, usable = self.store.live(), self.usable()
        record, found = self.store.record(live), self.store.record(usable)
        before = tuple(record.entries()) if record else ()
        if found is None:
            listing = [Entry(*values) for values in self.app.source.listing]
            return Done("released", "", live, self._version(), before, tuple(listing) or None)
        after = tuple(found.entries())
        if usable != live:
            return Done("switched", usable, live, self._version(), before, after)
        leftovers = self.settings.check and self.store.has_leftovers()
        return Done("repaired" if leftovers else "unchanged", usable, live, self._version(), before, after)

    def _version(self) -> str:
        source = self.app.source
        if source.kind == "git":
            return self.commit.name if self.commit else source.version
        return f"sha256:{source.digest}" if source.digest else source.place()

    def _maker(self) -> Maker:
        if self.who is None:
            raise WorkError(f"the host has no user '{self.app.name}'")
        return Maker(self.app, self.settings, self.store, self.who, self.interpreter or Path("/usr/bin/python3"))
