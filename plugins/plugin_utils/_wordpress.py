# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From WordPress entries to files, pools, databases and what the web server has to know. Private to the collection."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from ansible_collections.barehost.web.plugins.plugin_utils._convert import plain
from ansible_collections.barehost.web.plugins.plugin_utils._entries import select, spec
from ansible_collections.barehost.web.plugins.plugin_utils._php import literal
from ansible_collections.barehost.web.plugins.plugin_utils._schema import fill

Installation: TypeAlias = Mapping[str, Any]
File: TypeAlias = dict[str, Any]

SETTINGS, TOOL, UNITS = "/etc/wordpress", "/usr/local/lib/barehost/wordpress.php", "/etc/systemd/system"
CODE = "/usr/share/wordpress"
KINDS = ("plugins", "themes")
#: The program that backs up and restores, and where it keeps its archives.
BACKUP, ARCHIVES = "/usr/local/lib/barehost/wordpress_backup.py", "/var/backups/barehost"
WEB_GROUP = "www-data"
_PORTS = {"http": "80", "https": "443"}
# Of PHP's extensions those that WordPress asks for or works better with.
_EXTENSIONS = ("mysql", "gd", "curl", "xml", "mbstring", "intl", "zip")
# Debian's package depends on a web server and on PHP for Apache, unless others are there or named before.
_PACKAGES = ("nginx", "php-fpm", "php-cli", "php", "wordpress", "wordpress-l10n", "wordpress-theme-twentytwentythree")
# What a WordPress from an archive takes.
_WITHOUT_DEBIANS = ("php-fpm", "php-cli")


def home(name: str) -> str:
    """Give the folder of an installation."""
    return f"/srv/{name}"


def mounted(installations: object, sites: object) -> list[dict[str, Any]]:
    """Fill in the addresses of installations that follow from the routes of sites.

    :param installations: ``web_wordpress``, checked.
    :param sites: ``web_sites``, checked.
    """
    found: dict[str, str] = {}
    for site in fill(plain(sites), spec("web_sites")):
        for route in site.get("routes") or () if site["state"] == "present" else ():
            if route.get("wordpress"):
                found.setdefault(route["wordpress"], _address(site, route["path"]))
    entries: list[dict[str, Any]] = fill(plain(installations), spec("web_wordpress"))
    return [{**entry, "url": entry["url"] or found.get(entry["name"], "")} for entry in entries]


def _address(site: Mapping[str, Any], path: str) -> str:
    domain = next((domain for domain in site["domains"] if "*" not in domain), "localhost")
    tls = site.get("tls") or {"mode": "none"}
    scheme, listen = ("http", site["listen"]) if tls["mode"] == "none" else ("https", tls["listen"])
    port = next((text.rpartition(":")[2] for text in listen), _PORTS[scheme])
    return f"{scheme}://{domain}{'' if port == _PORTS[scheme] else f':{port}'}{path.rstrip('/')}"


def present(installations: object) -> list[dict[str, Any]]:
    """Give the installations that are to be there, with defaults."""
    return [entry for entry in select(installations, "wordpress") if entry["state"] == "present"]


def pools(installations: object) -> list[dict[str, Any]]:
    """Give the pools of PHP, as ``php_fpm_pools``."""
    found = []
    for entry in select(installations, "wordpress"):
        name = entry["name"]
        if entry["state"] == "absent":
            found.append({"name": name, "state": "absent", "user": name})
            continue
        same = ("php", "processes", "memory_limit", "memory_max", "upload_max", "timeout")
        found.append(
            {
                "name": name,
                "user": name,
                "extensions": list(_EXTENSIONS),
                "writable": [f"{home(name)}/media", f"{home(name)}/cache"],
                "binds": [] if entry.get("source") else [f"{SETTINGS}/{name}.php:{CODE}/wp-config.php"],
                **{key: entry[key] for key in same},
            }
        )
    return found


def databases(installations: object) -> list[dict[str, Any]]:
    """Give the databases, as ``mariadb_databases``."""
    return [{"name": entry["name"], "state": entry["state"]} for entry in select(installations, "wordpress")]


def served(installations: object) -> list[dict[str, Any]]:
    """Give what the web server has to know, as ``nginx_wordpress``."""
    return [
        {
            "name": entry["name"],
            "address": f"unix:/run/php_fpm/{entry['name']}.sock",
            "xmlrpc": entry["xmlrpc"],
            "cache": entry["cache"],
            "body": _body(entry["upload_max"]),
            "timeout": entry["timeout"],
        }
        for entry in present(installations)
    ]


