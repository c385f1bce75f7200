# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the sites of the model to the files of Apache: everything the templates would otherwise have to compute.

This module is private to the collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from ansible_collections.barehost.web.plugins.plugin_utils._listen import Listener, listeners
from ansible_collections.barehost.web.plugins.plugin_utils._nginx import prefix_of
from ansible_collections.barehost.web.plugins.plugin_utils._schema import fill, load

ROOT = "/etc/apache2"
DROP_IN = "/etc/systemd/system/apache2.service.d/barehost.conf"
UNIT = "apache2.service"
Route: TypeAlias = dict[str, Any]
_IPV6 = 6
_HOME = re.compile(r"/(home|root|run/user)(/|\Z)")
_KINDS = ("app", "static", "redirect")
# What every site needs; the second element says whether Debian's settings of the module are read as well.
_MODULES = (
    ("mpm_event", False),
    ("authz_core", False),
    ("alias", False),
    ("deflate", True),
    ("dir", False),
    ("filter", False),
    ("headers", False),
    ("mime", True),
    ("proxy", False),
    ("proxy_http", False),
    ("reqtimeout", False),
    ("rewrite", False),
)


def quote(text: str) -> str:
    """``text`` as one word of Apache's configuration."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def host_of(listener: Listener) -> str:
    """The address of ``<VirtualHost>``."""
    host = f"[{listener.host}]" if listener.version == _IPV6 else listener.host
    return f"{host if listener.host else '*'}:{listener.port}"


def hosts(addresses: Iterable[str]) -> list[str]:
    """The addresses of a site, each once; a port alone is one address for both IP versions."""
    return list(dict.fromkeys(host_of(each) for address in addresses for each in listeners(address)))


def listen_directives(addresses: Iterable[str]) -> list[str]:
    """Arguments of ``Listen``, each socket once. A port on every address leaves nothing to open on a single one."""
    sockets = dict.fromkeys(each for address in addresses for each in listeners(address))
    everywhere = {each.port for each in sockets if not each.host}
    single = [host_of(each) for each in sockets if each.port not in everywhere]
    return [*(str(port) for port in sorted(everywhere)), *single]


def route_variables(route: Mapping[str, Any], apps: Mapping[str, Mapping[str, Any]]) -> Route:
    """What the template of a route needs."""
    kind = next(name for name in _KINDS if route.get(name))
    prefix = prefix_of(route["path"])
    found: Route = {"kind": kind, "path": quote(prefix or "/"), "prefix": prefix, "length": len(prefix)}
    if kind == "app":
        return found | {"upstream": _upstream(str(apps[route["app"]]["address"]), prefix), "timeout": route["timeout"]}
    if kind == "static":
        folder = route["static"].rstrip("/")
        fallback = quote(f"{prefix}/{route['fallback'].lstrip('/')}") if route["fallback"] else ""
        index = " ".join(quote(name) for name in route["index"])
        hidden = quote(f"^{re.escape(folder)}/(.+/)?\\.(?!well-known(/|$))")
        slash = "" if prefix else "/"
        found |= {"folder": quote(folder + slash), "inside": quote(folder), "hidden": hidden}
        return found | {"index": index, "fallback": fallback}
    target = route["redirect"].rstrip("/") if route["keep_path"] else route["redirect"]
    return found | {
        "status": route["status"],
        # Nothing in it stands for something else.
        "target": re.sub(r"[$%\\]", r"\\\g<0>", target),
        "pattern": quote(f"^{re.escape(prefix)}(/.*)?$"),
        "rest": quote(rf"^\S+ {re.escape(prefix)}([/?]\S*)? ") if route["keep_path"] else "",
    }


def _upstream(address: str, prefix: str) -> str:
    where = f"{address}|http://localhost" if address.startswith("unix:") else f"http://{address}"
    return quote(f"{where}{prefix or '/'}")


def site_variables(site: Mapping[str, Any], apps: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the template of a site needs. The longest path goes first: Apache takes the first that fits."""
    routes = sorted((route_variables(route, apps) for route in site["routes"]), key=lambda route: -route["length"])
    for number, route in enumerate(routes):
        if route["kind"] == "redirect":
            route["beside"] = [
                f"^{re.escape(other['prefix'])}(/|$)"
                for other in routes[:number]
                if not route["prefix"] or other["prefix"].startswith(f"{route['prefix']}/")
            ]
    names = [domain for domain in site["domains"] if "*" not in domain]
    return {
        "name": site["name"],
        "server_name": names[0] if names else f"{site['name']}.invalid",
        "domains": " ".join(site["domains"]),
        "hosts": " ".join(hosts(site["listen"])),
        "access_log": site["access_log"],
        "extra": site["extra"].strip(),
        "routes": routes,
    }


