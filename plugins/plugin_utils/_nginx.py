# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the sites of the model to the files of nginx: everything the templates would otherwise have to compute.

This module is private to the collection.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from ansible_collections.barehost.web.plugins.plugin_utils import _headers, _maintenance, _tls
from ansible_collections.barehost.web.plugins.plugin_utils._entries import needed
from ansible_collections.barehost.web.plugins.plugin_utils._listen import listeners, sockets
from ansible_collections.barehost.web.plugins.plugin_utils._schema import fill, load

ROOT = "/etc/nginx"
UNIT = "nginx.service"
DROP_IN = "/etc/systemd/system/nginx.service.d/barehost.conf"
_PLAIN = re.compile(r"[A-Za-z0-9/_.~+:@-]+\Z")
_IPV6 = 6
_NONE: Mapping[str, Mapping[str, Any]] = {}
_HOME = re.compile(r"/(home|root|run/user)(/|\Z)")
#: What the template of each kind of location reads. Ansible looks at every value that it is handed, several times.
_ANSWER = ("timeout", "buffering", "client_max_body_size")
_READ = {
    "app": ("prefix", "upstream", *_ANSWER),
    "uwsgi": ("prefix", "upstream", *_ANSWER),
    "proxy": ("host", "upstream", "moved", *_ANSWER),
    "static": ("folder", "index", "fallback", "expires", "owned"),
    "redirect": ("target", "status", "keep_path", "rest"),
    "slash": ("prefix",),
    "files": ("folder", "otherwise", "owned"),
    "wordpress": ("prefix", "pattern", "wordpress"),
}
#: What all sites with a WordPress share.
_WORDPRESS = (
    {"dest": f"{ROOT}/conf.d/barehost-wordpress.conf", "template": "wordpress.conf.j2"},
    {"dest": f"{ROOT}/snippets/barehost-php.conf", "template": "php.conf.j2"},
)


@dataclass(frozen=True)
class Location:
    """One ``location`` block: how it matches and what the template of its kind needs to know."""

    match: str
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def variables(self) -> dict[str, Any]:
        """The block as the template of a site sees it."""
        return {
            "match": self.match,
            "kind": self.kind,
            **{key: self.data[key] for key in ("headers", *_READ[self.kind])},
        }