def _body(upload_max: str) -> str:
    """A form has fields beside its file."""
    number, unit = upload_max[:-1], upload_max[-1:].lower()
    return f"{int(number) * 1024 + 2}m" if unit == "g" else f"{int(number) + 2}m" if unit == "m" else "3m"


def plan(installations: object) -> dict[str, Any]:
    """Give all that role wordpress does, step by step.

    :param installations: ``wordpress_installations``, checked.
    :returns: ``packages`` and ``reasons``, ``accounts``, ``parts`` and ``units`` of the publish, ``code`` and
        ``installations``.
    """
    entries = select(installations, "wordpress")
    running = [entry for entry in entries if entry["state"] == "present"]
    reasons = _reasons(running)
    return {
        "packages": [*_packages(running), *reasons],
        "reasons": reasons,
        "code": [_code(entry) for entry in running],
        "accounts": {
            "users": [{"name": entry["name"]} for entry in running],
            "directories": [
                *([{"path": ARCHIVES, "mode": "0700"}] if running else ()),
                *(folder for entry in running for folder in _directories(entry)),
            ],
        },
        "parts": {
            "files": [*(_shared() if running else ()), *(file for entry in running for file in _files(entry))],
            "links": [link for entry in running for link in _links(entry)],
            "entries": [entry["name"] for entry in entries],
        },
        "units": [unit for entry in running for unit in _units(entry)],
        "installations": [_wanted(entry) for entry in entries],
    }


def _packages(running: Sequence[Installation]) -> Sequence[str]:
    """Give the packages that hosts with such installations need; Debian's themes and plugins need its WordPress."""
    if any(not entry.get("source") for entry in running) or _reasons(running):
        return _PACKAGES
    return _WITHOUT_DEBIANS if running else ()


def _reasons(running: Sequence[Installation]) -> dict[str, str]:
    """Give the packages that plugins and themes name, and for each what to say if the host cannot have it."""
    return {
        item[
            "package"
        ]: f"WordPress '{entry['name']}': {kind}: wants it for '{item['name']}'; correct it, or name an archive"
        for entry in running
        for kind in KINDS
        for item in entry[kind]
        if item.get("package")
    }


def _source(item: Mapping[str, Any]) -> dict[str, str] | None:
    return {"archive": item["archive"], "checksum": item["checksum"]} if item.get("archive") else None


def _code(entry: Installation) -> dict[str, Any]:
    """Give what the code of an installation consists of."""
    return {
        **{key: entry[key] for key in ("name", "language", "theme", "memory_limit")},
        "source": _source(entry.get("source") or {}),
        **{kind: [_extension(item) for item in entry[kind]] for kind in KINDS},
    }


