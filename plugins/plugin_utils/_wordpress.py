# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From WordPress entries to files, pools, databases and what the web server has to know. Private to the collection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from ansible_collections.barehost.web.plugins.plugin_utils._convert import plain
from ansible_collections.barehost.web.plugins.plugin_utils._entries import select, spec
from ansible_collections.barehost.web.plugins.plugin_utils._schema import fill

Installation: TypeAlias = Mapping[str, Any]
File: TypeAlias = dict[str, Any]

SETTINGS, TOOL, UNITS = "/etc/wordpress", "/usr/local/lib/barehost/wordpress.php", "/etc/systemd/system"
CODE = "/usr/share/wordpress"
WEB_GROUP = "www-data"
_PORTS = {"http": "80", "https": "443"}
# Of PHP's extensions those that WordPress asks for or works better with.
_EXTENSIONS = ("mysql", "gd", "curl", "xml", "mbstring", "intl", "zip")
# Debian's package depends on a web server and on PHP for Apache, unless others are there or named before.
_PACKAGES = ("nginx", "php-fpm", "php-cli", "php", "wordpress", "wordpress-l10n", "wordpress-theme-twentytwentythree")


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
                "binds": [f"{SETTINGS}/{name}.php:{CODE}/wp-config.php"],
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


def constant(value: object) -> str:
    """Write a value as PHP does."""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def plan(installations: object) -> dict[str, Any]:
    """Give all that role wordpress does, step by step.

    :param installations: ``wordpress_installations``, checked.
    :returns: ``packages``, ``users``, ``directories``, ``parts`` and ``units`` of the publish, ``installations``.
    """
    entries = select(installations, "wordpress")
    running = [entry for entry in entries if entry["state"] == "present"]
    return {
        "packages": list(_PACKAGES) if running else [],
        "users": [{"name": entry["name"]} for entry in running],
        "directories": [folder for entry in running for folder in _directories(entry)],
        "parts": {
            "files": [*(_shared() if running else ()), *(file for entry in running for file in _files(entry))],
            "links": [link for entry in running for link in _links(entry)],
            "entries": [entry["name"] for entry in entries],
        },
        "units": [unit for entry in running for unit in _units(entry)],
        "installations": [_wanted(entry) for entry in entries],
    }


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
    ]


def _files(entry: Installation) -> list[File]:
    name, content = entry["name"], f"{home(entry['name'])}/content"
    data = {
        **entry,
        "content": content,
        "cache_folder": f"{home(name)}/cache",
        "constants": [(key, constant(value)) for key, value in entry["constants"].items()],
    }
    variables = {"wordpress": data}
    cron = json.dumps({"code": CODE, "url": entry["url"], "check": False})
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
    for file in files:
        file["entry"] = name
        if "template" in file:
            file["vars"] = variables
    return files


def _links(entry: Installation) -> list[dict[str, Any]]:
    name, prefix = entry["name"], path_of(entry["url"])
    content = f"{home(name)}/content"
    links: list[dict[str, Any]] = [
        {"dest": f"{content}/languages", "target": f"{CODE}/wp-content/languages"},
        {"dest": f"{content}/plugins", "target": f"{CODE}/wp-content/plugins"},
        {"dest": f"{content}/themes", "target": f"{CODE}/wp-content/themes"},
        {"dest": f"{content}/uploads", "target": f"{home(name)}/media/uploads"},
        {"dest": f"{home(name)}/web{prefix}", "target": CODE},
        {
            "dest": f"{UNITS}/timers.target.wants/wordpress-cron@{name}.timer",
            "target": f"{UNITS}/wordpress-cron@.timer",
            "stop": [f"wordpress-cron@{name}.timer"],
        },
    ]
    return [{**link, "entry": name} for link in links]


def path_of(url: str) -> str:
    """Give the path of an address, without a slash at its end; empty for the root."""
    return "".join(f"/{part}" for part in url.partition("://")[2].split("/")[1:] if part)


def _units(entry: Installation) -> list[dict[str, Any]]:
    return [{"name": f"wordpress-cron@{entry['name']}.timer", "entry": entry["name"]}]


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
        "plugins",
        "options",
    )
    return {**{key: entry[key] for key in keys}, "title": entry["title"] or entry["name"]}
