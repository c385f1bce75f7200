# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One call of barehost.web.release on the host: all apps of the model, under one lock.

This module is private to the collection.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils import _marks
from ansible_collections.barehost.web.plugins.module_utils._accounts import AccountError, Accounts
from ansible_collections.barehost.web.plugins.module_utils._host import Answer, HostError
from ansible_collections.barehost.web.plugins.module_utils._lock import lock
from ansible_collections.barehost.web.plugins.module_utils._programs import programs_of
from ansible_collections.barehost.web.plugins.module_utils._programs_plan import SUFFIX, is_program, short
from ansible_collections.barehost.web.plugins.module_utils._ready import Probe
from ansible_collections.barehost.web.plugins.module_utils._release_app import App, AppRun, Done, Settings
from ansible_collections.barehost.web.plugins.module_utils._release_fetch import Source
from ansible_collections.barehost.web.plugins.module_utils._release_index import index_from
from ansible_collections.barehost.web.plugins.module_utils._release_make import CACHE
from ansible_collections.barehost.web.plugins.module_utils._release_manifest import Entry
from ansible_collections.barehost.web.plugins.module_utils._release_preflight import Health, preflight_from
from ansible_collections.barehost.web.plugins.module_utils._release_python import tidy
from ansible_collections.barehost.web.plugins.module_utils._release_registry import Registry
from ansible_collections.barehost.web.plugins.module_utils._release_shared import SharedData, shared_from
from ansible_collections.barehost.web.plugins.module_utils._release_store import Store
from ansible_collections.barehost.web.plugins.module_utils._release_user import (
    STATE,
    WorkError,
    account,
    leave_data,
    mask,
    stop_work,
)
from ansible_collections.barehost.web.plugins.module_utils._supervisor import Supervisor
from ansible_collections.barehost.web.plugins.module_utils._units import show

#: Repositories are asked for their versions at the same time, but not more than this.
_QUESTIONS = 8


@dataclass(frozen=True)
class Request:
    """What one call wants; the options of the module in typed form."""

    apps: tuple[App, ...]
    absent: tuple[str, ...]
    #: All names the model mentions, also those this call does nothing about.
    entries: frozenset[str]
    purge: bool
    lock_timeout: int
    break_lock: bool
    settings: Settings


