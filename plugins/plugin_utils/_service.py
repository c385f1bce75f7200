# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the apps of the model to files and units of a server that runs each app in a systemd service behind a socket.

What is the same for all such servers is in here, private to the collection; what makes a server is in its own module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, TypeAlias

from ansible_collections.barehost.web.plugins.plugin_utils._entries import app_address, select
from ansible_collections.barehost.web.plugins.plugin_utils._listen import bound

App: TypeAlias = Mapping[str, Any]
File: TypeAlias = dict[str, Any]

UNITS = "/etc/systemd/system"
MANAGERS = ("systemd", "supervisor")
KINDS = ("service", "socket")
_WANTED_BY = {"service": "multi-user.target", "socket": "sockets.target"}
#: Stands before what a unit does as root: nothing of the app's environment goes with it. The templates say the same.
AS_ROOT = "+/usr/bin/env -i PATH=/usr/bin:/bin MAINPID=${MAINPID}"
# What the service of every server says.
_GRACEFUL_TIMEOUT, _START_TIMEOUT, _TASKS = 30, 90, 256
ANY_IPV4 = str(IPv4Address(0))
_HOME = re.compile(r"/(home|root|run/user)(/|\Z)")


@dataclass(frozen=True)
class Program:
    """The commands of a server that needs no systemd: they run an app, try whether it can be loaded, reload it."""

    start: Callable[[App], list[str]]
    check: Callable[[App], list[str]]
    reload: Callable[[App], list[str]]


@dataclass(frozen=True)
class Server:
    """What makes one server different from the others."""

    #: The name of the program, of its role, of its units and of its folders.
    name: str
    #: Gives the files with the settings of an app: ``dest``, ``template`` and ``vars``.
    settings: Callable[[App], list[File]]
    #: Gives lines of the service for an app whose code or environment is not where it usually is.
    commands: Callable[[App], list[str]]
    #: Files for all apps, besides the units; the second element says whether the apps reload when the file changes.
    shared: tuple[tuple[File, bool], ...] = ()
    #: Whether systemd holds the socket of an app; a server that cannot take one over listens by itself.
    socket: bool = True
    #: Processes and threads that the server itself needs beside those of the app.
    tasks: int = 0
    #: What supervisord can run instead of systemd; a server without it takes systemd.
    program: Program | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of units that an app has."""
        return KINDS if self.socket else KINDS[:1]

    @property
    def folder(self) -> str:
        """Where the settings are."""
        return f"/etc/{self.name}"

    def unit(self, name: str, kind: str) -> str:
        """Name the service or the socket of an app."""
        return f"{self.name}@{name}.{kind}"


def directory(app: App) -> str:
    """Give the folder of an app's code."""
    folder: str = app["directory"] or f"/srv/{app['name']}/current"
    return folder


def venv(app: App) -> str:
    """Give the folder of an app's virtual environment."""
    folder: str = app["venv"] or f"{directory(app)}/.venv"
    return folder.rstrip("/")


def user(app: App) -> str:
    """Give the system user of an app, which has a group of the same name."""
    name: str = app["user"] or app["name"]
    return name


def environment_file(app: App) -> str:
    """Give the file with the environment variables of an app."""
    path: str = app["environment_file"] or f"/etc/barehost/apps/{app['name']}.env"
    return path


def supervised(app: App) -> bool:
    """Tell whether supervisord keeps an app running, and not systemd."""
    return bool(app.get("manager") == "supervisor")


def program(name: str) -> str:
    """Name the program of an app under supervisord, as barehost.web.units does."""
    return f"{name}.program"


def runs(server: str, app: App) -> str:
    """Name what runs an app and has to be told of what is new."""
    return program(app["name"]) if supervised(app) else f"{server}@{app['name']}.service"


def tasks(server: Server, app: App) -> int:
    """Give the number of processes and threads that an app may have: twice its own, for the time of a reload."""
    # A server that has no such setting is one process, with as many threads as there are requests.
    processes: int = app.get("processes", 1)
    threads: int = app.get("threads", 1)
    return server.tasks + max(_TASKS, 32 + 2 * processes * (threads + 4))


def service_lines(server: Server, app: App) -> list[str]:
    """Give what the service of an app has other than the template of its server says."""
    differences: list[tuple[object, list[str]]] = [
        (app["user"], [f"User={app['user']}"]),
        (app["environment_file"], ["EnvironmentFile=", f"EnvironmentFile=-{app['environment_file']}"]),
        (True, server.commands(app)),
        (app["graceful_timeout"] > _GRACEFUL_TIMEOUT, [f"TimeoutStopSec={app['graceful_timeout'] + 5}"]),
        (app["health"]["timeout"] > _START_TIMEOUT, [f"TimeoutStartSec={app['health']['timeout']}"]),
        (app["memory_max"], [f"MemoryMax={app['memory_max']}"]),
        (tasks(server, app) > server.tasks + _TASKS, [f"TasksMax={tasks(server, app)}"]),
    ]
    return [line for differs, lines in differences if differs for line in lines] + sandbox_lines(app)


