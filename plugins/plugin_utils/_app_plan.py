# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What role app has to do for its entries, as the options of the modules it calls. Private to the collection."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils._environment import EnvironmentFileError, environment_text
from ansible_collections.barehost.web.plugins.module_utils._workers import every as every_worker
from ansible_collections.barehost.web.plugins.plugin_utils._mod_wsgi import from_source as mod_wsgi_from_source
from ansible_collections.barehost.web.plugins.plugin_utils._service import runs, sandbox_lines, supervised
from ansible_collections.barehost.web.plugins.plugin_utils._uwsgi import from_source as uwsgi_from_source

PARTS = ("all", "release", "remove")
#: Servers whose apps are asked before a new release is live.
ASKED = ("gunicorn", "uwsgi", "mod_wsgi")
TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
_RELEASED = (
    *("name", "state", "server", "manager", "source", "python", "requirements", "index", "commands", "public"),
    *("irreversible", "keep_releases", "keep_assets", "shared"),
)
_HEADER = "# Environment of the app '{name}', set in the model; a change made here is overwritten.\n"


class PlanError(Exception):
    """The entries cannot be used; the message names the one."""


def plan(apps: Sequence[Mapping[str, Any]], part: str) -> dict[str, Any]:
    """Options of the modules for ``apps``, whose defaults are filled in.

    :param part: what is done now: V(release), V(remove) or V(all).
    """
    if part not in PARTS:
        raise PlanError(f"app_part is '{part}' and not one of {', '.join(PARTS)}")
    present = [app for app in apps if app["state"] == "present"]
    absent = [app for app in apps if app["state"] == "absent"]
    released = present if part in {"all", "release"} else []
    chosen = [*released, *(absent if part in {"all", "remove"} else [])]
    return {
        "packages": packages(released),
        "accounts": {"users": [{"name": app["name"], "home": f"/srv/{app['name']}"} for app in released]},
        # All of them in every part: a file of the set that is not in the list is removed.
        "files": [environment_file(app) for app in present if app["server"] != "none"],
        "entries": [app["name"] for app in apps],
        "apps": [_released(app) for app in chosen],
    }


def _released(app: Mapping[str, Any]) -> dict[str, Any]:
    """The options of barehost.web.release for one app."""
    known = {key: app[key] for key in _RELEASED if key in app}
    debian = app["server"] == "mod_wsgi" and not mod_wsgi_from_source(app)
    made = {"program": program(app), "take_up": take_up(app), "debian_python": debian}
    return known | made | ({"preflight": preflight(app)} if is_asked(app) else {})


def is_asked(app: Mapping[str, Any]) -> bool:
    """Tell whether a release of an app can be asked before it is live: it must be all that the app's server takes."""
    return bool(app["state"] == "present" and app["server"] in ASKED and app.get("wsgi")) and is_whole(app)


def is_whole(app: Mapping[str, Any]) -> bool:
    """Tell whether the processes of an app have all from role app: its user, its variables, and its release."""
    elsewhere = app.get("user") or app.get("venv") or app.get("environment_file")
    return not elsewhere and (not app["directory"] or f"{app['directory']}/".startswith(f"/srv/{app['name']}/current/"))


def folder(app: Mapping[str, Any]) -> str:
    """Give the folder of the code inside a release; empty for the release itself."""
    directory: str = app["directory"]
    return directory.removeprefix(f"/srv/{app['name']}/current").strip("/")


def settings(app: Mapping[str, Any]) -> list[str]:
    """Give the settings of systemd that the unit of an app has for its sandbox."""
    # What is under supervisord shares a sandbox that is another one.
    return [] if supervised(app) else [*sandbox(), *sandbox_lines(app)]


def preflight(app: Mapping[str, Any]) -> dict[str, Any]:
    """Say how a new release of an app is asked: what is loaded, and the settings of systemd that its unit has."""
    return {
        "wsgi": app["wsgi"],
        "folder": folder(app),
        "health": app["health"],
        "settings": settings(app),
    }


@functools.cache
def sandbox() -> tuple[str, ...]:
    """Give the settings that the units of all servers share; the file has nothing but these."""
    return tuple((TEMPLATES / "sandbox.service.j2").read_text(encoding="utf-8").split("\n")[:-1])


@functools.cache
def programs() -> dict[str, str]:
    """Give the texts of what a host asks a new release with."""
    names = {"program": "barehost_preflight.py", "library": "barehost_wsgi.py"}
    return {name: (TEMPLATES / file).read_text(encoding="utf-8") for name, file in names.items()}


def take_up(app: Mapping[str, Any]) -> str:
    """What the unit of an app does to take up new code, or new variables.

    A restart loses nothing where systemd holds the socket. Apache would be away for a moment, and does it by a reload.
    """
    return "reload" if app["server"] == "mod_wsgi" else "restart"


def program(app: Mapping[str, Any]) -> str:
    """The program that an app's environment must have for its server; empty for none."""
    if app["server"] == "uwsgi":
        return "uwsgi" if uwsgi_from_source(app) else ""
    if app["server"] == "mod_wsgi":
        return "mod_wsgi-express" if mod_wsgi_from_source(app) else ""
    return "gunicorn" if app["server"] == "gunicorn" else ""


def packages(apps: Sequence[Mapping[str, Any]]) -> list[str]:
    """Debian packages that releasing ``apps`` takes."""
    names = {"ca-certificates"} if apps else set()
    if any(app["server"] != "none" for app in apps):
        names.add("python3-pip-whl")
    programs = {program(app) for app in apps}
    # There is no wheel of uWSGI, nor of mod_wsgi: they are built against the Python of the app.
    if programs & {"uwsgi", "mod_wsgi-express"}:
        names.update({"gcc", "libc6-dev", "python3-dev"})
    if "uwsgi" in programs:
        names.add("libpcre2-dev")
    if "mod_wsgi-express" in programs:
        names.add("apache2-dev")
    repositories = [app["source"].get("git") or "" for app in apps]
    if any(repositories):
        names.add("git")
    if any(url.startswith("ssh://") or (url and "://" not in url and not url.startswith("/")) for url in repositories):
        names.add("openssh-client")
    return sorted(names)


def environment_file(app: Mapping[str, Any]) -> dict[str, Any]:
    """The environment file of an app, as barehost.web.publish takes it."""
    name = app["name"]
    try:
        content = environment_text(app["environment"])
    except EnvironmentFileError as error:
        raise PlanError(f"app '{name}': environment: {error}") from error
    restart, unit = [every_worker(name)], runs(app["server"], app)
    return {
        "dest": f"/etc/barehost/apps/{name}.env",
        "content": _HEADER.format(name=name) + content,
        "entry": name,
        "mode": "0600",
        "secret": True,
        "restart": restart if take_up(app) == "reload" else [unit, *restart],
        "reload": [unit] if take_up(app) == "reload" else [],
    }
