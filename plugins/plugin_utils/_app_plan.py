# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What role app has to do for its entries, as the options of the modules it calls. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils._environment import EnvironmentFileError, environment_text
from ansible_collections.barehost.web.plugins.plugin_utils._mod_wsgi import from_source as mod_wsgi_from_source
from ansible_collections.barehost.web.plugins.plugin_utils._service import runs
from ansible_collections.barehost.web.plugins.plugin_utils._uwsgi import from_source as uwsgi_from_source

PARTS = ("all", "release", "remove")
_RELEASED = (
    *("name", "state", "server", "manager", "source", "python", "requirements", "commands", "public"),
    "keep_releases",
)
_HEADER = "# Environment of the app '{name}', set in the model; a change made here is overwritten.\n"


class PlanError(Exception):
    """The entries cannot be used; the message names the one."""


def plan(apps: Sequence[Mapping[str, Any]], part: str) -> dict[str, list[Any]]:
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
        "users": [{"name": app["name"], "home": f"/srv/{app['name']}"} for app in released],
        # All of them in every part: a file of the set that is not in the list is removed.
        "files": [environment_file(app) for app in present if app["server"] != "none"],
        "entries": [app["name"] for app in apps],
        "apps": [_released(app) for app in chosen],
    }


def _released(app: Mapping[str, Any]) -> dict[str, Any]:
    """The options of barehost.web.release for one app."""
    known = {key: app[key] for key in _RELEASED if key in app}
    debian = app["server"] == "mod_wsgi" and not mod_wsgi_from_source(app)
    return known | {"program": program(app), "take_up": take_up(app), "debian_python": debian}


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
        names.add("python3-venv")
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
    return {
        "dest": f"/etc/barehost/apps/{name}.env",
        "content": _HEADER.format(name=name) + content,
        "entry": name,
        "mode": "0600",
        "secret": True,
        take_up(app): [runs(app["server"], app)],
    }