def sandbox_lines(app: App) -> list[str]:
    """Give what the sandbox of an app has other than sandbox.service.j2 says."""
    folders = [app["directory"], app["venv"], *app["writable"]]
    differences: list[tuple[object, str]] = [
        (app["writable"], f"ReadWritePaths={' '.join(app['writable'])}"),
        (any(_HOME.match(folder) for folder in folders), "ProtectHome=read-only"),
        (not app["memory_deny_write_execute"], "MemoryDenyWriteExecute=no"),
    ]
    return [line for differs, line in differences if differs]


def socket_lines(app: App) -> list[str]:
    """Give what the socket of an app has other than wsgi@.socket says."""
    if not app["bind"]:
        return []
    listeners = bound(app["bind"])
    if len(listeners) > 1:
        # One socket for both IP versions, or for IPv4 alone on a host without IPv6.
        return ["ListenStream=", f"ListenStream={listeners[0].port}", "BindIPv6Only=both"]
    (only,) = listeners
    host = f"[{only.host}]" if ":" in only.host else only.host or ANY_IPV4
    # At boot the socket is opened before the network has its addresses.
    return ["ListenStream=", f"ListenStream={host}:{only.port}", "FreeBind=yes"]


def _app_files(server: Server, app: App) -> list[File]:
    name = app["name"]
    settings = [
        {
            **file,
            "group": user(app),
            "mode": "0640",
            "entry": name,
            "reload": [runs(server.name, app)],
            "stop": [] if supervised(app) else [server.unit(name, kind) for kind in server.kinds],
        }
        for file in server.settings(app)
    ]
    if supervised(app):
        return settings
    drop_ins = [
        {
            "dest": f"{UNITS}/{server.unit(name, kind)}.d/barehost.conf",
            "template": "drop-in.conf.j2",
            "vars": {"section": kind.capitalize(), "lines": lines},
            "entry": name,
            "restart": [server.unit(name, kind)],
        }
        for kind, lines in zip(server.kinds, (service_lines(server, app), socket_lines(app)), strict=False)
        if lines
    ]
    return [*settings, *drop_ins]


def _shared_files(server: Server, apps: Sequence[App]) -> list[File]:
    running = [runs(server.name, app) for app in apps]
    return [
        *_unit_files(server, [app for app in apps if not supervised(app)]),
        {"dest": f"{server.folder}/barehost_wsgi.py", "template": "barehost_wsgi.py", "reload": running},
        *(file | ({"reload": running} if reloads else {}) for file, reloads in server.shared),
    ]


def _unit_files(server: Server, apps: Sequence[App]) -> list[File]:
    if not apps:
        return []
    services, sockets = ([server.unit(app["name"], kind) for app in apps] for kind in KINDS)
    named = {"vars": {"server": server.name}}
    socket = {"dest": f"{UNITS}/{server.name}@.socket", "template": "wsgi@.socket.j2", **named, "restart": sockets}
    return [
        {"dest": f"{UNITS}/{server.name}@.service", "template": f"{server.name}@.service.j2", "restart": services},
        *([socket] if server.socket else []),
    ]


def _links(server: Server, app: App) -> list[dict[str, Any]]:
    """Enable the units of an app, as ``systemctl enable`` does, by files that leave with the app."""
    if supervised(app):
        return []
    return [
        {
            "dest": f"{UNITS}/{_WANTED_BY[kind]}.wants/{server.unit(app['name'], kind)}",
            "target": f"{UNITS}/{server.name}@.{kind}",
            "entry": app["name"],
            "stop": [server.unit(app["name"], kind)],
        }
        for kind in server.kinds
    ]


def _state(app: App) -> dict[str, Any]:
    owner = user(app)
    return {
        "path": f"/var/lib/{app['name']}",
        "owner": owner,
        "group": owner,
        "mode": "0750",
        "entry": app["name"],
    }


def ready(app: App) -> dict[str, Any]:
    """Say how an app is asked whether it is ready."""
    return {**app_address(app), **app["health"]}


def _units(server: Server, app: App) -> list[dict[str, Any]]:
    name = app["name"]
    if supervised(app):
        return []
    socket = {"name": server.unit(name, "socket"), "entry": name}
    service = {"name": server.unit(name, "service"), "entry": name, "ready": ready(app)}
    units = [socket, service] if server.socket else [service]
    # Where supervisord ran it until now, it must let go of the socket first.
    return [{"name": program(name), "state": "stopped"}, *units] if server.program else units


def served(server: Server, apps: object) -> list[App]:
    """Give the apps that a server is to run, with defaults."""
    return [app for app in select(apps, server.name) if app["state"] == "present" and app["server"] == server.name]


def published(server: Server, apps: object) -> dict[str, Any]:
    """Give what is published for apps, and the units that run them.

    :param apps: the role's list of apps as the user wrote it, checked.
    :returns: ``parts`` and ``units`` of the publish.
    """
    running = served(server, apps)
    files = _shared_files(server, running) if running else []
    return {
        "parts": {
            "files": [*files, *(file for app in running for file in _app_files(server, app))],
            "links": [link for app in running for link in _links(server, app)],
            "directories": [_state(app) for app in running],
            "entries": [app["name"] for app in select(apps, server.name)],
        },
        "units": [one for app in running for one in _units(server, app)],
    }
