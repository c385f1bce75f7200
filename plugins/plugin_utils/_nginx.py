# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the sites of the model to the files of nginx: everything the templates would otherwise have to compute.

This module is private to the collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from ansible_collections.barehost.web.plugins.plugin_utils._entries import needed
from ansible_collections.barehost.web.plugins.plugin_utils._listen import listeners
from ansible_collections.barehost.web.plugins.plugin_utils._schema import fill, load

ROOT = "/etc/nginx"
UNIT = "nginx.service"
DROP_IN = "/etc/systemd/system/nginx.service.d/barehost.conf"
_PLAIN = re.compile(r"[A-Za-z0-9/_.~+:@-]+\Z")
_IPV6 = 6
_HTTPS_PORT = "443"
#: Where role certificates puts what a site needs for https.
CERTIFICATES = "/etc/barehost/tls"
_PROFILES = ("intermediate", "modern")
_NONE: Mapping[str, Mapping[str, Any]] = {}
_HOME = re.compile(r"/(home|root|run/user)(/|\Z)")
#: What the template of each kind of location reads. Ansible looks at every value that it is handed, several times.
_ANSWER = ("timeout", "buffering", "client_max_body_size")
_READ = {
    "app": ("prefix", "upstream", *_ANSWER),
    "uwsgi": ("prefix", "upstream", *_ANSWER),
    "proxy": ("host", "upstream", *_ANSWER),
    "static": ("folder", "index", "fallback", "expires"),
    "redirect": ("target", "status", "keep_path", "rest"),
    "slash": ("prefix",),
    "files": ("folder", "otherwise"),
    "wordpress": ("prefix", "pattern", "wordpress"),
}
#: What of https follows from the release of Debian: bookworm's nginx has its own notation of HTTP/2, and only the
#: OpenSSL of trixie knows the exchange of keys that withstands a quantum computer.
_OLD_NOTATION = frozenset({"bookworm"})
_CURVES = ("X25519", "prime256v1", "secp384r1")
_HYBRID = "X25519MLKEM768"
#: What all sites with a WordPress share.
_WORDPRESS = (
    {"dest": f"{ROOT}/conf.d/barehost-wordpress.conf", "template": "wordpress.conf.j2"},
    {"dest": f"{ROOT}/snippets/barehost-php.conf", "template": "php.conf.j2"},
    {"dest": f"{ROOT}/snippets/barehost-headers.conf", "template": "headers.conf.j2"},
)


@dataclass(frozen=True)
class Location:
    """One ``location`` block: how it matches and what the template of its kind needs to know."""

    match: str
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def variables(self) -> dict[str, Any]:
        """The block as the template of a site sees it."""
        return {"match": self.match, "kind": self.kind, **{key: self.data[key] for key in _READ[self.kind]}}


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
    data = dict(route, prefix=quote(prefix) if prefix else "")
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


def _with_files(data: dict[str, Any], prefix: str, blocks: Sequence[Location]) -> list[Location]:
    below, *exact = blocks
    data["folder"] = quote(data["files"].rstrip("/") + "/")
    # nginx has nothing against such a name, and no two routes of a site have one path.
    data["otherwise"] = quote(f"@app{prefix}")
    return [replace(below, kind="files"), replace(below, match=data["otherwise"]), *exact]


def _proxied(data: dict[str, Any], prefix: str, below: Location, exact: str) -> list[Location]:
    target = data["proxy"].rstrip("/")
    replaces = _has_path(data["proxy"])
    data["upstream"] = f"{target}/" if replaces else target
    if not prefix:
        return [below]
    return [below, Location(exact, "proxy", {**data, "upstream": target})]


def _has_path(url: str) -> bool:
    """Whether a proxied address has a path, which then stands for the route's."""
    rest = url.split("://", 1)[1]
    return ":/" in rest.removeprefix("unix:") if rest.startswith("unix:") else "/" in rest


def _static(data: dict[str, Any], prefix: str, below: Location, exact: str) -> list[Location]:
    data["folder"] = quote(data["static"].rstrip("/") + "/")
    data["index"] = " ".join(quote(name) for name in data["index"])
    data["fallback"] = quote(prefix + "/" + data["fallback"].lstrip("/")) if data["fallback"] else ""
    if not prefix:
        return [below]
    return [below, Location(exact, "slash", data)]


def _redirected(data: dict[str, Any], prefix: str, below: Location, exact: str) -> list[Location]:
    target = data["redirect"].rstrip("/") if data["keep_path"] else data["redirect"]
    data["target"] = quote(target)
    data["rest"] = re.escape(prefix) if prefix else ""
    return [below, Location(exact, "redirect", data)] if prefix else [below]


def listen_directives(addresses: Iterable[str], *, ipv6: bool) -> list[str]:
    """Arguments of ``listen`` for addresses of the model, each socket once; a bare port is every address."""
    sockets = (socket for address in addresses for socket in listeners(address))
    return list(dict.fromkeys(socket.directive for socket in sockets if ipv6 or socket.version != _IPV6))


