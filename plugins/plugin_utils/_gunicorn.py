# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the apps of the model to gunicorn's files and units. Private to the collection.

Everything the templates would otherwise have to compute is in here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._entries import app_address, select
from ansible_collections.barehost.web.plugins.plugin_utils._listen import bound

SETTINGS = "/etc/gunicorn"
UNITS = "/etc/systemd/system"
KINDS = ("service", "socket")
_WANTED_BY = {"service": "multi-user.target", "socket": "sockets.target"}
# What gunicorn@.service says.
_GRACEFUL_TIMEOUT, _START_TIMEOUT, _TASKS = 30, 90, 256
_ANY_IPV4 = str(IPv4Address(0))
_HOME = re.compile(r"/(home|root|run/user)(/|\Z)")


def unit(name: str, kind: str) -> str:
    """Name the service or the socket of an app."""
    return f"gunicorn@{name}.{kind}"


def literal(value: object) -> str:
    """Write a value of the model as Python, for gunicorn.conf.py."""
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    return json.dumps(str(value), ensure_ascii=False)


def directory(app: Mapping[str, Any]) -> str:
    """Give the folder of an app's code."""
    folder: str = app["directory"] or f"/srv/{app['name']}/current"
    return folder


def user(app: Mapping[str, Any]) -> str:
    """Give the system user of an app, which has a group of the same name."""
    name: str = app["user"] or app["name"]
    return name


def tasks(app: Mapping[str, Any]) -> int:
    """Give the number of processes and threads that an app may have: twice its own, for the time of a reload."""
    processes: int = app["processes"]
    threads: int = app["threads"]
    return max(_TASKS, 32 + 2 * processes * (threads + 4))


def service_lines(app: Mapping[str, Any]) -> list[str]:
    """Give what the service of an app has other than gunicorn@.service says."""
    folders = [app["directory"], app["venv"], *app["writable"]]
    differences: list[tuple[object, list[str]]] = [
        (app["user"], [f"User={app['user']}"]),
        (app["environment_file"], ["EnvironmentFile=", f"EnvironmentFile=-{app['environment_file']}"]),
        (app["directory"] or app["venv"], _commands(app)),
        (app["graceful_timeout"] > _GRACEFUL_TIMEOUT, [f"TimeoutStopSec={app['graceful_timeout'] + 5}"]),
        (app["health"]["timeout"] > _START_TIMEOUT, [f"TimeoutStartSec={app['health']['timeout']}"]),
        (app["memory_max"], [f"MemoryMax={app['memory_max']}"]),
        (tasks(app) > _TASKS, [f"TasksMax={tasks(app)}"]),
        (app["writable"], [f"ReadWritePaths={' '.join(app['writable'])}"]),
        (any(_HOME.match(folder) for folder in folders), ["ProtectHome=read-only"]),
        (not app["memory_deny_write_execute"], ["MemoryDenyWriteExecute=no"]),
    ]
    return [line for differs, lines in differences if differs for line in lines]


def _commands(app: Mapping[str, Any]) -> list[str]:
    venv = app["venv"] or f"{directory(app)}/.venv"
    command = f"{venv.rstrip('/')}/bin/gunicorn --config {SETTINGS}/{app['name']}.conf.py"
    return [
        "ExecStart=",
        f"ExecStart={command}",
        "ExecReload=",
        f"ExecReload={command} --check-config",
        f"ExecReload=+/bin/sh {SETTINGS}/reload.sh",
    ]


def socket_lines(app: Mapping[str, Any]) -> list[str]:
    """Give what the socket of an app has other than gunicorn@.socket says."""
    if not app["bind"]:
        return []
    listeners = bound(app["bind"])
    if len(listeners) > 1:
        # One socket for both IP versions, or for IPv4 alone on a host without IPv6.
        return ["ListenStream=", f"ListenStream={listeners[0].port}", "BindIPv6Only=both"]
    (only,) = listeners
    host = f"[{only.host}]" if ":" in only.host else only.host or _ANY_IPV4
    # At boot the socket is opened before the network has its addresses.
    return ["ListenStream=", f"ListenStream={host}:{only.port}", "FreeBind=yes"]


def _app_files(app: Mapping[str, Any]) -> list[dict[str, Any]]:
    name = app["name"]
    settings = {
        "dest": f"{SETTINGS}/{name}.conf.py",
        "template": "gunicorn.conf.py.j2",
        "vars": {
            "app": dict(app),
            "directory": directory(app),
            "options": [[key, literal(value)] for key, value in app["options"].items()],
        },
        "group": user(app),
        "mode": "0640",
        "entry": name,
        "reload": [unit(name, "service")],
        "stop": [unit(name, kind) for kind in KINDS],
    }
    drop_ins = [
        {
            "dest": f"{UNITS}/{unit(name, kind)}.d/barehost.conf",
            "template": "drop-in.conf.j2",
            "vars": {"section": kind.capitalize(), "lines": lines},
            "entry": name,
            "restart": [unit(name, kind)],
        }
        for kind, lines in (("service", service_lines(app)), ("socket", socket_lines(app)))
        if lines
    ]
    return [settings, *drop_ins]


def _shared_files(apps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    services, sockets = ([unit(app["name"], kind) for app in apps] for kind in KINDS)
    return [
        {"dest": f"{UNITS}/gunicorn@.service", "template": "gunicorn@.service.j2", "restart": services},
        {"dest": f"{UNITS}/gunicorn@.socket", "template": "gunicorn@.socket.j2", "restart": sockets},
        {"dest": f"{SETTINGS}/barehost_wsgi.py", "template": "barehost_wsgi.py", "reload": services},
        {"dest": f"{SETTINGS}/reload.sh", "template": "reload.sh.j2"},
    ]


def _links(app: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Enable the units of an app, as ``systemctl enable`` does, by files that leave with the app."""
    return [
        {
            "dest": f"{UNITS}/{_WANTED_BY[kind]}.wants/{unit(app['name'], kind)}",
            "target": f"{UNITS}/gunicorn@.{kind}",
            "entry": app["name"],
        }
        for kind in KINDS
    ]


def _state(app: Mapping[str, Any]) -> dict[str, Any]:
    owner = user(app)
    return {
        "path": f"/var/lib/{app['name']}",
        "owner": owner,
        "group": owner,
        "mode": "0750",
        "entry": app["name"],
    }


def _units(app: Mapping[str, Any]) -> list[dict[str, Any]]:
    name = app["name"]
    ready = {"address": app_address(name, app["bind"]), **app["health"]}
    return [
        {"name": unit(name, "socket"), "entry": name},
        {"name": unit(name, "service"), "entry": name, "ready": ready},
    ]


def published(apps: object) -> dict[str, Any]:
    """Give what is published for apps, and the units that run them.

    :param apps: ``gunicorn_apps`` as the user wrote it, checked.
    :returns: ``parts`` and ``units`` of the publish.
    """
    filled = select(apps, "gunicorn")
    served = [app for app in filled if app["state"] == "present" and app["server"] == "gunicorn"]
    files = [*(_shared_files(served) if served else []), *(file for app in served for file in _app_files(app))]
    return {
        "parts": {
            "files": files,
            "links": [link for app in served for link in _links(app)],
            "directories": [_state(app) for app in served],
            "entries": [app["name"] for app in filled],
        },
        "units": [one for app in served for one in _units(app)],
    }
