# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Workers and schedules of apps: what can be wrong with them, and their files and units. Private to the collection."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils._workers import STEADY, unit
from ansible_collections.barehost.web.plugins.plugin_utils import _values
from ansible_collections.barehost.web.plugins.plugin_utils._calendar import calendar
from ansible_collections.barehost.web.plugins.plugin_utils._entries import Entry, select
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Problem
from ansible_collections.barehost.web.plugins.plugin_utils._service import (
    UNITS,
    App,
    File,
    directory,
    environment_file,
    sandbox_lines,
    supervised,
    user,
    venv,
)

#: Runs a command in one release, to its end.
LAUNCHER = "/usr/local/lib/barehost/in_release.sh"
#: What stands for the number of a process in the command of a worker.
NUMBER = "{number}"
_KINDS = ("workers", "schedules")
_LEAST = {"workers": {"count": 1, "stop_timeout": 1}, "schedules": {"random_delay": 0, "timeout": 1}}
_PLAIN = re.compile(r"[\w@%+=:,./-]+", re.ASCII)


def check_app(app: Entry) -> Iterator[Problem]:
    """Check the workers and schedules of one app."""
    if not app.present:
        return
    for kind in _KINDS:
        if app.knows(kind) and app.has(kind):
            yield from _place(app, kind)
            yield from _entries(app.mappings(kind), kind)


def _place(app: Entry, kind: str) -> Iterator[Problem]:
    """Say where an app cannot have any."""
    path = f"{app.path}.{kind}"
    if not app.serves:
        yield Problem(path, "an app without a server has no environment to run them in", "leave them out")
    elif app.text("manager") == "supervisor":
        reason = f"supervisor cannot run them: {kind} are units of systemd"
        yield Problem(path, reason, "write 'manager: systemd', or leave them out")


def _entries(entries: Sequence[Entry], kind: str) -> Iterator[Problem]:
    seen: dict[str, Entry] = {}
    for entry in entries:
        yield from entry.check({"name": _values.name, "command": _values.command})
        yield from entry.check({"calendar": calendar} if kind == "schedules" else {})
        yield from entry.at_least(_LEAST[kind])
        first = seen.setdefault(entry.text("name"), entry)
        if first is not entry:
            path, reason = f"{entry.path}.name", f"{entry.text('name')!r} is the name of {first.path} already"
            yield Problem(path, reason, "take another name")


def words(command: str) -> str:
    """Write a command as systemd reads it (COMMAND LINES in systemd.service(5)), the number of the process as ``%i``.

    >>> words("celery -A shop worker -n mail{number}@%h --loglevel '$LEVEL \\"x\\"'")
    'celery -A shop worker -n "mail%i@%%h" --loglevel "$$LEVEL \\\\"x\\\\""'
    """
    return " ".join(_word(word) for word in shlex.split(command))


def _word(word: str) -> str:
    text = word.replace("%", "%%").replace("$", "$$")
    if not _PLAIN.fullmatch(word):
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        text = f'"{escaped}"'
    return text.replace(NUMBER, "%i")


def published(apps: object) -> dict[str, Any]:
    """Give what is published for the workers and schedules of apps, and the units that run them.

    :param apps: the role's list of apps as the user wrote it, checked.
    :returns: ``parts``, ``units`` and ``validations`` of the publish.
    """
    known = select(apps, "workers")
    running = [app for app in known if app["state"] == "present" and app["server"] != "none" and not supervised(app)]
    workers = [(app, worker) for app in running for worker in _present(app, "workers")]
    schedules = [(app, schedule) for app in running for schedule in _present(app, "schedules")]
    launcher = {"dest": LAUNCHER, "template": "in_release.sh.j2", "mode": "0755"}
    return {
        "parts": {
            "files": [
                *([launcher] if workers or schedules else []),
                *(_worker_file(app, worker) for app, worker in workers),
                *(file for app, schedule in schedules for file in _schedule_files(app, schedule)),
            ],
            "links": [
                *(link for app, worker in workers for link in _worker_links(app, worker)),
                *(_schedule_link(app, schedule) for app, schedule in schedules),
            ],
            "entries": [app["name"] for app in known],
        },
        "units": [
            *(
                {"name": name, "entry": app["name"], "steady": STEADY}
                for app, worker in workers
                for name in _processes(app, worker)
            ),
            *({"name": f"{_schedule(app, schedule)}.timer", "entry": app["name"]} for app, schedule in schedules),
        ],
        "validations": _validations([schedule["calendar"] for _app, schedule in schedules]),
    }


def _present(app: App, kind: str) -> list[Mapping[str, Any]]:
    return [entry for entry in app[kind] if entry["state"] == "present"]


def _validations(calendars: Sequence[str]) -> list[dict[str, Any]]:
    """Have systemd itself judge what its timers are to go by."""
    unique = list(dict.fromkeys(calendars))
    # It tells more of those that it understands than of the one that it does not.
    return [{"command": ["systemd-analyze", "calendar", "--", *unique], "reject": "^Failed"}] if unique else []


def _processes(app: App, worker: Mapping[str, Any]) -> list[str]:
    return [unit(app["name"], worker["name"], number) for number in range(1, worker["count"] + 1)]


def _schedule(app: App, schedule: Mapping[str, Any]) -> str:
    return f"schedule-{app['name']}.{schedule['name']}"


def _surroundings(app: App, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the units of an app have in common with the one of its server."""
    return {
        "app": app["name"],
        "user": user(app),
        "environment_file": environment_file(app),
        "directory": directory(app),
        "command": f"{LAUNCHER} {venv(app)} {words(entry['command'])}",
        "sandbox": sandbox_lines(app),
    }


def _worker_file(app: App, worker: Mapping[str, Any]) -> File:
    return {
        "dest": f"{UNITS}/{unit(app['name'], worker['name'], '')}",
        "template": "worker@.service.j2",
        "vars": {"unit": _surroundings(app, worker), "worker": dict(worker)},
        "entry": app["name"],
        "restart": _processes(app, worker),
    }


def _worker_links(app: App, worker: Mapping[str, Any]) -> list[dict[str, Any]]:
    target = f"{UNITS}/{unit(app['name'], worker['name'], '')}"
    return [
        {"dest": f"{UNITS}/multi-user.target.wants/{name}", "target": target, "entry": app["name"], "stop": [name]}
        for name in _processes(app, worker)
    ]


def _schedule_files(app: App, schedule: Mapping[str, Any]) -> list[File]:
    name = _schedule(app, schedule)
    variables = {"unit": _surroundings(app, schedule), "schedule": dict(schedule)}
    kinds: dict[str, dict[str, Any]] = {"service": {}, "timer": {"restart": [f"{name}.timer"]}}
    return [
        {
            "dest": f"{UNITS}/{name}.{kind}",
            "template": f"schedule.{kind}.j2",
            "vars": variables,
            "entry": app["name"],
            **more,
        }
        for kind, more in kinds.items()
    ]


def _schedule_link(app: App, schedule: Mapping[str, Any]) -> dict[str, Any]:
    name = _schedule(app, schedule)
    return {
        "dest": f"{UNITS}/timers.target.wants/{name}.timer",
        "target": f"{UNITS}/{name}.timer",
        "entry": app["name"],
        # What a timer has started ends with it.
        "stop": [f"{name}.timer", f"{name}.service"],
    }
