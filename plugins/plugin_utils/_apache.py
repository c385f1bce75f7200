# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the sites of the model to the files of Apache: everything the templates would otherwise have to compute.

This module is private to the collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from ansible_collections.barehost.web.plugins.plugin_utils import _headers, _maintenance, _tls
from ansible_collections.barehost.web.plugins.plugin_utils._listen import Listener, listeners
from ansible_collections.barehost.web.plugins.plugin_utils._nginx import is_of_app, prefix_of
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
_TLS_MODULES = (("http2", False), ("socache_shmcb", False), ("ssl", False))
# Paths in which an authority looks for its challenges.
_CHALLENGE = r"^/\.well-known/acme-challenge/"


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
        return found | {"index": index, "fallback": fallback, "owned": is_of_app(folder, apps)}
    target = route["redirect"].rstrip("/") if route["keep_path"] else route["redirect"]
    # Behind the root the rest must not begin like one: `//` is where browsers expect another host.
    decoded, raw = ("(/.*)?", r"(/[^\s?]*)?") if target else (r"(?:[/\\]+(.*))?", r"[/\\]*([^\s?]*)")
    return found | {
        "status": route["status"],
        # Nothing in it stands for something else.
        "target": re.sub(r"[$%\\]", r"\\\g<0>", target or "/"),
        # Rules for addresses have a notation of their own, in which a backslash is what it is.
        "pattern": f'"^{re.escape(prefix)}{decoded}$"',
        "rest": rf'"^\S+ {re.escape(prefix)}{raw}[\s?]"' if route["keep_path"] else "",
    }


def _upstream(address: str, prefix: str) -> str:
    where = f"{address}|http://localhost" if address.startswith("unix:") else f"http://{address}"
    return quote(f"{where}{prefix or '/'}")


def _header(name: str, value: str) -> dict[str, str]:
    """A header as the templates write it; a percent sign would begin a variable."""
    return {"name": name, "value": quote(value.replace("%", "%%")), "silent": quote(f"expr=-z %{{resp:{name}}}")}


def site_headers(site: Mapping[str, Any]) -> list[dict[str, str]]:
    """What Apache sends with every answer of a site, unless an app has said it."""
    return [_header(_headers.NAMES[key], text) for key, text in _headers.values(site).items() if text]


