# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what a host says, and what the model wants, to the rows of a report. Private to the collection."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from ansible_collections.barehost.web.plugins.plugin_utils import _report_certificates
from ansible_collections.barehost.web.plugins.plugin_utils._convert import plain
from ansible_collections.barehost.web.plugins.plugin_utils._entries import spec
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Problem
from ansible_collections.barehost.web.plugins.plugin_utils._report import (
    Disk,
    Finding,
    Host,
    Service,
    Timer,
    things,
)
from ansible_collections.barehost.web.plugins.plugin_utils._schema import fill

Facts: TypeAlias = Mapping[str, Any]
Entries: TypeAlias = Mapping[str, Mapping[str, Any]]

_RUN = "run the playbook site.yml"
_DAY = 24 * 60 * 60
#: What is called otherwise by systemd and by its package than by the model.
_WEB = {"nginx": ("nginx.service", "nginx", "nginx"), "apache": ("apache2.service", "apache2", "Apache")}
_OTHERS = (("mariadb.service", "mariadb-server", "MariaDB"), ("supervisor.service", "supervisor", "supervisord"))
_PACKAGES = {"uwsgi": "uwsgi-core", "mod_wsgi": "libapache2-mod-wsgi-py3"}
_COMMIT = re.compile(r"\A([0-9a-f]{12})[0-9a-f]{28}\Z")
_VARIABLES = {"site": "web_sites", "app": "web_apps", "WordPress": "web_wordpress"}
_RUNNING = frozenset({"active", "reloading", "refreshing"})


@dataclass(frozen=True)
class Limits:
    """From where on something needs attention."""

    days: int = 21
    disk: int = 90
    backup_days: int = 0

    def problems(self) -> list[Problem]:
        """Find out which of them mean nothing; they are called as role report has them."""
        ranges = {"days": (0, None), "disk": (1, 100), "backup_days": (0, None)}
        found = []
        for key, (least, most) in ranges.items():
            value = getattr(self, key)
            if value < least or (most is not None and value > most):
                way_out = f"the least is {least}" + (f", the most is {most}" if most is not None else "")
                found.append(Problem(f"report_{key}", f"is {value}", way_out))
        return found