def tls_directives(addresses: Iterable[str], *, ipv6: bool, codename: str) -> list[str]:
    """Arguments of ``listen`` for addresses where https is spoken."""
    suffix = "ssl http2" if codename in _OLD_NOTATION else "ssl"
    return [f"{directive} {suffix}" for directive in listen_directives(addresses, ipv6=ipv6)]


def https(site: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a site says of https, if it speaks it."""
    tls: Mapping[str, Any] | None = site.get("tls")
    return tls if tls and tls["mode"] != "none" else None


def _tls_variables(site: Mapping[str, Any], *, ipv6: bool, codename: str) -> dict[str, Any]:
    """What the template of a site needs for https."""
    tls = https(site)
    if tls is None:
        return {}
    port = next(iter(tls["listen"])).rpartition(":")[2]
    certificate = tls["certificate_file"] or f"{CERTIFICATES}/{site['name']}.pem"
    return {
        "listen": tls_directives(tls["listen"], ipv6=ipv6, codename=codename),
        "profile": tls["profile"],
        "certificate": certificate,
        "key": tls["key_file"] or certificate,
        "hsts": tls["hsts"],
        "redirect": tls["redirect"],
        "port": "" if port == _HTTPS_PORT else f":{port}",
    }


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
    blocks = [location.variables() for route in site["routes"] for location in locations(route, reachable, wordpress)]
    return {
        "name": site["name"],
        "upstreams": [
            {"name": upstreams[name]["address"], "address": app["address"], "keepalive": app["keepalive"]}
            for name, app in kept.items()
        ],
        "domains": " ".join(site["domains"]),
        "listen": listen_directives(site["listen"], ipv6=ipv6),
        "tls": _tls_variables(site, ipv6=ipv6, codename=codename),
        "client_max_body_size": site["client_max_body_size"],
        "access_log": site["access_log"],
        "extra": site["extra"].strip(),
        "locations": blocks,
    }


def _site_files(name: str, variables: Mapping[str, Any], entry: str) -> tuple[dict[str, Any], dict[str, Any]]:
    template = "site.conf.j2" if entry else "unknown-hosts.conf.j2"
    file = {"dest": f"{ROOT}/sites-available/{name}", "template": template, "vars": {"site": dict(variables)}}
    link = {"dest": f"{ROOT}/sites-enabled/{name}", "target": f"../sites-available/{name}"}
    return {**file, "entry": entry}, {**link, "entry": entry}


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
    :returns: ``files`` and ``links`` of all sites and of the unit, ``entries``, and ``remove`` (logs of absent sites).
    """
    filled: list[dict[str, Any]] = fill(sites, load("nginx", "nginx_sites"))
    reachable = {app["name"]: app for app in fill(apps, load("nginx", "nginx_apps"))}
    installed = {entry["name"]: entry for entry in fill(wordpress, load("nginx", "nginx_wordpress"))}
    present = [site for site in filled if site["state"] == "present" and site["server"] == "nginx"]
    if not needed(filled, "nginx"):
        return {"entries": [site["name"] for site in filled], "remove": _logs(filled)}
    everywhere = [address for site in present for address in site["listen"]] or ["80"]
    secure = [tls for site in present if (tls := https(site))]
    defaults = [
        {"profile": profile, "listen": tls_directives(addresses, ipv6=ipv6, codename=codename)}
        for profile in _PROFILES
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
            *(_WORDPRESS if installed else ()),
            *_tls_files(secure, codename),
        ],
        "links": [link for _file, link in pairs],
        "entries": [site["name"] for site in filled],
        "remove": _logs(filled),
    }


def _tls_files(secure: Sequence[Mapping[str, Any]], codename: str) -> list[dict[str, Any]]:
    """What all sites that speak https share."""
    if not secure:
        return []
    hybrid = () if codename in _OLD_NOTATION else (_HYBRID,)
    data = {"curves": ":".join((*hybrid, *_CURVES)), "http2": codename not in _OLD_NOTATION}
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


def _logs(sites: Iterable[Mapping[str, Any]]) -> list[str]:
    """The logs of sites that nginx serves no longer."""
    gone = [site["name"] for site in sites if site["state"] == "absent" or site["server"] != "nginx"]
    return [f"/var/log/nginx/{name}.{kind}.log*" for name in gone for kind in ("access", "error")]


def _drop_in(sites: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The sandbox of nginx's unit, which may see home folders only if a site serves files from one."""
    folders = (route.get("static") or route["files"] for site in sites for route in site["routes"])
    home = any(_HOME.match(folder) for folder in folders)
    # The unit ends when nginx has nothing to serve any more.
    units = {"restart": [UNIT], "stop": [UNIT]}
    return {"dest": DROP_IN, "template": "nginx.service.j2", "vars": {"home": home}, **units}
