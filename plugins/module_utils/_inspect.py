# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is on a host and how it is, read and never changed; see modules/inspect.py.

The host tells facts; what they mean is judged on the control node. Of keys and settings nothing leaves the host: of a
file of certificates only the certificates, which every visitor gets to see, of a release only its record.
This module is private to the collection.
"""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils import _certificates, _inspect_units, _marks, _programs
from ansible_collections.barehost.web.plugins.module_utils._host import Answer
from ansible_collections.barehost.web.plugins.module_utils._inspect_wordpress import installations
from ansible_collections.barehost.web.plugins.module_utils._manifests import read_manifest, sets
from ansible_collections.barehost.web.plugins.module_utils._packages import installed
from ansible_collections.barehost.web.plugins.module_utils._programs_plan import SUFFIX, is_program, short
from ansible_collections.barehost.web.plugins.module_utils._release_registry import Registry
from ansible_collections.barehost.web.plugins.module_utils._release_store import Store
from ansible_collections.barehost.web.plugins.module_utils._release_user import mask
from ansible_collections.barehost.web.plugins.module_utils._versions import PACKAGES, own_version

#: Sets of publish that are servers of their own, and the unit of each.
SERVERS = {
    "nginx": "nginx.service",
    "apache": "apache2.service",
    "mariadb": "mariadb.service",
    "supervisor": _programs.SERVICE,
}
_WEB_SERVERS = ("nginx", "apache")
#: Sets whose entries are apps.
_APPS = ("gunicorn", "uwsgi", "mod_wsgi", "flask")
_VERSIONS = ("nginx", "apache2", "mariadb-server", "supervisor", "php*-fpm", *PACKAGES.values())
#: What fills up: each is looked at on the file system where it is.
_PLACES = ("/", "/srv", "/var", "/var/lib/mysql", "/var/log", "/var/backups", "/boot")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)
_DOMAINS = {
    "nginx": re.compile(r"^\s*server_name\s+([^;]+);", re.MULTILINE),
    "apache": re.compile(r"^\s*ServerAlias\s+(.+)$", re.MULTILINE),
}
_FILE = re.compile(r"^\s*ssl_certificate\s+\"?([^;\"]+)\"?;", re.MULTILINE)

Manifests = Mapping[str, Mapping[str, Any]]


def manifests(state: Path = _marks.STATE) -> Manifests:
    """Read what every set has published, by path."""
    return {name: read_manifest(state / "published" / f"{name}.json") for name in sets(state)}


def entries(published: Manifests) -> dict[str, list[str]]:
    """Name the entries of every set."""
    return {name: sorted({one["entry"] for one in paths.values()} - {""}) for name, paths in published.items()}


def wanted_units(published: Manifests) -> dict[str, str]:
    """Name the units that are to run, each with its entry: those that start with the host."""
    return {
        Path(path).name: record["entry"]
        for paths in published.values()
        for path, record in paths.items()
        if Path(path).parent.suffix == ".wants"
    }


def sites(published: Manifests) -> list[dict[str, Any]]:
    """Tell what the files of the web servers say of each site."""
    found = []
    for server in _WEB_SERVERS:
        for path, record in published.get(server, {}).items():
            link = Path(path)
            if record["entry"] and link.parent.name == "sites-enabled":
                text = link.read_text("utf-8", "replace") if link.is_file() else ""
                found.append({"name": record["entry"], "server": server, **read_site(text, server)})
    return found


def read_site(text: str, server: str) -> dict[str, Any]:
    """Read a site's domains and the file of its certificate out of its configuration; an empty one is not served."""
    names = [name for line in _DOMAINS[server].findall(text) for name in line.split()]
    certificates = _FILE.findall(text)
    return {
        "served": bool(text),
        "domains": list(dict.fromkeys(names)),
        "certificate": certificates[0] if certificates else "",
    }