@dataclass
class Outcome:
    """What a call did, or would do in check mode."""

    changed: bool = False
    #: Apps whose code the controller has to send; nothing was done then.
    needed: list[str] = field(default_factory=list)
    apps: list[dict[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    diff: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    #: What is worth knowing, but no reason to worry.
    notes: list[str] = field(default_factory=list)


def release(request: Request) -> Outcome:
    """Bring the host to what ``request`` wants, app by app.

    A failure of one app does not keep the others from being released; ``Outcome.failures`` tells of it.
    """
    if request.settings.check:
        return _release(request)
    settings = request.settings
    place = _marks.STATE / "release.lock"
    way_out = ", or end it with -e break_lock=true" if settings.deploys else ""
    with lock(place, request.lock_timeout, owner=settings.by, breaking=request.break_lock, way_out=way_out):
        return _release(request)


def _release(request: Request) -> Outcome:
    outcome, registry = Outcome(), Registry()
    runs = [AppRun(app, request.settings) for app in request.apps]
    if not request.settings.check:
        outcome.needed = [run.app.name for run in runs if run.needs_content()]
        if outcome.needed:
            return outcome
    runs = _resolved(runs, outcome)
    for run in runs:
        with _noted(outcome, run.app.name):
            run.complain()
            if request.settings.deploys:
                _complain_of_host(run, registry)
            if not request.settings.check:
                registry.add(run.app.name, run.app.unit)
            _report(run.app, run.run(), outcome)
    units = registry.units()
    for app in request.absent:
        _remove(app, units.get(app, ""), outcome, registry, check=request.settings.check)
    outcome.orphans = [app for app in units if app not in request.entries]
    if request.purge:
        _purge(units, outcome, registry, check=request.settings.check)
    if not request.settings.check:
        tidy(place for app in registry.units() for place in Store(app).environments())
    return outcome


def _complain_of_host(run: AppRun, registry: Registry) -> None:
    """Raise where the app does not run yet, or runs otherwise than the model says: that is more than a release."""
    name, unit = run.app.name, run.app.unit
    known = registry.units().get(name)
    loaded = not unit or is_program(unit) or show([unit])[unit].load == "loaded"
    if known != unit or not run.store.live() or not loaded:
        theirs = f"runs as {known}" if known else "does not run"
        raise WorkError(f"on this host it {theirs} yet, and not as {unit or 'files'}. Run site.yml first.")


@contextlib.contextmanager
def _noted(outcome: Outcome, app: str) -> Iterator[None]:
    """Note the failure of one app and go on with the next."""
    try:
        yield
    except (WorkError, AccountError) as error:
        outcome.failures[app] = str(error)
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        outcome.failures[app] = f"{error.strerror or error}{place}"


def _resolved(runs: Sequence[AppRun], outcome: Outcome) -> list[AppRun]:
    """Ask all repositories at the same time; what remains are the apps whose version is known."""

    def ask(run: AppRun) -> None:
        with _noted(outcome, run.app.name):
            run.complain()
            run.resolve()

    asking = [run for run in runs if run.app.source.kind == "git"]
    if asking:
        with ThreadPoolExecutor(_QUESTIONS) as pool:
            list(pool.map(ask, asking))
    return [run for run in runs if run.app.name not in outcome.failures]


def _report(app: App, done: Done, outcome: Outcome) -> None:
    outcome.apps.append(
        {
            "name": app.name,
            "change": done.change,
            "release": done.release,
            "previous": done.previous,
            "source": app.source.label(),
            "version": mask(done.version),
        }
    )
    if done.note:
        outcome.notes.append(f"app '{app.name}': {done.note}.")
    if done.change == "unchanged":
        return
    outcome.changed = True
    before = f"release {done.previous}" if done.previous else ""
    after = f"release {done.release or '(to be built)'}, {app.source.label()}, {mask(done.version)}"
    outcome.diff.append(
        {
            "before_header": f"{app.name}: live release" if done.previous else f"{app.name}: (no release)",
            "after_header": f"{app.name}: new release",
            "before": _listing(before, done.before if done.after is not None else ()),
            "after": _listing(after, done.after or ()),
        }
    )


def _listing(title: str, entries: Sequence[Entry]) -> str:
    return "".join(f"{line}\n" for line in (title, *(entry.line() for entry in entries)) if line)


def _remove(app: str, unit: str, outcome: Outcome, registry: Registry, *, check: bool) -> None:
    """Remove all that was made for an app, its user first: a process that still runs keeps its user, and its code."""
    store, cache, accounts = Store(app), CACHE / app, Accounts(check=check)
    with _noted(outcome, app):
        if store.has_leftovers() and not check:
            stop_work(app)
        who = account(app)
        accounts.ensure([{"name": app, "state": "absent"}], [])
        if who and accounts.changes and not check:
            SharedData(app, who, ()).clear()
            leave_data(STATE / app, who)
        ours = store.home.is_dir() and not store.is_foreign()
        if not (ours or accounts.changes or cache.is_dir() or app in registry.units()):
            return
        outcome.changed = True
        outcome.removed.append(app)
        header, before = f"{app}: {store.home}", f"release {store.live()}\n"
        outcome.diff.append({"before_header": header, "after_header": "(removed)", "before": before, "after": ""})
        if check:
            return
        store.remove()
        if ours and store.home.exists():
            outcome.warnings.append(f"{store.home} holds files that are not of a release; it was left with these.")
        if cache.is_dir():
            shutil.rmtree(cache)
        if unit:
            _marks.clear_mark(unit)
        registry.forget(app)


def _purge(units: Mapping[str, str], outcome: Outcome, registry: Registry, *, check: bool) -> None:
    """Remove what the model no longer mentions, but never the code of a process that still runs."""
    for app in outcome.orphans:
        # Where nothing is done, nothing has ended it yet that would have.
        if units[app] and not check and _is_active(units[app]):
            outcome.warnings.append(
                f"'{app}' is no longer in the model, but {units[app]} still runs: it was not removed."
            )
        else:
            _remove(app, units[app], outcome, registry, check=check)


def _is_active(unit: str) -> bool:
    if is_program(unit):
        now = programs_of(Supervisor()).get(short(unit))
        return now is not None and now.is_up
    return subprocess.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode == 0


def explain(outcome: Outcome, total: int) -> str:
    """The failures as one message: which entry, what happened, what is live now, and the way out."""
    lines = [f"{len(outcome.failures)} of {total} apps could not be brought to the wanted state."]
    for app, reason in outcome.failures.items():
        live = Store(app).live()
        state = f"Release {live} of '{app}' is live as before." if live else f"No release of '{app}' is live."
        lines += [f"- app '{app}': {mask(reason)}", f"  {state} Correct the entry or its source and run again."]
    return "\n".join(lines)


def request_from(payload: Mapping[str, Any], *, check: bool) -> Request:
    """Build a request from the plain data that the controller sent."""
    deploy = payload["deploy"] or {}
    addresses = {one["name"]: one for one in deploy.get("addresses", ())}
    settings = Settings(
        check=check,
        uv_version=payload["uv_version"],
        uv_hashes=tuple(payload["uv_hashes"]),
        timeout=payload["timeout"],
        bundle=payload["bundle"],
        begun=payload["begun"],
        by=payload["by"],
        deploys=bool(deploy),
        return_to=deploy.get("return_to", ""),
        again=deploy.get("again", False),
        despite_data=deploy.get("despite_data", False),
        asks=deploy.get("ask", True),
        fetches=payload.get("fetch_python", False),
    )
    present = [entry for entry in payload["apps"] if entry["state"] == "present"]
    return Request(
        apps=tuple(_app(entry, payload, addresses.get(entry["name"])) for entry in present),
        absent=tuple(entry["name"] for entry in payload["apps"] if entry["state"] == "absent"),
        entries=frozenset((*payload["entries"], *(entry["name"] for entry in payload["apps"]))),
        purge=payload["purge"],
        lock_timeout=payload["lock_timeout"],
        break_lock=deploy.get("break_lock", False),
        settings=settings,
    )


def _app(entry: Mapping[str, Any], payload: Mapping[str, Any], address: Mapping[str, str] | None) -> App:
    preflight = preflight_from(entry, payload["programs"])
    return App(
        name=entry["name"],
        source=Source(**entry["source"]),
        public=entry["server"] == "none",
        unit=_unit(entry),
        python=entry["python"],
        requirements=tuple(entry["requirements"]),
        index=index_from(entry.get("index"), payload.get("index")),
        take_up=entry["take_up"],
        debian_python=entry["debian_python"],
        program=entry["program"],
        program_requirement=payload["requirements"].get(entry["program"], ""),
        keep=entry["keep_releases"],
        commands=tuple(entry["commands"]),
        served=tuple(folder.strip("/") for folder in entry["public"]),
        preflight=preflight,
        keep_assets=entry["keep_assets"],
        shared=shared_from(entry),
        irreversible=entry["irreversible"],
        ready=_ready(address, preflight.health) if address else None,
    )


def _ready(address: Mapping[str, str], health: Health) -> Probe:
    """How the server of an app is asked when it has taken up a release."""
    return Probe(
        address["address"],
        path=health.path,
        host=health.host,
        timeout=health.timeout,
        protocol=address["protocol"],
        method=health.method,
        status=health.status,
    )


def _unit(entry: Mapping[str, Any]) -> str:
    """What runs an app: a unit of systemd or a program of supervisord; empty for an app without a process."""
    if entry["server"] == "none":
        return ""
    name = entry["name"]
    return f"{name}{SUFFIX}" if entry["manager"] == "supervisor" else f"{entry['server']}@{name}.service"


def described(outcome: Outcome) -> dict[str, Any]:
    """The outcome as the result of a module."""
    result = json.loads(json.dumps(outcome.__dict__))
    del result["failures"], result["warnings"]
    return dict(result)


def run(options: Mapping[str, Any], *, check: bool) -> Answer:
    """Do the work of barehost.web.release."""
    request = request_from(options, check=check)
    outcome = release(request)
    if outcome.failures:
        raise HostError(explain(outcome, len(request.apps) + len(request.absent)), **described(outcome))
    return Answer(described(outcome), outcome.warnings)