@dataclass(frozen=True)
class Model:
    """What is wanted of a host, by name, as far as anything is known of it."""

    #: Of which kinds anything is known: those whose variable is set.
    kinds: frozenset[str] = frozenset()
    sites: Entries = field(default_factory=dict)
    apps: Entries = field(default_factory=dict)
    wordpress: Entries = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing is to be there."""
        everything = (*self.sites.values(), *self.apps.values(), *self.wordpress.values())
        return not any(entry["state"] == "present" for entry in everything)


def model_of(given: Mapping[str, object]) -> Model:
    """Read the variables of the model; of what one that is not set would hold nothing is wanted."""

    def entries(name: str) -> Entries:
        filled = fill(plain(given.get(name) or []), spec(name))
        return {entry["name"]: entry for entry in filled}

    kinds = frozenset(kind for kind, name in _VARIABLES.items() if given.get(name) is not None)
    return Model(kinds, entries("web_sites"), entries("web_apps"), entries("web_wordpress"))


def judged(name: str, facts: Facts, model: Model, limits: Limits, now: datetime) -> Host:
    """Judge a host."""
    bare = not facts["entries"] and not facts["apps"]
    findings, notes = [*_owed(facts)], [*_others(facts)]
    if bare:
        reason = "nothing of barehost.web is on this host yet"
        (notes if model.empty else findings).append(Finding("host", reason, _RUN))
    else:
        notes += [*_left_over(facts, model), *_restarts(facts)]
    return Host(
        name=name,
        system=facts["system"],
        uptime=int(facts["uptime"]),
        certificates=tuple(
            _report_certificates.judged(
                facts["certificates"], _domains(facts, model), _modes(model), days=limits.days, now=now
            )
        ),
        services=() if bare else tuple(_services(facts, model)),
        timers=tuple(_timers(facts, limits)),
        disks=tuple(_disk(disk, limits.disk) for disk in facts["disks"]),
        findings=tuple(findings),
        notes=tuple(notes),
    )


# --- units -----------------------------------------------------------------------------------------------------------


def condition(unit: Mapping[str, Any] | None) -> tuple[str, str]:
    """Say in what state a unit is that is to run, and what is wrong with it, if anything is."""
    active = unit["active"] if unit is not None else ""
    if unit is None or active in _RUNNING:
        return "running" if unit else "unknown", ""
    if unit["load"] == "not-found":
        return "missing", "is not on the host"
    if active == "failed":
        return f"failed ({unit['result']})", f"has failed ({unit['result']})"
    if active == "activating":
        # Between two tries, or in the middle of a further one.
        again = "auto" in unit["sub"] or unit["restarts"]
        return ("ends again and again", "ends as soon as it is started") if again else ("starting", "")
    return "not running", "does not run"


def _log(unit: str) -> str:
    if unit.endswith(".program"):
        return f"'supervisorctl tail {unit.removesuffix('.program')} stderr' on the host says why"
    return f"'journalctl --unit={unit}' on the host says why; {_RUN} when the cause is repaired"


def _unit(facts: Facts, unit: str) -> tuple[str, int | None, tuple[Finding, ...]]:
    """Give the state of a unit, its memory, and what is wrong."""
    found = facts["units"].get(unit)
    state, fault = condition(found)
    findings = (Finding(unit, fault, _log(unit)),) if fault else ()
    return state, (found["memory"] or None) if found else None, findings


def _owed(facts: Facts) -> Iterator[Finding]:
    for unit, action in facts["owed"].items():
        yield Finding(
            unit,
            f"has still to {'read its units' if unit == 'systemd' else action} for what a run has changed",
            f"{_RUN} again, unless a run is going on",
        )


def _restarts(facts: Facts) -> Iterator[Finding]:
    for unit, found in facts["units"].items():
        if found["restarts"] and found["active"] in _RUNNING:
            times = "once" if found["restarts"] == 1 else f"{found['restarts']} times"
            yield Finding(unit, f"has ended {times} by accident since it was started, and runs again", _log(unit))


def _others(facts: Facts) -> Iterator[Finding]:
    for unit in facts["failed"]:
        if unit not in facts["units"]:
            yield Finding(unit, "has failed, which is not of this collection")


# --- services --------------------------------------------------------------------------------------------------------


def _services(facts: Facts, model: Model) -> Iterator[Service]:
    yield from _sites(facts, model)
    yield from _apps(facts, model)
    yield from _installations(facts, model)
    yield from _servers(facts)


def _sites(facts: Facts, model: Model) -> Iterator[Service]:
    here = {site["name"]: site for site in facts["sites"]}
    for name, site in here.items():
        unit, package, title = _WEB[site["server"]]
        state, memory, findings = _unit(facts, unit)
        version = f"{title} {facts['versions'].get(package, '')}".rstrip()
        own = tuple(Finding(f"site {name}", *fault) for fault in _site_faults(site, model.sites.get(name)))
        yield Service("site", name, unit, state, version, memory, (*own, *findings))
    for name, entry in model.sites.items():
        if entry["state"] == "present" and name not in here:
            yield _missing("site", name, "the host does not serve it")


def _site_faults(site: Mapping[str, Any], entry: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    if not site["served"]:
        yield "its file in sites-enabled is gone", _RUN
        return
    if entry is None or entry["state"] != "present":
        return
    if entry["server"] != site["server"]:
        yield f"is served by {site['server']}, and not by {entry['server']}", _RUN
    missing = [domain for domain in entry["domains"] if domain not in site["domains"]]
    if missing:
        yield f"the host does not serve {', '.join(missing)}", _RUN
    if _mode(entry) != "none" and not site["certificate"] and site["server"] == "nginx":
        yield "the host does not serve it over https", _RUN


def _missing(kind: str, name: str, reason: str) -> Service:
    return Service(kind, name, "", "missing", findings=(Finding(f"{kind} {name}", reason, _RUN),))


def _apps(facts: Facts, model: Model) -> Iterator[Service]:
    here = {app["name"]: app for app in facts["apps"]}
    for name, app in here.items():
        state, memory, findings = _unit(facts, app["unit"]) if app["unit"] else ("released", None, ())
        if app["released"] and not app["release"]:
            reason = "has no release"
            findings = (Finding(f"app {name}", reason, f"{_RUN}, which says why it cannot be released"), *findings)
            state = state if app["unit"] else reason
        yield Service("app", name, app["unit"], state, _app_version(app, facts), memory, findings)
    for name, entry in model.apps.items():
        if entry["state"] == "present" and name not in here:
            yield _missing("app", name, "has no release on this host")


def _app_version(app: Mapping[str, Any], facts: Facts) -> str:
    """Say what runs an app, and which release of it is live."""
    server = app["server"]
    number = app["server_version"] or facts["versions"].get(_PACKAGES.get(server, server), "")
    # The checksum of a folder says nothing that the name of the release does not.
    version = "" if app["version"].startswith("sha256:") else _COMMIT.sub(r"\1", app["version"])
    release = app["release"] + (f" ({version})" if version else "")
    return ", ".join(filter(None, (release, f"{server} {number}".strip())))


def _installations(facts: Facts, model: Model) -> Iterator[Service]:
    here = {entry["name"]: entry for entry in facts["wordpress"]}
    for name, found in here.items():
        unit = f"php_fpm@{name}.service"
        state, memory, findings = _unit(facts, unit)
        php = (facts["units"].get(unit) or {}).get("php", "")
        version = ", ".join(
            filter(None, (f"WordPress {found['version']}".rstrip(), f"PHP {php}" if php else "", _backed_up(found)))
        )
        timed = f"wordpress-backup@{name}.timer" in facts["wanted"]
        faults = (*_wordpress_faults(found), *_model_faults(found, model.wordpress.get(name), timed=timed))
        own = tuple(Finding(f"WordPress {name}", *fault) for fault in faults)
        yield Service("WordPress", name, unit, state, version, memory, (*own, *findings))
    for name, entry in model.wordpress.items():
        if entry["state"] == "present" and name not in here:
            yield _missing("WordPress", name, "is not on this host")


def _backed_up(found: Mapping[str, Any]) -> str:
    return f"backup of {day(found['archive'])}" if found["archive"] else "no backup"


def _wordpress_faults(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if found["begun"]:
        yield "its installation was begun and is not finished", _RUN
    if found["restoring"]:
        yield "a restore was begun and is not finished", f"{_RUN}, which finishes it or takes it back"
    if not found["version"]:
        yield "has no code", _RUN
    elif found["tables"] and found["tables"] != found["tables_wanted"]:
        versions = f"version {found['tables']}, and the code wants {found['tables_wanted']}"
        yield f"its update to {found['version']} is not finished: its tables are of {versions}", _RUN


def _model_faults(
    found: Mapping[str, Any], entry: Mapping[str, Any] | None, *, timed: bool
) -> Iterator[tuple[str, str]]:
    """Tell whether the model wants another WordPress than the one that is live, or backups that nobody makes."""
    if entry is None or entry["state"] != "present" or not found["version"]:
        return
    checksum: str = (entry.get("source") or {}).get("checksum") or ""
    # The folder of an archive's code is called like its checksum; Debian's own is not.
    wanted = checksum.rpartition(":")[2].lower()[:12]
    if wanted and found["code"] != wanted:
        yield "an update is pending: the model names another archive than the one that is live", _RUN
    if entry.get("backup") and not timed:
        yield "is not backed up, although the model wants it", _RUN


def _servers(facts: Facts) -> Iterator[Service]:
    """Give what else is to run: what all share, workers, pools of PHP without a WordPress, and units of no entry."""
    shown = {f"php_fpm@{one['name']}.service" for one in facts["wordpress"]}
    shown |= {app["unit"] for app in facts["apps"]} | {_WEB[site["server"]][0] for site in facts["sites"]}
    titles = {unit: (package, title) for unit, package, title in (*_WEB.values(), *_OTHERS)}
    for unit, entry in facts["wanted"].items():
        if unit in shown or unit.endswith(".timer"):
            continue
        state, memory, findings = _unit(facts, unit)
        if unit.endswith(".socket") and not findings:
            # What is behind it has a row of its own.
            continue
        if unit.startswith("worker-"):
            yield Service(
                "worker", unit.removeprefix("worker-").removesuffix(".service"), unit, state, "", memory, findings
            )
            continue
        package, title = titles.get(unit, ("", ""))
        php = (facts["units"].get(unit) or {}).get("php", "")
        # Before a colon Debian counts how often the numbers of others have begun anew.
        number = f"PHP {php}" if php else f"{title} {facts['versions'].get(package, '').rpartition(':')[2]}".strip()
        yield Service("server", entry or unit.rpartition(".")[0], unit, state, number, memory, findings)


# --- timers, disks ---------------------------------------------------------------------------------------------------


def _timers(facts: Facts, limits: Limits) -> Iterator[Timer]:
    archives = {one["name"]: one["archive"] for one in facts["wordpress"]}
    for unit in facts["wanted"]:
        if not unit.endswith(".timer"):
            continue
        state, _, findings = _unit(facts, unit)
        found = facts["units"].get(unit) or {}
        service = f"{unit.removesuffix('.timer')}.service"
        work = facts["units"].get(service) or {}
        if work and (work["active"] == "failed" or work["result"] not in {"success", ""}):
            state = f"{state}, last time failed ({work['result']})"
            findings = (*findings, Finding(unit, f"what it starts has failed ({work['result']})", _log(service)))
        kind, _, name = unit.removesuffix(".timer").partition("@")
        if kind == "wordpress-backup" and name in archives and work.get("active") != "activating":
            findings = (*findings, *_late(unit, archives[name], found.get("last"), facts["now"]))
        yield Timer(unit, state, clock(found.get("last")), clock(found.get("next")), findings)
    yield from _old_backups(facts, limits)


def _late(unit: str, archive: int | None, last: int | None, now: float) -> Iterator[Finding]:
    """Tell whether a timer of backups has gone off without one."""
    # A timer that has never gone off has the time when it was first started, for which there is no backup.
    if last is not None and (now - last > _DAY if archive is None else archive < last):
        reason = f"there is no backup since it went off on {clock(last)}"
        yield Finding(unit, reason, _log(f"{unit.removesuffix('.timer')}.service"))


def _old_backups(facts: Facts, limits: Limits) -> Iterator[Timer]:
    for one in facts["wordpress"] if limits.backup_days else ():
        archive = one["archive"]
        if archive is None or facts["now"] - archive > limits.backup_days * _DAY:
            when = f"the latest backup is of {day(archive)}" if archive else "there is no backup"
            reason = f"{when}, and there should be one of the last {things(limits.backup_days, 'day')}"
            finding = Finding(f"WordPress {one['name']}", reason, "run the playbook backup.yml")
            yield Timer(f"(backups of {one['name']})", "too old" if archive else "none", findings=(finding,))


def day(seconds: float) -> str:
    """Write a day."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def clock(seconds: float | None) -> str:
    """Write a time; empty where there is none."""
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _disk(disk: Mapping[str, Any], limit: int) -> Disk:
    """Judge a file system as df does: what root alone may use does not count as free."""
    path, used, size = disk["path"], disk["used"], disk["used"] + disk["free"]
    percent = _share(used, size)
    files = _share(disk["files"], disk["files"] + disk["files_free"])
    reasons = [f"is {percent} % full"] if percent >= limit else []
    reasons += [f"has {files} % of its files"] if files >= limit else []
    way_out = "remove what nobody needs, or make it larger"
    return Disk(path, used, size, percent, tuple(Finding(f"disk {path}", reason, way_out) for reason in reasons))