def certificates(served: Iterable[Mapping[str, Any]], folder: Path = _certificates.FOLDER) -> list[dict[str, Any]]:
    """Give every certificate that is kept for a site or named by one, and that of the host's own authority."""
    tls = folder / "tls"
    paths = {str(path): path.stem for path in sorted(tls.glob("*.pem"))} if tls.is_dir() else {}
    paths |= {site["certificate"]: site["name"] for site in served if site["certificate"]}
    root = folder / "authority.pem"
    if root.exists():
        paths[str(root)] = ""
    return [{"site": site, "path": path, **_public(Path(path))} for path, site in paths.items()]


def _public(path: Path) -> dict[str, str]:
    """Give the certificates in a file, and nothing else that stands there."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return {"pem": "", "fault": error.strerror or str(error)}
    found = "".join(_CERTIFICATE.findall(text))
    return {"pem": found, "fault": "" if found else "no certificate is in it"}


def apps(published: Manifests, state: Path = _marks.STATE, root: Path = Path("/srv")) -> list[dict[str, Any]]:
    """Tell which apps are released or run here, what runs each, and which release is live."""
    registered = Registry(state).units()
    found = dict(registered)
    wanted = wanted_units(published)
    supervised = {f"{name}{SUFFIX}" for name in entries(published).get("supervisor", ())}
    for server in _APPS:
        for name in entries(published).get(server, ()):
            unit = f"{server}@{name}.service"
            program = f"{name}{SUFFIX}"
            found[name] = unit if unit in wanted else program if program in supervised else found.get(name, "")
    return [_app(name, unit, _server(name, published), name in registered, root) for name, unit in found.items()]


def _server(name: str, published: Manifests) -> str:
    return next((server for server in _APPS if name in entries(published).get(server, ())), "")


def _app(name: str, unit: str, server: str, released: bool, root: Path) -> dict[str, Any]:
    store = Store(name, root)
    live = store.live()
    record = store.record(live)
    return {
        "name": name,
        "unit": unit,
        "server": server,
        "server_version": own_version(server, name, root) if server else "",
        "released": released,
        "release": live,
        "source": mask(record.source) if record else "",
        "version": mask(record.version) if record else "",
        "created": record.created if record else "",
    }


def disks(places: Iterable[str] = _PLACES) -> list[dict[str, Any]]:
    """Tell how full the file systems are, each once under the first path that leads to it."""
    found: dict[int, dict[str, Any]] = {}
    for place in places:
        if not Path(place).is_dir():
            continue
        seen, device = os.statvfs(place), Path(place).stat().st_dev
        used = (seen.f_blocks - seen.f_bfree) * seen.f_frsize
        figures = {"used": used, "free": seen.f_bavail * seen.f_frsize}
        files = {"files": seen.f_files - seen.f_ffree, "files_free": seen.f_favail}
        found.setdefault(device, {"path": place, **figures, **files})
    return list(found.values())


def look() -> dict[str, Any]:
    """Look at everything."""
    published = manifests()
    names = entries(published)
    served, here = sites(published), apps(published)
    wanted = wanted_units(published)
    servers = {unit: "" for name, unit in SERVERS.items() if name in published}
    owed = {unit: _marks.read_mark(unit) or "" for unit in _marks.owed()}
    programs = [short(unit) for app in here if is_program(unit := app["unit"])]
    asked = {*wanted, *servers, *(unit for app in here if (unit := app["unit"]) and not is_program(unit))}
    asked |= {f"{unit.removesuffix('.timer')}.service" for unit in asked if unit.endswith(".timer")}
    return {
        "now": time.time(),
        "system": platform.freedesktop_os_release()["PRETTY_NAME"],
        "uptime": float(Path("/proc/uptime").read_text(encoding="ascii").split()[0]),
        "entries": names,
        "sites": served,
        "certificates": certificates(served),
        "apps": here,
        "wordpress": installations(names.get("wordpress", ())),
        "wanted": {**servers, **wanted},
        "units": _inspect_units.units(asked) | _inspect_units.programs(programs),
        "failed": _inspect_units.failed(),
        "owed": owed,
        "versions": installed(_VERSIONS),
        "disks": disks(),
    }


def run(_options: Mapping[str, Any], **_mode: bool) -> Answer:
    """Do the work of barehost.web.inspect, which is the same in check mode."""
    return Answer({"changed": False, "facts": look()})