def _extension(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": item["name"], "source": _source(item), "package": bool(item.get("package"))}


def _digest(item: Mapping[str, Any]) -> str:
    """Give the checksum of an archive, as the host names folders after it; empty without one."""
    digest: str = item.get("checksum") or ""
    return digest.rpartition(":")[2].lower()


def _directories(entry: Installation) -> list[dict[str, Any]]:
    name = entry["name"]
    return [
        {"path": home(name)},
        # WordPress gives what it writes to everybody who comes as far as this, which are itself and the web server.
        {"path": f"{home(name)}/media", "owner": name, "group": WEB_GROUP, "mode": "0750"},
        {"path": f"{home(name)}/media/uploads", "owner": name, "group": name},
        {"path": f"{home(name)}/cache", "owner": name, "group": WEB_GROUP, "mode": "2750"},
    ]


def _shared() -> list[File]:
    return [
        {"dest": TOOL, "template": "barehost-wordpress.php"},
        {"dest": f"{UNITS}/wordpress-cron@.service", "template": "wordpress-cron@.service.j2"},
        {"dest": f"{UNITS}/wordpress-cron@.timer", "template": "wordpress-cron@.timer.j2"},
        {"dest": BACKUP, "template": "wordpress_backup.py", "mode": "0755"},
        {"dest": f"{UNITS}/wordpress-backup@.service", "template": "wordpress-backup@.service.j2"},
        {"dest": f"{UNITS}/wordpress-backup@.timer", "template": "wordpress-backup@.timer.j2"},
    ]


def _files(entry: Installation) -> list[File]:
    name, content = entry["name"], f"{home(entry['name'])}/content"
    data = {
        **entry,
        "content": content,
        "cache_folder": f"{home(name)}/cache",
        "constants": [(name, literal(value)) for name, value in entry["constants"].items()],
    }
    variables = {"wordpress": data}
    cron = json.dumps({"code": f"{home(name)}/code/current", "url": entry["url"], "check": False})
    files: list[File] = [
        {
            "dest": f"{SETTINGS}/{name}.php",
            "template": "wp-config.php.j2",
            "group": name,
            "mode": "0640",
            # Where it is mounted, the file that it replaces would stay. Requests wait in the socket meanwhile.
            "restart": [f"php_fpm@{name}.service"],
        },
        {"dest": f"{SETTINGS}/{name}.cron.json", "content": f"{cron}\n"},
        {"dest": f"{content}/mu-plugins/barehost.php", "template": "barehost.php.j2"},
        {"dest": f"{content}/db-error.php", "template": "db-error.php.j2"},
        {
            "dest": f"{UNITS}/wordpress-cron@{name}.timer.d/barehost.conf",
            "template": "wordpress-cron.timer.j2",
            "restart": [f"wordpress-cron@{name}.timer"],
        },
    ]
    if not entry.get("source"):
        files.append(
            {"dest": f"{UNITS}/wordpress-cron@{name}.service.d/barehost.conf", "template": "wordpress-cron.service.j2"}
        )
    files += _timer_files(entry)
    for file in files:
        file["entry"] = name
        if "template" in file:
            file["vars"] = variables
    return files


def _timer_files(entry: Installation) -> list[File]:
    """Give what says when an installation is backed up."""
    unit = f"wordpress-backup@{entry['name']}"
    if not entry.get("backup"):
        return []
    return [
        {
            "dest": f"{UNITS}/{unit}.timer.d/barehost.conf",
            "template": "wordpress-backup.timer.j2",
            "restart": [f"{unit}.timer"],
        },
        {"dest": f"{UNITS}/{unit}.service.d/barehost.conf", "template": "wordpress-backup.service.j2"},
    ]


def _links(entry: Installation) -> list[dict[str, Any]]:
    name, prefix = entry["name"], path_of(entry["url"])
    content = f"{home(name)}/content"
    links: list[dict[str, Any]] = [
        {"dest": f"{content}/languages", "target": f"{home(name)}/code/current/wp-content/languages"},
        *({"dest": f"{content}/{kind}", "target": f"{home(name)}/code/{kind}"} for kind in KINDS),
        {"dest": f"{content}/uploads", "target": f"{home(name)}/media/uploads"},
        {"dest": f"{home(name)}/web{prefix}", "target": f"{home(name)}/code/current"},
        {
            "dest": f"{UNITS}/timers.target.wants/wordpress-cron@{name}.timer",
            "target": f"{UNITS}/wordpress-cron@.timer",
            "stop": [f"wordpress-cron@{name}.timer"],
        },
    ]
    if entry.get("backup"):
        links.append(
            {
                "dest": f"{UNITS}/timers.target.wants/wordpress-backup@{name}.timer",
                "target": f"{UNITS}/wordpress-backup@.timer",
                "stop": [f"wordpress-backup@{name}.timer"],
            }
        )
    return [{**link, "entry": name} for link in links]


def path_of(url: str) -> str:
    """Give the path of an address, without a slash at its end; empty for the root."""
    return "".join(f"/{part}" for part in url.partition("://")[2].split("/")[1:] if part)


def _units(entry: Installation) -> list[dict[str, Any]]:
    kinds = ("cron", "backup") if entry.get("backup") else ("cron",)
    return [{"name": f"wordpress-{kind}@{entry['name']}.timer", "entry": entry["name"]} for kind in kinds]


def _wanted(entry: Installation) -> dict[str, Any]:
    """Give what the host makes of an installation."""
    if entry["state"] == "absent":
        return {"name": entry["name"], "state": "absent"}
    keys = (
        "name",
        "state",
        "url",
        "admin",
        "language",
        "timezone",
        "permalinks",
        "public",
        "theme",
        "options",
    )
    return {
        **{key: entry[key] for key in keys},
        "title": entry["title"] or entry["name"],
        "plugins": [item["name"] for item in entry["plugins"]],
        "digest": _digest(entry.get("source") or {}),
        "added": {
            kind: {item["name"]: _digest(item) for item in entry[kind] if item.get("archive") or item.get("package")}
            for kind in KINDS
        },
    }