def _share(used: int, size: int) -> int:
    # Upwards, as df does: the last percent is full.
    return -(-100 * used // size) if size else 0


# --- the host and the model ------------------------------------------------------------------------------------------


def _mode(entry: Mapping[str, Any]) -> str:
    mode: str = (entry.get("tls") or {"mode": "none"})["mode"]
    return mode


def _modes(model: Model) -> dict[str, str]:
    return {name: _mode(entry) for name, entry in model.sites.items() if entry["state"] == "present"}


def _domains(facts: Facts, model: Model) -> dict[str, Sequence[str]]:
    """Give what each site is to be reached by: as the model says, otherwise as the host serves it."""
    found: dict[str, Sequence[str]] = {site["name"]: site["domains"] for site in facts["sites"]}
    wanted = {name: entry["domains"] for name, entry in model.sites.items() if entry["state"] == "present"}
    return found | wanted


def _left_over(facts: Facts, model: Model) -> Iterator[Finding]:
    """Name what is on the host and not in the model, which may be made of other variables than these."""
    known = {"site": model.sites, "app": model.apps, "WordPress": model.wordpress}
    here = {
        "site": [site["name"] for site in facts["sites"]],
        "app": [app["name"] for app in facts["apps"]],
        "WordPress": [one["name"] for one in facts["wordpress"]],
    }
    for kind, names in here.items():
        for name in names if kind in model.kinds else ():
            entry = known[kind].get(name)
            if entry is None:
                way_out = "give it 'state: absent', or set web_purge to true, to have it removed"
                yield Finding(f"{kind} {name}", "is on the host, and the model does not mention it", way_out)
            elif entry["state"] == "absent":
                yield Finding(f"{kind} {name}", "is to be absent, and is still on the host", _RUN)
    kept = {site["certificate"] for site in facts["sites"]}
    for one in facts["certificates"] if "site" in model.kinds else ():
        entry = model.sites.get(one["site"])
        if one["site"] and one["path"] not in kept and (entry is None or _mode(entry) == "none"):
            yield Finding(f"certificate {one['site']}", "is on the host, and no site needs it", _RUN)