def route_headers(site: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Where the headers of routes differ, those of every route. The longest path goes last, and has the last word."""
    each = [(prefix_of(route["path"]), _headers.values(site, route)) for route in site["routes"]]
    usual = _headers.values(site)
    differing = [key for key in usual if any(found[key] != usual[key] for _prefix, found in each)]
    if not differing:
        return []
    return [
        {"path": quote(prefix or "/"), "headers": [_header(_headers.NAMES[key], found[key]) for key in differing]}
        for prefix, found in sorted(each, key=lambda one: len(one[0]))
    ]


def _tls_variables(site: Mapping[str, Any]) -> dict[str, Any]:
    """What the template of a site needs for https."""
    tls = _tls.https(site)
    if tls is None:
        return {}
    hsts = _tls.hsts(tls)
    return {
        "hosts": " ".join(hosts(tls["listen"])),
        "profile": tls["profile"],
        **_tls.files(site, tls),
        "redirect": tls["redirect"],
        "port": _tls.port(tls),
        "staples": tls["mode"] == "provided",
        "headers": [_header(_headers.HSTS, hsts)] if hsts else [],
    }


def site_variables(site: Mapping[str, Any], apps: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the template of a site needs. The longest path goes first: Apache takes the first that fits."""
    routes = sorted((route_variables(route, apps) for route in site["routes"]), key=lambda route: -route["length"])
    for number, route in enumerate(routes):
        if route["kind"] == "redirect":
            route["beside"] = [
                *([_CHALLENGE] if _tls.https(site) else ()),
                *(
                    f"^{re.escape(other['prefix'])}(/|$)"
                    for other in routes[:number]
                    if not route["prefix"] or other["prefix"].startswith(f"{route['prefix']}/")
                ),
            ]
    names = [domain for domain in site["domains"] if "*" not in domain]
    return {
        "tls": _tls_variables(site),
        "headers": site_headers(site),
        "route_headers": route_headers(site),
        "name": site["name"],
        "server_name": names[0] if names else f"{site['name']}.invalid",
        "domains": " ".join(site["domains"]),
        "hosts": " ".join(hosts(site["listen"])),
        "access_log": site["access_log"],
        "extra": site["extra"].strip(),
        "closed": _closed(site),
        "routes": routes,
    }


def _closed(site: Mapping[str, Any]) -> dict[str, Any]:
    """What the template of a site needs while it is closed."""
    found = _maintenance.closed(site)
    return found and {**found, "page": _maintenance.page(site, ROOT)}


def _site_files(name: str, variables: Mapping[str, Any], entry: str) -> tuple[dict[str, Any], dict[str, Any]]:
    template = "site.conf.j2" if entry else "unknown-hosts.conf.j2"
    file = {"dest": f"{ROOT}/sites-available/{name}.conf", "template": template, "vars": {"site": dict(variables)}}
    link = {"dest": f"{ROOT}/sites-enabled/{name}.conf", "target": f"../sites-available/{name}.conf"}
    logs = [f"/var/log/apache2/{entry}.{kind}.log*" for kind in ("access", "error")] if entry else []
    return {**file, "entry": entry, "traces": logs}, {**link, "entry": entry}


def module_links(more: Iterable[str] = (), *, tls: bool = False) -> list[dict[str, Any]]:
    """Switch modules on as a2enmod does, by files that leave with the last site."""
    names = dict([*((name, True) for name in more), *_MODULES, *(_TLS_MODULES if tls else ())])
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


def published(
    sites: Sequence[Mapping[str, Any]], apps: Sequence[Mapping[str, Any]], codename: str = ""
) -> dict[str, Any]:
    """The parts of the publish that follow from the sites, and the units.

    :param sites: ``apache_sites`` as the user wrote it, checked.
    :param apps: ``apache_apps``, checked.
    :param codename: the release of Debian; the newest where it is not known.
    """
    filled: list[dict[str, Any]] = fill(sites, load("apache", "apache_sites"))
    reachable = {app["name"]: app for app in fill(apps, load("apache", "apache_apps"))}
    ours = present(filled, "apache")
    secure = [site for site in ours if _tls.https(site)]
    everywhere = [address for site in ours for address in site["listen"]]
    encrypted = [address for site in secure for address in site["tls"]["listen"]]
    # Apache starts with no address of https without a certificate; nobody gets to see this one there.
    unseen = _tls.files(secure[0], secure[0]["tls"]) if secure else {}
    unknown = {"hosts": " ".join(hosts(everywhere)), "tls": {"hosts": " ".join(hosts(encrypted)), **unseen}}
    pairs = [_site_files("000-unknown-hosts", unknown if secure else {**unknown, "tls": {}}, "")] if ours else []
    pairs += [_site_files(site["name"], site_variables(site, reachable), site["name"]) for site in ours]
    ports = {"listen": listen_directives([*everywhere, *encrypted])}
    main = [
        {"dest": f"{ROOT}/apache2.conf", "template": "apache2.conf.j2", "vars": {"tls": bool(secure)}},
        {"dest": f"{ROOT}/ports.conf", "template": "ports.conf.j2", "vars": ports},
        {"dest": f"{ROOT}/barehost-reload.sh", "template": "reload.sh.j2"},
        _drop_in(ours),
        *_maintenance.pages(ours, ROOT),
        *_tls_files(secure, codename),
    ]
    return {
        "parts": {
            "files": [*(file for file, _link in pairs), *(main if ours else [])],
            "links": [*(link for _file, link in pairs), *(module_links(tls=bool(secure)) if ours else [])],
            "entries": [site["name"] for site in filled],
        },
        "units": [{"name": UNIT, "listen": _tls.opened(ours)}] if ours else [],
    }


def _tls_files(secure: Sequence[Mapping[str, Any]], codename: str) -> list[dict[str, Any]]:
    """What all sites that speak https share."""
    if not secure:
        return []
    data = {"curves": _tls.curves(codename), "ciphers": ":".join(_tls.CIPHERS)}
    profiles = sorted({site["tls"]["profile"] for site in secure})
    return [
        {"dest": f"{ROOT}/barehost-tls.conf", "template": "tls.conf.j2", "vars": {"tls": data}},
        {"dest": f"{ROOT}/snippets/barehost-challenge.conf", "template": "challenge.conf.j2"},
        *(
            {
                "dest": f"{ROOT}/snippets/barehost-tls-{profile}.conf",
                "template": f"tls-{profile}.conf.j2",
                "vars": {"tls": data},
            }
            for profile in profiles
        ),
    ]


def _drop_in(sites: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The sandbox of Apache's unit, which may see home folders only if a site serves files from one."""
    home = any(_HOME.match(route.get("static") or "") for site in sites for route in site["routes"])
    # The unit ends with the last site.
    units = {"restart": [UNIT], "stop": [UNIT]}
    return {"dest": DROP_IN, "template": "apache2.service.j2", "vars": {"home": home}, **units}
