# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is the development server's own of running apps. Private to the collection."""

from __future__ import annotations

from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils import _service
from ansible_collections.barehost.web.plugins.plugin_utils._service import App, File, Server

SETTINGS = "/etc/flask"
RUNNER = "barehost_flask.py"


def settings(app: App) -> list[File]:
    """Give the settings of an app, as its runner reads them."""
    variables = {"app": dict(app), "directory": _service.directory(app)}
    return [{"dest": f"{SETTINGS}/{app['name']}.ini", "template": "flask.ini.j2", "vars": variables}]


def commands(app: App) -> list[str]:
    """Give the commands of an app whose code or environment is not where role app leaves it."""
    if not app["directory"] and not app["venv"]:
        return []
    python = f"{_service.venv(app)}/bin/python --check-hash-based-pycs always"
    command = f"{python} {SETTINGS}/{RUNNER} {SETTINGS}/{app['name']}.ini"
    return ["ExecStart=", f"ExecStart={command}", "ExecReload=", f"ExecReload={command} reload"]


FLASK = Server(
    name="flask",
    settings=settings,
    commands=commands,
    shared=(({"dest": f"{SETTINGS}/{RUNNER}", "template": RUNNER}, True),),
)


def published(apps: object) -> dict[str, Any]:
    """Give what is published for apps, and the units that run them; see _service.published()."""
    return _service.published(FLASK, apps)
