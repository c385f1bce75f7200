# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which version of a server runs an app. This module is private to the collection."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.barehost.web.plugins.module_utils._packages import installed

#: The package that has a server; others are in the virtual environments of the apps.
PACKAGES = {"uwsgi": "uwsgi-core", "mod_wsgi": "libapache2-mod-wsgi-py3"}
#: The Python distribution that has a server, where its name is another.
_DISTRIBUTIONS = {"flask": "werkzeug"}


def own_version(server: str, app: str, root: Path = Path("/srv")) -> str:
    """Tell which version of a server is in the virtual environment of an app; empty if none is."""
    name = _DISTRIBUTIONS.get(server, server)
    for path in (root / app / "current/.venv").glob(f"lib/python*/site-packages/{name}-*.dist-info"):
        return path.name.removeprefix(f"{name}-").removesuffix(".dist-info")
    return ""


def server_version(server: str, app: str) -> str:
    """Tell which version of a server runs an app."""
    package = PACKAGES.get(server, server)
    return own_version(server, app) or installed([package]).get(package, "")
