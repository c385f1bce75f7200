# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One app: what its release would be made of, whether that is there already, and how it becomes the live one.

This module is private to the collection.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NoReturn

from ansible_collections.barehost.web.plugins.module_utils import _marks, _workers
from ansible_collections.barehost.web.plugins.module_utils._ready import Probe
from ansible_collections.barehost.web.plugins.module_utils._release_assets import Assets
from ansible_collections.barehost.web.plugins.module_utils._release_build import install_uv
from ansible_collections.barehost.web.plugins.module_utils._release_fetch import Source
from ansible_collections.barehost.web.plugins.module_utils._release_git import Commit, is_commit, resolve
from ansible_collections.barehost.web.plugins.module_utils._release_index import Index
from ansible_collections.barehost.web.plugins.module_utils._release_make import CACHE, Maker
from ansible_collections.barehost.web.plugins.module_utils._release_manifest import Entry
from ansible_collections.barehost.web.plugins.module_utils._release_preflight import Preflight, ask
from ansible_collections.barehost.web.plugins.module_utils._release_python import fetch, find_interpreter
from ansible_collections.barehost.web.plugins.module_utils._release_seal import Ownership
from ansible_collections.barehost.web.plugins.module_utils._release_shared import Shared, SharedData
from ansible_collections.barehost.web.plugins.module_utils._release_store import Store, Verdict, now
from ansible_collections.barehost.web.plugins.module_utils._release_user import WorkError, account, stop_work
from ansible_collections.barehost.web.plugins.module_utils._units import UnitError, bring
from ansible_collections.barehost.web.plugins.module_utils._units_plan import Wanted

#: Counts up when releases come to be made in another way, so that every app is released anew.
_RECIPE = 1

#: The word for the release that was live before.
PREVIOUS = "previous"
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
    #: Whether files of older releases that a web server has handed out can still be fetched.
    keep_assets: bool = True
    #: Paths of a release that lead to data of all releases.
    shared: tuple[Shared, ...] = ()
    #: How a release is asked before it is live.
    preflight: Preflight = field(default_factory=Preflight)
    #: Whether releases that are older than this one cannot use the data that its commands leave.
    irreversible: bool = False
    #: Where its packages come from.
    index: Index = field(default_factory=Index)
    #: How its server is asked when the release is handed over; nothing is handed over without it.
    ready: Probe | None = None


@dataclass(frozen=True)
class Settings:
    """What holds for all apps of a run."""

    check: bool
    uv_version: str
    uv_hashes: tuple[str, ...]
    timeout: int
    #: File with what the controller sent; empty if it sent nothing.
    bundle: str
    #: When the run began, the same on every host: the begin of the names of new releases.
    begun: str
    #: Who releases, for people.
    by: str = ""
    #: Whether this is a run for releases only, which wants to know of what it cannot do.
    deploys: bool = False
    #: The release to return to instead of releasing anything: an id, or ``previous``.
    return_to: str = ""
    #: Whether a release that was withdrawn may be live again.
    again: bool = False
    #: Whether data of an irreversible release is no obstacle.
    despite_data: bool = False
    #: Whether a release is asked before it is live.
    asks: bool = True
    #: Whether uv may fetch a Python that the host does not have.
    fetches: bool = False


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
    #: What the user should know of a release that is live.
    note: str = ""


def release_digest(app: App, identity: str, interpreter: str) -> str:
    """What a release is made of, as one digest. The interpreter counts: the next Debian needs a new environment."""
    made_of: list[Any] = [_RECIPE, app.source.kind, identity, app.source.subdirectory, app.public]
    if not app.public:
        made_of += [interpreter, sorted(app.requirements), app.program, app.program_requirement]
        made_of += [list(app.commands), sorted(app.served)]
        # What has none is the same release as ever.
        made_of += [[astuple(one) for one in sorted(app.shared)]] if app.shared else []
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