def _site_files(name: str, variables: Mapping[str, Any], entry: str) -> tuple[dict[str, Any], dict[str, Any]]:
    template = "site.conf.j2" if entry else "unknown-hosts.conf.j2"
    file = {"dest": f"{ROOT}/sites-available/{name}.conf", "template": template, "vars": {"site": dict(variables)}}
    link = {"dest": f"{ROOT}/sites-enabled/{name}.conf", "target": f"../sites-available/{name}.conf"}
    return {**file, "entry": entry}, {**link, "entry": entry}


def module_links(more: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Switch modules on as a2enmod does, by files that leave with the last site."""
    names = dict([*((name, True) for name in more), *_MODULES])
    suffixes = [
        (name, suffix) for name, settings in names.items() for suffix in (("load", "conf") if settings else ("load",))
    ]
    return [
        {"dest": f"{ROOT}/mods-enabled/{name}.{suffix}", "target": f"../mods-available/{name}.{suffix}"}
        for name, suffix in suffixes
    ]


def present(sites: Iterable[Mapping[str, Any]], server: str) -> list[Mapping[str, Any]]:
    """The sites that a web server is to serve."""
    return [site for site in sites if site["state"] == "present" and site["server"] == server]


def published(sites: Sequence[Mapping[str, Any]], apps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The parts of the publish that follow from the sites, and the units.

    :param sites: ``apache_sites`` as the user wrote it, checked.
    :param apps: ``apache_apps``, checked.
    """
    filled: list[dict[str, Any]] = fill(sites, load("apache", "apache_sites"))
    reachable = {app["name"]: app for app in fill(apps, load("apache", "apache_apps"))}
    ours = present(filled, "apache")
    everywhere = [address for site in ours for address in site["listen"]]
    pairs = [_site_files("000-unknown-hosts", {"hosts": " ".join(hosts(everywhere))}, "")] if ours else []
    pairs += [_site_files(site["name"], site_variables(site, reachable), site["name"]) for site in ours]
    main = [
        {"dest": f"{ROOT}/apache2.conf", "template": "apache2.conf.j2"},
        {"dest": f"{ROOT}/ports.conf", "template": "ports.conf.j2", "vars": {"listen": listen_directives(everywhere)}},
        _drop_in(ours),
    ]
    gone = [site["name"] for site in filled if site not in ours]
    return {
        "parts": {
            "files": [*(file for file, _link in pairs), *(main if ours else [])],
            "links": [*(link for _file, link in pairs), *(module_links() if ours else [])],
            "entries": [site["name"] for site in filled],
            "remove": [f"/var/log/apache2/{name}.{kind}.log*" for name in gone for kind in ("access", "error")],
        },
        "units": [{"name": UNIT}] if ours else [],
    }


def _drop_in(sites: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The sandbox of Apache's unit, which may see home folders only if a site serves files from one."""
    home = any(_HOME.match(route.get("static") or "") for site in sites for route in site["routes"])
    # The unit ends with the last site.
    units = {"restart": [UNIT], "stop": [UNIT]}
    return {"dest": DROP_IN, "template": "apache2.service.j2", "vars": {"home": home}, **units}