def quote(text: str) -> str:
    """``text`` as one word of nginx's configuration."""
    if _PLAIN.match(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def prefix_of(path: str) -> str:
    """The route path as an app sees it: decoded, without a closing slash; empty for the root."""
    return unquote(path).rstrip("/")


def locations(
    route: Mapping[str, Any],
    apps: Mapping[str, Mapping[str, Any]],
    wordpress: Mapping[str, Mapping[str, Any]] = _NONE,
) -> list[Location]:
    """The location blocks of one route.

    ``/util`` covers itself and ``/util/…`` but not ``/utility``, which takes two blocks; ``/`` takes one.
    """
    kind = next(name for name in ("app", "proxy", "static", "redirect", "wordpress") if route.get(name))
    if kind == "app" and apps[route["app"]]["protocol"] == "uwsgi":
        kind = "uwsgi"
    prefix = prefix_of(route["path"])
    data = dict(
        route, prefix=quote(prefix) if prefix else "", owned=is_of_app(route.get("static") or route["files"], apps)
    )
    below = Location(quote(prefix + "/"), kind, data)
    exact = f"= {quote(prefix)}"
    if kind in {"app", "uwsgi"}:
        scheme = "http://" if kind == "app" else ""
        data["upstream"] = f"{scheme}{apps[route['app']]['address']}"
        blocks = [below, Location(exact, kind, data)] if prefix else [below]
        return _with_files(data, prefix, blocks) if data["files"] else blocks
    if kind == "proxy":
        return _proxied(data, prefix, below, exact)
    if kind == "static":
        return _static(data, prefix, below, exact)
    if kind == "wordpress":
        data |= {"pattern": re.escape(prefix), "wordpress": wordpress[route["wordpress"]]}
        return [below, Location(exact, "slash", data)] if prefix else [below]
    return _redirected(data, prefix, below, exact)


def is_of_app(folder: str, apps: Iterable[str]) -> bool:
    """Whether a folder is one of a release: what an app shares is in it, where the app can make links."""
    return any(f"{folder}/".startswith(f"/srv/{app}/current/") for app in apps)


def _with_files(data: dict[str, Any], prefix: str, blocks: Sequence[Location]) -> list[Location]:
    below, *exact = blocks
    data["folder"] = quote(data["files"].rstrip("/") + "/")
    # nginx has nothing against such a name, and no two routes of a site have one path.
    data["otherwise"] = quote(f"@app{prefix}")
    return [replace(below, kind="files"), replace(below, match=data["otherwise"]), *exact]


def _proxied(data: dict[str, Any], prefix: str, below: Location, exact: str) -> list[Location]:
    data["upstream"], path = _target(data["proxy"])
    moved = {"pattern": quote(f"^{re.escape(prefix)}/(.*)$"), "target": quote(f"{unquote(path)}$1")}
    data["moved"] = moved if path else None
    if not prefix:
        return [below]
    return [below, Location(exact, "proxy", {**data, "moved": None, "upstream": data["proxy"].rstrip("/")})]


def _target(url: str) -> tuple[str, str]:
    """Split a proxied address into the server and the path that stands for the route's, if it has one."""
    scheme, rest = url.split("://", 1)
    server, slash, path = rest.removeprefix("unix:").partition(":/" if rest.startswith("unix:") else "/")
    socket = "unix:" if rest.startswith("unix:") else ""
    return f"{scheme}://{socket}{server}", f"/{path.rstrip('/')}/".replace("//", "/") if slash else ""


def _static(data: dict[str, Any], prefix: str, below: Location, exact: str) -> list[Location]:
    data["folder"] = quote(data["static"].rstrip("/") + "/")
    data["index"] = " ".join(quote(name) for name in data["index"])
    data["fallback"] = quote(prefix + "/" + data["fallback"].lstrip("/")) if data["fallback"] else ""
    if not prefix:
        return [below]
    return [below, Location(exact, "slash", data)]


def _redirected(data: dict[str, Any], prefix: str, below: Location, exact: str) -> list[Location]:
    target = data["redirect"].rstrip("/") if data["keep_path"] else data["redirect"]
    data["target"] = quote(target or "/")
    # Behind the root the rest must not begin like one: `//` is where browsers expect another host.
    rest = r"(?<rest>[/?].*)?" if target else r"[/\\\\]*(?<rest>.*)"
    data["rest"] = re.escape(prefix) + rest if prefix else ""
    return [below, Location(exact, "redirect", data)] if prefix else [below]


def listen_directives(addresses: Iterable[str], *, ipv6: bool) -> list[str]:
    """Arguments of ``listen`` for addresses of the model, each socket once; a bare port is every address."""
    sockets = (socket for address in addresses for socket in listeners(address))
    return list(dict.fromkeys(socket.directive for socket in sockets if ipv6 or socket.version != _IPV6))


def tls_directives(addresses: Iterable[str], *, ipv6: bool, codename: str) -> list[str]:
    """Arguments of ``listen`` for addresses where https is spoken."""
    # bookworm's nginx has its own notation of HTTP/2.
    suffix = "ssl http2" if codename in _tls.OLD else "ssl"
    return [f"{directive} {suffix}" for directive in listen_directives(addresses, ipv6=ipv6)]


def quic_directives(sites: Iterable[Mapping[str, Any]], *, ipv6: bool) -> list[str]:
    """Arguments of ``listen`` for addresses where HTTP/3 is spoken."""
    spoken = [tls for site in sites if (tls := _tls.https(site)) and tls["http3"]]
    addresses = [address for tls in spoken for address in tls["listen"]]
    return [f"{directive} quic" for directive in listen_directives(addresses, ipv6=ipv6)]


def _tls_variables(site: Mapping[str, Any], *, ipv6: bool, codename: str) -> dict[str, Any]:
    """What the template of a site needs for https."""
    tls = _tls.https(site)
    if tls is None:
        return {}
    return {
        "listen": tls_directives(tls["listen"], ipv6=ipv6, codename=codename) + quic_directives([site], ipv6=ipv6),
        "profile": tls["profile"],
        **_tls.files(site, tls),
        "redirect": tls["redirect"],
        "port": _tls.port(tls),
        "staples": tls["mode"] == "provided",
    }


@dataclass(frozen=True)
class Header:
    """A header that nginx sends unless an app has said it: the map that decides, and the variable that it fills."""

    name: str
    asked: str
    variable: str
    silent: str
    value: str

    def variables(self) -> dict[str, str]:
        """The header as the templates see it."""
        return {"name": self.name, "variable": self.variable}

    def map(self) -> dict[str, str]:
        """What decides about it, as the templates see it."""
        return {"asked": self.asked, "variable": self.variable, "silent": self.silent, "value": self.value}


@functools.cache
def _usual_site() -> Mapping[str, Any]:
    """A site that says nothing."""
    (site,) = fill([{"name": "usual"}], load("nginx", "nginx_sites"))
    usual: Mapping[str, Any] = site
    return usual


@functools.cache
def _usual_headers() -> dict[str, str]:
    """What is sent for a site that says nothing."""
    return _headers.values(_usual_site())


def headers_of(site: Mapping[str, Any], route: Mapping[str, Any] | None = None) -> list[Header]:
    """What nginx sends with every answer of a site, or of a route."""
    found = []
    for key, text in _headers.values(site, route).items():
        name = _headers.NAMES[key]
        # A few variables for all sites: each costs every request some memory.
        digest = "" if text == _usual_headers()[key] else f"_{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        said = f"$upstream_http_{name.lower().replace('-', '_')}"
        if text:
            found.append(Header(name, said, f"$barehost_{key}{digest}", '""', quote(text)))
    tls = _tls.https(site)
    hsts = _tls.hsts(tls) if tls is not None else ""
    if hsts:
        variable = "$barehost_hsts_" + re.sub(r"[^0-9a-z]+", "_", hsts.lower().removeprefix("max-age="))
        # Said over http it would be nobody's word.
        asked = '"$https$upstream_http_strict_transport_security"'
        found.append(Header(_headers.HSTS, asked, variable, "on", quote(hsts)))
    if tls is not None and tls["http3"]:
        port = _tls.number(tls)
        asked = '"$https$upstream_http_alt_svc"'
        found.append(Header("Alt-Svc", asked, f"$barehost_alt_svc_{port}", "on", quote(f'h3=":{port}"; ma=86400')))
    return found


def _maps(site: Mapping[str, Any]) -> list[dict[str, str]]:
    """What decides about the headers that a site does not share with the usual one.

    They stay with the site, also where it has left the model. Those of two sites may be the same, to which nginx has no
    objection.
    """
    found = {header for route in (None, *site["routes"]) for header in headers_of(site, route)}
    own = found - set(headers_of(_usual_site()))
    return [header.map() for header in sorted(own, key=lambda header: header.variable)]


def _of_route(site: Mapping[str, Any], route: Mapping[str, Any]) -> list[dict[str, str]]:
    """The headers of a route, nothing if they are the site's."""
    usual, ours = headers_of(site), headers_of(site, route)
    if ours == usual:
        return []
    # One of its own makes nginx forget all of the site's. What is not said at all is said to be meant so.
    named = {header.name for header in ours}
    silent = [{"name": header.name, "variable": '""'} for header in usual if header.name not in named]
    return [*(header.variables() for header in ours), *silent]


def site_variables(
    site: Mapping[str, Any],
    apps: Mapping[str, Mapping[str, Any]],
    wordpress: Mapping[str, Mapping[str, Any]] = _NONE,
    *,
    ipv6: bool,
    codename: str = "",
) -> dict[str, Any]:
    """What the template of a site needs."""
    kept = {name: apps[name] for route in site["routes"] if (name := route.get("app")) and apps[name].get("keepalive")}
    upstreams = {name: {**app, "address": f"barehost.{site['name']}.{name}"} for name, app in kept.items()}
    reachable = {**apps, **upstreams}
    routes = [{**route, "headers": _of_route(site, route)} for route in site["routes"]]
    blocks = [location.variables() for route in routes for location in locations(route, reachable, wordpress)]
    return {
        "name": site["name"],
        "upstreams": [
            {"name": upstreams[name]["address"], "address": app["address"], "keepalive": app["keepalive"]}
            for name, app in kept.items()
        ],
        "domains": " ".join(site["domains"]),
        "listen": listen_directives(site["listen"], ipv6=ipv6),
        "tls": _tls_variables(site, ipv6=ipv6, codename=codename),
        "maps": _maps(site),
        "headers": [header.variables() for header in headers_of(site)],
        "client_max_body_size": site["client_max_body_size"],
        "access_log": site["access_log"],
        "extra": site["extra"].strip(),
        "closed": _closed(site),
        "locations": blocks,
    }


def _closed(site: Mapping[str, Any]) -> dict[str, Any]:
    """What the template of a site needs while it is closed."""
    found = _maintenance.closed(site)
    if not found:
        return {}
    name = site["name"]
    # No name of a variable has a hyphen, and no two sites have one variable.
    word = name if "-" not in name else f"{name.replace('-', '_')}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    variables = {"variable": f"$barehost_closed_{word}", "stranger": f"$barehost_stranger_{word}"}
    return {**found, **variables, "page": _maintenance.page(site, ROOT)}


def _site_files(name: str, variables: Mapping[str, Any], entry: str) -> tuple[dict[str, Any], dict[str, Any]]:
    template = "site.conf.j2" if entry else "unknown-hosts.conf.j2"
    file = {"dest": f"{ROOT}/sites-available/{name}", "template": template, "vars": {"site": dict(variables)}}
    link = {"dest": f"{ROOT}/sites-enabled/{name}", "target": f"../sites-available/{name}"}
    logs = [f"/var/log/nginx/{entry}.{kind}.log*" for kind in ("access", "error")] if entry else []
    return {**file, "entry": entry, "traces": logs}, {**link, "entry": entry}


def published(
    sites: Sequence[Mapping[str, Any]],
    apps: Sequence[Mapping[str, Any]],
    wordpress: Sequence[Mapping[str, Any]] = (),
    *,
    ipv6: bool,
    codename: str = "",
) -> dict[str, Any]:
    """The parts of the publish that follow from the sites.

    :param sites: ``nginx_sites`` as the user wrote it, checked.
    :param apps: ``nginx_apps``, checked.
    :param wordpress: ``nginx_wordpress``, checked.
    :param ipv6: whether the host speaks IPv6.
    :param codename: the release of Debian; the newest where it is not known.
    :returns: ``files`` and ``links`` of all sites and of the unit, ``entries``, and ``units`` with what nginx opens.
    """
    filled: list[dict[str, Any]] = fill(sites, load("nginx", "nginx_sites"))
    reachable = {app["name"]: app for app in fill(apps, load("nginx", "nginx_apps"))}
    installed = {entry["name"]: entry for entry in fill(wordpress, load("nginx", "nginx_wordpress"))}
    present = [site for site in filled if site["state"] == "present" and site["server"] == "nginx"]
    if not needed(filled, "nginx"):
        return {"entries": [site["name"] for site in filled]}
    everywhere = [address for site in present for address in site["listen"]] or ["80"]
    for site in present:
        if codename in _tls.OLD and site.get("tls"):
            site["tls"]["http3"] = False
    secure = [tls for site in present if (tls := _tls.https(site))]
    defaults = [
        {
            "profile": profile,
            "listen": tls_directives(addresses, ipv6=ipv6, codename=codename),
            "quic": quic_directives(_of_profile(present, profile), ipv6=ipv6),
        }
        for profile in _tls.PROFILES
        if (addresses := [address for tls in secure if tls["profile"] == profile for address in tls["listen"]])
    ]
    unknown = {"listen": listen_directives(everywhere, ipv6=ipv6), "tls": defaults}
    pairs = [_site_files("000-unknown-hosts", unknown, "")]
    pairs += [
        _site_files(
            f"{site['name']}.conf",
            site_variables(site, reachable, installed, ipv6=ipv6, codename=codename),
            site["name"],
        )
        for site in present
    ]
    return {
        "files": [
            *(file for file, _link in pairs),
            _drop_in(present),
            *_maintenance.pages(present, ROOT),
            *(_WORDPRESS if installed else ()),
            _header_file(),
            *_tls_files(secure, codename),
        ],
        "links": [link for _file, link in pairs],
        "entries": [site["name"] for site in filled],
        "units": [{"name": UNIT, "listen": _tls.opened(present) or sockets([(address, "") for address in everywhere])}],
    }


def _of_profile(sites: Iterable[Mapping[str, Any]], profile: str) -> list[Mapping[str, Any]]:
    return [site for site in sites if (tls := _tls.https(site)) and tls["profile"] == profile]


def _header_file() -> dict[str, Any]:
    """What decides about the usual headers: always the same, because sites that have left the model need it, too."""
    maps = [header.map() for header in headers_of(_usual_site())]
    data = {"vars": {"headers": maps}}
    return {"dest": f"{ROOT}/conf.d/barehost-headers.conf", "template": "headers.conf.j2", **data}


def _tls_files(secure: Sequence[Mapping[str, Any]], codename: str) -> list[dict[str, Any]]:
    """What all sites that speak https share."""
    if not secure:
        return []
    data = {"curves": _tls.curves(codename), "http2": codename not in _tls.OLD, "ciphers": ":".join(_tls.CIPHERS)}
    profiles = sorted({tls["profile"] for tls in secure})
    return [
        {"dest": f"{ROOT}/conf.d/barehost-tls.conf", "template": "tls.conf.j2"},
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
    """The sandbox of nginx's unit, which may see home folders only if a site serves files from one."""
    folders = (route.get("static") or route["files"] for site in sites for route in site["routes"])
    home = any(_HOME.match(folder) for folder in folders)
    # The unit ends when nginx has nothing to serve any more.
    units = {"restart": [UNIT], "stop": [UNIT]}
    return {"dest": DROP_IN, "template": "nginx.service.j2", "vars": {"home": home}, **units}
