# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is uWSGI's own of running apps. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils import _service
from ansible_collections.barehost.web.plugins.plugin_utils._service import AS_ROOT, App, File, Program, Server

SETTINGS = "/etc/uwsgi"


def from_source(app: Mapping[str, Any]) -> bool:
    """Tell whether an app runs under a uWSGI of its own, because Debian's runs Debian's Python only."""
    return bool(app["install"] == "source" or (app["install"] == "auto" and app["python"]))


def notes(apps: object) -> list[str]:
    """Say which apps get a uWSGI of their own without having asked for it."""
    return [
        f"App '{app['name']}' runs on Python {app['python']}: it gets a uWSGI of its own, built into its environment, "
        "because Debian's runs Debian's own Python only."
        for app in _service.served(UWSGI, apps)
        if app["install"] == "auto" and from_source(app)
    ]


def option_lines(options: Mapping[str, object]) -> list[str]:
    """Write further options as lines of an ini file; false leaves one out, a list sets it several times."""
    lists = {name: value if isinstance(value, list) else [value] for name, value in options.items()}
    given = ((name, value) for name, values in lists.items() for value in values)
    return [f"{name} = {_text(value)}" for name, value in given if value is not False and value is not None]


def _text(value: object) -> str:
    # uWSGI takes %(name), %n and $(NAME) for variables of its own.
    return "true" if value is True else str(value).replace("%", "%%")


def settings(app: App) -> list[File]:
    """Give the ini file of an app and the script that loads the app."""
    name, folder = app["name"], _service.directory(app)
    ini = {
        "app": dict(app),
        "venv": _service.venv(app),
        "supervised": _service.supervised(app),
        "options": option_lines(app["options"]),
    }
    return [
        {"dest": f"{SETTINGS}/{name}.ini", "template": "uwsgi.ini.j2", "vars": ini},
        {
            # Not .py: the folder is on the app's path, and an app may be called like a module that it imports.
            "dest": f"{SETTINGS}/{name}.wsgi",
            "template": "app.py.j2",
            "vars": {"wsgi": app["wsgi"], "directory": folder},
        },
    ]


def start(app: App) -> list[str]:
    """Give the command that runs an app; a uWSGI of its own has Python built in."""
    own = from_source(app)
    program = [f"{_service.venv(app)}/bin/uwsgi"] if own else ["/usr/bin/uwsgi", "--plugins", "python3"]
    return [*program, "--ini", f"{SETTINGS}/{app['name']}.ini"]


def check(app: App) -> list[str]:
    """Give the command that tries whether an app can be loaded."""
    return [f"{_service.venv(app)}/bin/python", f"{SETTINGS}/{app['name']}.wsgi"]


def reload(app: App) -> list[str]:
    """Give the command that has uWSGI replace its workers one after the other."""
    return ["/bin/sh", f"{SETTINGS}/reload.sh", str(app["name"])]


def commands(app: App) -> list[str]:
    """Give the commands of an app whose uWSGI or whose environment is not where it usually is."""
    lines = []
    if from_source(app):
        lines += ["ExecStart=", f"ExecStart={' '.join(start(app))}"]
    if app["directory"] or app["venv"]:
        lines += ["ExecReload=", f"ExecReload={' '.join(check(app))}", f"ExecReload={AS_ROOT} {' '.join(reload(app))}"]
    return lines


UWSGI = Server(
    name="uwsgi",
    settings=settings,
    commands=commands,
    program=Program(start=start, check=check, reload=reload),
    shared=(({"dest": f"{SETTINGS}/reload.sh", "template": "reload.sh.j2"}, False),),
)


def published(apps: object) -> dict[str, Any]:
    """Give what is published for apps, and the units that run them; see _service.published()."""
    return _service.published(UWSGI, apps)
