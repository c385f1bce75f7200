# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is mod_wsgi's own of running apps. Private to the collection.

Every app has an Apache of its own, which runs as the app's user. One Apache for all of them would start the processes
of all anew whenever one comes, goes or changes, could run a single version of Python only, and would need root.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils import _service
from ansible_collections.barehost.web.plugins.plugin_utils._entries import KEPT_BY_APACHE, app_address
from ansible_collections.barehost.web.plugins.plugin_utils._listen import bound
from ansible_collections.barehost.web.plugins.plugin_utils._service import ANY_IPV4, AS_ROOT, App, File, Server

SETTINGS = "/etc/mod_wsgi"
#: Debian's versions of Python, which its mod_wsgi runs apps on.
DEBIAN_PYTHON = {"3.11": "Debian 12", "3.13": "Debian 13"}
# Apache waits for as long as the app does, and a little longer to tell whose fault it was.
_NO_TIMEOUT, _LATER = 86400, 5
_FREE_PORTS = 1024


def from_source(app: Mapping[str, Any]) -> bool:
    """Tell whether an app has a mod_wsgi of its own, because Debian's runs Debian's Python only."""
    return bool(app["install"] == "source" or (app["install"] == "auto" and app["python"]))


def notes(apps: object) -> list[str]:
    """Say which apps get a mod_wsgi of their own without having asked for it."""
    return [
        f"App '{app['name']}' runs on Python {app['python']}: it gets a mod_wsgi of its own, built into its "
        "environment, because Debian's runs Debian's own Python only."
        for app in _service.served(MOD_WSGI, apps)
        if app["install"] == "auto" and from_source(app)
    ]


def listen(app: App) -> str:
    """Give the address of an app as Apache has it: a bare port is every address of either IP version."""
    address = app["bind"] or app_address(app)["address"]
    listeners = bound(address)
    if len(listeners) > 1:
        return str(listeners[0].port)
    (only,) = listeners
    host = f"[{only.host}]" if ":" in only.host else only.host or ANY_IPV4
    return f"{host}:{only.port}"


def daemon(app: App) -> list[str]:
    """Give the options of WSGIDaemonProcess."""
    given = {
        "processes": app["processes"],
        "threads": app["threads"],
        "python-home": _service.venv(app),
        "python-path": SETTINGS,
        "home": _service.directory(app),
        "maximum-requests": app["max_requests"],
        "request-timeout": app["timeout"],
        "socket-timeout": app["timeout"] + _LATER if app["timeout"] else _NO_TIMEOUT,
        "graceful-timeout": app["graceful_timeout"],
        "shutdown-timeout": app["graceful_timeout"],
        "listen-backlog": app["listen_backlog"],
        # Apache's own locale is C, in which Python could not open a file whose name is beyond ASCII.
        "lang": "C.UTF-8",
        "locale": "C.UTF-8",
        **app["options"],
    }
    return [f"{name}={_text(value)}" for name, value in given.items() if value or value == ""]


def _text(value: object) -> str:
    return "On" if value is True else str(value)


def settings(app: App) -> list[File]:
    """Give the configuration of an app's Apache and the script that loads the app."""
    name = app["name"]
    conf = {
        "name": name,
        "listen": listen(app),
        "venv": _service.venv(app),
        "source": from_source(app),
        "daemon": daemon(app),
        "keepalive": KEPT_BY_APACHE,
        "graceful_timeout": app["graceful_timeout"],
    }
    script = {"name": name, "wsgi": app["wsgi"], "directory": _service.directory(app)}
    return [
        {"dest": f"{SETTINGS}/{name}.conf", "template": "app.conf.j2", "vars": conf},
        {"dest": f"{SETTINGS}/{name}.wsgi", "template": "app.wsgi.j2", "vars": script},
    ]


def commands(app: App) -> list[str]:
    """Give what the service of an app has to do otherwise for its environment, its Python or its port."""
    name = app["name"]
    lines = []
    if app["directory"] or app["venv"]:
        lines += [
            "ExecReload=",
            f"ExecReload={_service.venv(app)}/bin/python {SETTINGS}/{name}.wsgi",
            f"ExecReload=/bin/sh {SETTINGS}/control.sh keep {name}",
            f"ExecReload={AS_ROOT} /bin/sh {SETTINGS}/control.sh touch {name}",
            f"ExecReload=/bin/sh {SETTINGS}/control.sh replace {name}",
            f"ExecReload=/bin/sh {SETTINGS}/control.sh retire {name}",
        ]
    if from_source(app):
        # Another module of Apache: a change of it is no matter of a reload.
        lines.append(f"Environment=MOD_WSGI=source-{app['python'] or 'debian'}")
    if app["bind"] and bound(app["bind"])[0].port < _FREE_PORTS:
        lines += [
            "PrivateUsers=no",
            "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
            "AmbientCapabilities=CAP_NET_BIND_SERVICE",
        ]
    return lines


MOD_WSGI = Server(
    name="mod_wsgi",
    settings=settings,
    commands=commands,
    shared=(
        ({"dest": f"{SETTINGS}/control.sh", "template": "control.sh.j2"}, False),
        ({"dest": f"{SETTINGS}/barehost_mod_wsgi.py", "template": "barehost_mod_wsgi.py"}, True),
    ),
    socket=False,
    # Threads of Apache that hold a connection each.
    tasks=512,
)


def published(apps: object) -> dict[str, Any]:
    """Give what is published for apps, and the units that run them; see _service.published()."""
    return _service.published(MOD_WSGI, apps)
