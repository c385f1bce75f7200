# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is gunicorn's own of running apps. Private to the collection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils import _service
from ansible_collections.barehost.web.plugins.plugin_utils._service import AS_ROOT, App, File, Program, Server

SETTINGS = "/etc/gunicorn"


def literal(value: object) -> str:
    """Write a value of the model as Python, for gunicorn.conf.py."""
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    return json.dumps(str(value), ensure_ascii=False)


def settings(app: App) -> list[File]:
    """Give the gunicorn.conf.py of an app."""
    variables = {
        "app": dict(app),
        "directory": _service.directory(app),
        "options": [[key, literal(value)] for key, value in app["options"].items()],
    }
    return [{"dest": f"{SETTINGS}/{app['name']}.conf.py", "template": "gunicorn.conf.py.j2", "vars": variables}]


def start(app: App) -> list[str]:
    """Give the command that runs an app."""
    return [f"{_service.venv(app)}/bin/gunicorn", "--config", f"{SETTINGS}/{app['name']}.conf.py"]


def check(app: App) -> list[str]:
    """Give the command that tries whether an app can be loaded."""
    return [*start(app), "--check-config"]


def reload(_app: App) -> list[str]:
    """Give the command that has gunicorn replace its workers."""
    return ["/bin/sh", f"{SETTINGS}/reload.sh"]


def commands(app: App) -> list[str]:
    """Give the commands of an app whose code or environment is not where role app leaves it."""
    if not app["directory"] and not app["venv"]:
        return []
    return [
        "ExecStart=",
        f"ExecStart={' '.join(start(app))}",
        "ExecReload=",
        f"ExecReload={' '.join(check(app))}",
        f"ExecReload={AS_ROOT} {' '.join(reload(app))}",
    ]


GUNICORN = Server(
    name="gunicorn",
    settings=settings,
    commands=commands,
    program=Program(start=start, check=check, reload=reload),
    shared=(({"dest": f"{SETTINGS}/reload.sh", "template": "reload.sh.j2"}, False),),
)


def published(apps: object) -> dict[str, Any]:
    """Give what is published for apps, and the units that run them; see _service.published()."""
    return _service.published(GUNICORN, apps)