class AppRun:
    """Everything a run does for one app."""

    def __init__(self, app: App, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.store = Store(app.name)
        self.who = account(app.name)
        self.interpreter = None if app.public else find_interpreter(app.python)
        self.ownership = replace(
            Ownership.of(self.who.gid if self.who else None, public=app.public, served=app.served),
            through=tuple(one.path for one in app.shared if one.public),
            links=tuple(one.path for one in app.shared),
            holder=self.who.uid if self.who else 0,
        )
        self.data = SharedData(app.name, self.who, app.shared)
        folders = [""] if app.public else app.served
        self.assets = Assets(self.store, folders if app.keep_assets else ())
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
            self.interpreter = self._fetch_python()
        if self.interpreter and self.app.debian_python:
            self._complain_of_python(self.interpreter)

    def _fetch_python(self) -> Path:
        python = self.app.python
        if not python or not self.settings.fetches:
            may = ", or let uv fetch it with app_fetch_python: true" if python else ""
            raise WorkError(f"the host has no python{python or '3'}. Install it, choose another 'python'{may}.")
        index = self.app.index
        return fetch(lambda: install_uv(self.settings.uv_version, self.settings.uv_hashes, index), python)

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
        interpreter = str(self.interpreter.resolve()) if self.interpreter else ""
        return release_digest(self.app, self._identity(), interpreter)

    def label(self) -> str:
        """What the wanted release is on every host, whatever Python it has there: the end of its name."""
        return release_digest(self.app, self._identity(), "")[:8]

    def _identity(self) -> str:
        source = self.app.source
        if source.kind == "git":
            # Not known without changing the host: no release has the digest of nothing.
            return self.commit.name if self.commit else ""
        return source.digest or source.location

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
        if done.change != "released" and not self.data.is_whole():
            self.data.make()
            repaired = True
        if done.change == "unchanged":
            self._make_good(done)
            repaired = self.assets.tidy(done.release) or repaired
            return replace(done, change="repaired") if repaired else done
        if done.change == "released":
            previous = self.store.releases / done.previous if done.previous else None
            name = self.store.new_id(self.settings.begun, self.label())
            named = (name, self.digest(), done.version)
            made = self._maker().make(named, self.ownership, self.commit, (previous, done.before))
            done = replace(done, release=made.id, after=tuple(made.entries()))
        done = replace(done, note=self._ask(done))
        if self.settings.return_to:
            # Before the switch: a run that is killed between the two can be run again, and goes back no further.
            self.store.condemn(done.previous, Verdict("withdrawn", now(), self.settings.by))
        self.assets.bring(done.release)
        owed = [unit for unit in self._to_tell() if _marks.read_mark(unit)]
        self._switch(done.release)
        self._hand_over(done, owed)
        self.store.settle(done.release)
        self.store.prune(self.app.keep, done.release, done.previous)
        self.assets.tidy(done.release)
        return done

    def _make_good(self, done: Done) -> None:
        """Hand over what a killed run has not."""
        if self.app.ready and any(_marks.read_mark(unit) for unit in self._to_tell()):
            try:
                for units in self._in_turn():
                    bring(units)
            except UnitError as error:
                raise WorkError(str(error)) from error
        # A return that was cut off is complete now; otherwise it is known already when the release came to be live.
        if done.release and (self.settings.return_to or not self.store.settled(done.release)):
            self.store.settle(done.release)

    def _in_turn(self) -> list[list[Wanted]]:
        """Give what takes up a release, in its order: the workers do when the server is well."""
        server = [Wanted(self.app.unit, entry=self.app.name, probe=self.app.ready)] if self.app.unit else []
        return [units for units in (server, _workers.of_app(self.app.name)) if units]

    def _to_tell(self) -> dict[str, _marks.Action]:
        """Give what each unit of the app does to take up a release."""
        server = {self.app.unit: self.app.take_up} if self.app.unit else {}
        return {**dict.fromkeys(_workers.enabled(_workers.every(self.app.name)), "restart"), **server}

    def _mark(self) -> None:
        for unit, action in self._to_tell().items():
            _marks.mark(unit, action)

    def _switch(self, release: str) -> None:
        """Make a release the live one, and note that its units have to take it up."""
        # Before the switch: a run that is killed between the two once too often, not once too little.
        self._mark()
        self.store.switch(release)
        # And after it: another run may have taken the first mark for its own and restarted too early.
        self._mark()

    def _hand_over(self, done: Done, owed: Collection[str]) -> None:
        """Have the units take up the live release now, if it is time; take it back if that does not work.

        :param owed: units that had something to take up before the release.
        """
        if self.app.ready is None:
            return
        waiting = self._in_turn()
        while waiting:
            try:
                bring(waiting.pop(0))
            except UnitError as error:
                self._take_back(done, str(error), [unit.name for units in waiting for unit in units], owed)

    def _take_back(self, done: Done, reason: str, untouched: Sequence[str], owed: Collection[str]) -> NoReturn:
        """Make the release live again that was, because the new one does not come up.

        :param untouched: units that have not heard of the new one, and go on as they are.
        """
        if self.settings.return_to:
            self.store.absolve(done.previous)
        else:
            self.store.condemn(done.release, Verdict("failed", now(), self.settings.by, reason))
        if self._barrier_before(done.previous):
            raise WorkError(f"{reason}\nIt stays live, because it is irreversible: {done.previous} is older.")
        self._switch(done.previous)
        for unit in set(untouched).difference(owed):
            _marks.clear_mark(unit)
        try:
            for units in self._in_turn():
                bring([unit for unit in units if unit.name not in untouched])
        except UnitError as error:
            raise WorkError(f"{reason}\nRelease {done.previous} was made live again, but {error}") from error
        self.assets.tidy(done.previous)
        folder = self.store.releases / done.release
        raise WorkError(f"{reason}\nIt is kept in {folder}, for you to look into, and is not live.")

    def _barrier_before(self, release: str) -> str:
        """An irreversible release that is newer than this one; empty if there is none."""
        barrier = self.store.barrier()
        return barrier if barrier > release else ""

    def _ask(self, done: Done) -> str:
        """Have a release answer before it is live; one that does not is kept aside."""
        if self.who is None or not self.app.preflight.wsgi or not self.settings.asks:
            return ""
        try:
            return ask(self.who, self.store.releases / done.release, self.app.preflight)
        except WorkError as error:
            if not self.store.settled(done.release):
                self.store.condemn(done.release, Verdict("refused", now(), self.settings.by, str(error)))
            self.store.prune(self.app.keep, done.previous)
            folder = self.store.releases / done.release
            raise WorkError(f"{error}\nIt is kept in {folder}, for you to look into, and is not live.") from error

    def _plan(self) -> Done:
        live = self.store.live()
        usable = self._older() if self.settings.return_to else self.usable()
        record, found = self.store.record(live), self.store.record(usable)
        before = tuple(record.entries()) if record else ()
        version = found.version if found and self.settings.return_to else self._version()
        if found is None:
            listing = [Entry(*values) for values in self.app.source.listing]
            return Done("released", "", live, version, before, tuple(listing) or None)
        after = tuple(found.entries())
        if usable != live:
            withdrawn = self._withdrawn(usable, live)
            if withdrawn:
                return Done("unchanged", live, live, record.version if record else "", before, before, withdrawn)
            self._complain_of_data(usable)
            return Done("switched", usable, live, version, before, after)
        repairs = self.settings.check and not self._is_in_order(live)
        return Done("repaired" if repairs else "unchanged", usable, live, version, before, after)

    def _is_in_order(self, live: str) -> bool:
        """Tell whether a run that changes nothing would have nothing to repair or to make good either."""
        owes = self.app.ready is not None and any(_marks.read_mark(unit) for unit in self._to_tell())
        return (
            self.store.is_prepared(self.ownership)
            and self.assets.is_tidy(live)
            and self.data.is_whole()
            and not self.store.has_leftovers()
            and not owes
            and bool(self.store.settled(live))
        )

    def _older(self) -> str:
        """The release to return to."""
        wanted, ids = self.settings.return_to, self.store.ids()
        release = self.store.before() if wanted == PREVIOUS else wanted
        if not release:
            raise WorkError("there is no other release to return to that was live and well")
        if release not in ids or self.store.record(release) is None:
            raise WorkError(f"there is no release '{release}'; there is {', '.join(ids) or 'none at all'}")
        if not self._is_sound(release):
            raise WorkError(f"release {release} is not whole any more: its owner, its Python or its server has gone")
        return release

    def _withdrawn(self, release: str, live: str) -> str:
        """Why a release that somebody has withdrawn is not made live; empty if it may be."""
        verdict = self.store.verdict(release)
        if not live or self.settings.again or self.settings.return_to or not verdict or verdict.state != "withdrawn":
            return ""
        reason = (
            f"release {release}, which is what the model wants, was withdrawn by {verdict.by or 'somebody'} at "
            f"{verdict.time}; {live} stays live. Change the version, or have it back by playbooks/deploy.yml "
            f"-e app={self.app.name} -e again=true"
        )
        if self.settings.deploys:
            raise WorkError(reason)
        return reason

    def _complain_of_data(self, release: str) -> None:
        barrier = self._barrier_before(release)
        if barrier and not self.settings.despite_data:
            raise WorkError(
                f"release {barrier} is irreversible: its commands have changed data for good, and {release} is older. "
                f"Bring back data that it can use, and then say playbooks/rollback.yml -e app={self.app.name} "
                f"-e release={release} -e despite_data=true"
            )

    def _version(self) -> str:
        source = self.app.source
        if source.kind == "git":
            return self.commit.name if self.commit else source.version
        return f"sha256:{source.digest}" if source.digest else source.place()

    def _maker(self) -> Maker:
        if self.who is None:
            raise WorkError(f"the host has no user '{self.app.name}'")
        return Maker(self.app, self.settings, self.store, self.who, self.interpreter or Path("/usr/bin/python3"))
