# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the apps of the model to program sections of supervisord. Private to the collection."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils import _service
from ansible_collections.barehost.web.plugins.plugin_utils._entries import select
from ansible_collections.barehost.web.plugins.plugin_utils._gunicorn import GUNICORN
from ansible_collections.barehost.web.plugins.plugin_utils._listen import bound
from ansible_collections.barehost.web.plugins.plugin_utils._service import App, File
from ansible_collections.barehost.web.plugins.plugin_utils._uwsgi import UWSGI

PROGRAMS = {server.name: server.program for server in (GUNICORN, UWSGI) if server.program}
FOLDER = "/etc/supervisor"
LOGS = "/var/log/supervisor"
SERVICE = "supervisor.service"
#: Keeps the sockets open. No app can be called so.
SOCKETS = "barehost.sockets"
_RUN = ["/usr/bin/python3", "-I", f"{FOLDER}/barehost_run.py"]
_FIRST_FREE_PORT = 1024
_HOME = re.compile(r"/(home|root|run/user)(/|\Z)")


def supervised(apps: object) -> list[App]:
    """Give the apps that supervisord is to run, with defaults."""
    filled = select(apps, "supervisor")
    return [
        app for app in filled if app["state"] == "present" and app["server"] in PROGRAMS and _service.supervised(app)
    ]


def started(app: App) -> list[str]:
    """Give the command of an app: become its user with its environment and its socket, then run its server."""
    server, name = app["server"], app["name"]
    address = app["bind"] or f"unix:/run/{server}/{name}.sock"
    return [
        *_as_user(app),
        f"--folder=/run/{server}/{name}",
        f"--socket={address}",
        "--",
        *PROGRAMS[server].start(app),
    ]


def _as_user(app: App) -> list[str]:
    file = _service.environment_file(app)
    return [*_RUN, f"--name={app['name']}", f"--user={_service.user(app)}", f"--environment={file}"]


def section(app: App, log_size: str, log_backups: int) -> File:
    """Give the program section of an app."""
    name = app["name"]
    command, *options = started(app)
    variables = {
        "name": name,
        # supervisord takes a percent sign for a variable of its own.
        "command": " ".join([command, *options]).replace("%", "%%"),
        "directory": _service.directory(app),
        "wait": app["graceful_timeout"] + 5,
        "log_size": log_size,
        "log_backups": log_backups,
    }
    return {
        "dest": f"{FOLDER}/conf.d/{name}.conf",
        "template": "program.conf.j2",
        "vars": variables,
        "entry": name,
        "restart": [_service.program(name)],
        "stop": [_service.program(name)],
    }


def capabilities(apps: Sequence[App], *, home: bool) -> list[str]:
    """Give what supervisord may do as root: become the users of the apps, give them folders, end them, and no more."""
    needed = {
        "CAP_SETUID": True,
        "CAP_SETGID": True,
        "CAP_KILL": True,
        "CAP_CHOWN": True,
        # Folders and files that belong to other users are not for root by itself.
        "CAP_DAC_READ_SEARCH": home or any(app["environment_file"] for app in apps),
        "CAP_NET_BIND_SERVICE": any(
            listener.port < _FIRST_FREE_PORT for app in apps if app["bind"] for listener in bound(app["bind"])
        ),
    }
    return [name for name, wanted in needed.items() if wanted]


def _shared_files(apps: Sequence[App]) -> list[File]:
    if not apps:
        return []
    folders = [folder for app in apps for folder in (app["directory"], app["venv"], *app["writable"])]
    home = any(_HOME.match(folder) for folder in folders)
    sandbox = {
        "home": home,
        "capabilities": " ".join(capabilities(apps, home=home)),
        "write_execute": not all(app["memory_deny_write_execute"] for app in apps),
    }
    programs = [_service.program(app["name"]) for app in apps]
    keeper = {"dest": f"{FOLDER}/barehost_sockets.py", "template": "barehost_sockets.py"}
    return [
        {
            "dest": f"{_service.UNITS}/{SERVICE}.d/barehost.conf",
            "template": "supervisor.service.j2",
            "vars": sandbox,
            "restart": [SERVICE],
        },
        {
            "dest": f"{FOLDER}/conf.d/barehost.conf",
            "template": "barehost.conf.j2",
            "vars": {"sockets": SOCKETS},
            "restart": [SERVICE],
            "stop": [_service.program(SOCKETS)],
        },
        {**keeper, "restart": [_service.program(SOCKETS)]},
        {"dest": f"{FOLDER}/barehost_run.py", "template": "barehost_run.py", "restart": programs},
    ]


def _unit(app: App) -> dict[str, Any]:
    server, name = PROGRAMS[app["server"]], app["name"]
    return {
        "name": _service.program(name),
        "entry": name,
        "ready": _service.ready(app),
        "check": [*_as_user(app), "--", *server.check(app)],
        "reload": server.reload(app),
    }


def published(apps: object, log_size: str, log_backups: int) -> dict[str, Any]:
    """Give what is published for apps, and what supervisord is to run.

    :param apps: ``supervisor_apps`` as the user wrote it, checked.
    :returns: ``parts`` and ``units`` of the publish.
    """
    running = supervised(apps)
    known = select(apps, "supervisor")
    units = [{"name": SERVICE}, {"name": _service.program(SOCKETS)}, *(_unit(app) for app in running)]
    return {
        "parts": {
            "files": [*_shared_files(running), *(section(app, log_size, log_backups) for app in running)],
            # What an app writes out is not for everybody.
            "directories": [{"path": LOGS, "group": "adm", "mode": "0750"}] if running else [],
            "entries": [app["name"] for app in known],
            "remove": [
                f"{LOGS}/{app['name']}.{kind}.log*"
                for app in known
                if app["state"] == "absent"
                for kind in ("stdout", "stderr")
            ],
        },
        "units": units if running else [],
    }
