# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be wrong with sites beyond their schema. Private to the collection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from ansible_collections.barehost.web.plugins.plugin_utils import _listen, _values, _web
from ansible_collections.barehost.web.plugins.plugin_utils._entries import Check, Entry, spec
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Problem, hint, show
from ansible_collections.barehost.web.plugins.plugin_utils._schema import Spec

_TEXTS: Mapping[str, Check] = {
    "domains": _web.domain,
    "listen": _listen.listen,
    "client_max_body_size": _web.size,
}
_ROUTE_TEXTS: Mapping[str, Check] = {
    "path": _web.path,
    "static": _web.static,
    "files": _web.static,
    "proxy": _web.proxy,
    "redirect": _web.redirect,
    "index": _web.file_name,
    "fallback": _web.path,
    "expires": _web.expires,
    "host": _web.host,
    "client_max_body_size": _web.size,
}
_HEADER_TEXTS: Mapping[str, Check] = {"permissions_policy": _web.header, "content_policy": _web.header}
# What a route can lead to, and the keys that only make sense with it.
_TARGETS: Mapping[str, frozenset[str]] = {
    "app": frozenset({"files", "buffering", "timeout", "client_max_body_size"}),
    "static": frozenset({"index", "fallback", "expires"}),
    "proxy": frozenset({"buffering", "timeout", "client_max_body_size", "host"}),
    "redirect": frozenset({"status", "keep_path"}),
    "wordpress": frozenset(),
}
_PORTS = {"http": 80, "https": 443}
_HSTS = ("hsts", "hsts_subdomains", "hsts_preload")
# A year is the least that lists of browsers take; more than ten is a slip of the pen.
_PRELOADED = 365 * 24 * 60 * 60
_LONGEST_HSTS = 10 * _PRELOADED


def check_site(site: Entry) -> Iterator[Problem]:
    """Check one site by itself. A site that is to be removed needs nothing but its name."""
    yield from site.check({"name": _values.site_name})
    if not site.present:
        return
    yield from site.check(_TEXTS)
    for key in ("domains", "listen", "routes"):
        if site.values.get(key) == []:
            yield Problem(f"{site.path}.{key}", "is empty", "give at least one")
    yield from _repeated_listeners(site)
    yield from _tls(site)
    yield from _headers(site)
    routes = site.mappings("routes")
    yield from _repeated_paths(routes)
    for route in routes:
        yield from route.check(_ROUTE_TEXTS)
        yield from route.at_least({"timeout": 1})
        yield from _headers(route)
        yield from _misplaced(route)
        yield from _redirect(route, site, routes)


def check_certified(site: Entry) -> Iterator[Problem]:
    """Check a site that only has a certificate."""
    yield from site.check({"name": _values.site_name})
    if site.present:
        yield from site.check({"domains": _web.domain})
        if site.values.get("domains") == []:
            yield Problem(f"{site.path}.domains", "is empty", "give at least one")


def _headers(entry: Entry) -> Iterator[Problem]:
    """Check the headers of a site or of a route."""
    headers = entry.mapping("headers") if entry.knows("headers") else None
    if headers is not None:
        yield from headers.check(_HEADER_TEXTS)


def _tls(site: Entry) -> Iterator[Problem]:
    tls = site.mapping("tls") if site.knows("tls") else None
    if tls is None or not tls.knows("listen"):
        return
    if tls.text("mode") == "none":
        for key in ("listen", "profile", "redirect", *_HSTS, "certificate_file", "key_file"):
            if tls.has(key):
                way_out = "write 'mode: acme' or 'mode: self_signed', or leave it out"
                yield Problem(f"{tls.path}.{key}", "does nothing without https", way_out)
        return
    yield from tls.check({"listen": _listen.listen, "certificate_file": _web.host_file, "key_file": _web.host_file})
    if tls.values.get("listen") == []:
        yield Problem(f"{tls.path}.listen", "is empty", "give at least one")
    yield from _repeated_listeners(tls)
    yield from _host_files(tls)
    yield from tls.at_least({"hsts": 0})
    hsts = tls.values.get("hsts")
    if isinstance(hsts, int) and hsts > _LONGEST_HSTS:
        yield Problem(f"{tls.path}.hsts", f"{hsts} seconds are more than ten years", "write 63072000 for two years")
    yield from _hsts(tls)
    for path, domain in site.texts("domains"):
        if re.fullmatch(r"[0-9.]+", domain):
            reason = f"{domain!r} is an address, which no client names when it begins to speak https"
            yield Problem(path, reason, "leave it out, or give it a site without tls")


def _hsts(tls: Entry) -> Iterator[Problem]:
    """Check what goes with the time of HSTS."""
    hsts, subdomains, preload = (tls.values.get(key) for key in _HSTS)
    for key, given in (("hsts_subdomains", subdomains), ("hsts_preload", preload)):
        if given is True and hsts == 0:
            yield Problem(f"{tls.path}.{key}", "does nothing without 'hsts'", "give 'hsts' a number of seconds as well")
    if preload is True and isinstance(hsts, int) and hsts:
        if subdomains is not True:
            yield Problem(
                f"{tls.path}.hsts_preload", "needs 'hsts_subdomains'", "write 'hsts_subdomains: true' as well"
            )
        if hsts < _PRELOADED:
            reason = f"no list of browsers takes names for {hsts} seconds"
            yield Problem(f"{tls.path}.hsts_preload", reason, "write 'hsts: 31536000' or more, or leave it out")


def _host_files(tls: Entry) -> Iterator[Problem]:
    if tls.text("mode") in {"self_signed", "acme"} and tls.text("certificate_file"):
        yield Problem(f"{tls.path}.certificate_file", "does nothing with this mode", "write 'mode: provided'")
    if tls.text("key_file") and not tls.text("certificate_file"):
        yield Problem(f"{tls.path}.key_file", "has no certificate", "give 'certificate_file' as well")


def check_sockets(sites: Sequence[Entry]) -> Iterator[Problem]:
    """Check that one language is spoken at each address, https by one profile."""
    seen: dict[_listen.Listener, tuple[str, str, Entry]] = {}
    told: set[tuple[str, str]] = set()
    for site in sites:
        for scheme, profile, path, listener in _spoken(site):
            first, spoken, owner = seen.setdefault(listener, (scheme, profile, site))
            if (first, spoken) == (scheme, profile) or (path, owner.path) in told:
                continue
            # A bare port is two sockets, and one mistake.
            told.add((path, owner.path))
            where = f"site {owner.text('name')!r} ({owner.path})"
            if first != scheme:
                reason = f"{listener.directive} would speak {scheme}, and speaks {first} for {where}"
                yield Problem(path, reason, "take another port for one of them")
            else:
                reason = f"{profile!r} differs from {spoken!r} of {where} at {listener.directive}"
                way_out = "give both one profile: the version is agreed on before the client has named its host"
                yield Problem(path.replace(".listen", ".profile"), reason, way_out)


def _spoken(site: Entry) -> Iterator[tuple[str, str, str, _listen.Listener]]:
    if not site.present:
        return
    for listener in sorted(_read(site)):
        yield "http", "", f"{site.path}.listen", listener
    tls = https(site)
    for listener in sorted(_read(tls)) if tls is not None else ():
        yield "https", tls.text("profile") if tls is not None else "", f"{site.path}.tls.listen", listener


def https(site: Entry) -> Entry | None:
    """Give what a site says of https, if it speaks it."""
    tls = site.mapping("tls") if site.knows("tls") else None
    return tls if tls is not None and tls.knows("listen") and tls.text("mode") != "none" else None


def check_sites(sites: Sequence[Entry]) -> Iterator[Problem]:
    """Check that every domain has one site on each of its addresses."""
    seen: dict[tuple[_listen.Listener, str], tuple[str, Entry]] = {}
    for site in sites:
        if not site.present:
            continue
        for path, domain in site.texts("domains"):
            for listener in listeners(site):
                first, owner = seen.setdefault((listener, _web.domain_key(domain)), (path, site))
                if first != path:
                    who = "the same site" if owner is site else f"site {owner.text('name')!r}"
                    yield Problem(path, f"{domain!r} is a domain of {who} already ({first})", "keep one of them")


def check_servers(sites: Sequence[Entry]) -> Iterator[Problem]:
    """Check that no two web servers would fight over a port, and that Apache is asked for nothing beyond its role."""
    present = [site for site in sites if site.present]
    for number, site in enumerate(present):
        server = site.text("server")
        for other in present[:number]:
            theirs = other.text("server")
            if server != theirs and any(mine.meets(one) for mine in listeners(site) for one in listeners(other)):
                reason = (
                    f"{server} would listen where {theirs} does for site {other.text('name')!r} ({other.path}.listen)"
                )
                yield Problem(f"{site.path}.listen", reason, "give both sites one server, or this one another port")
        if server == "apache":
            yield from _beyond_apache(site)


def _beyond_apache(site: Entry) -> Iterator[Problem]:
    known = spec("apache_sites").element
    inside = [(route, _inside(known, "routes")) for route in site.mappings("routes")]
    inside += [(tls, _inside(known, "tls")) for tls in (site.mapping("tls"),) if tls is not None]
    for entry, keys in ((site, known), *inside):
        for key in entry.values:
            if entry.has(key) and keys is not None and key not in (keys.keys or {}):
                way_out = "leave it out, or write 'server: nginx' for the site"
                yield Problem(f"{entry.path}.{key}", "is something that only nginx does", way_out)


def _inside(site: Spec | None, key: str) -> Spec | None:
    """Give the specification of a mapping of a site, or of those in a list of it."""
    found = site.keys.get(key) if site is not None and site.keys is not None else None
    return found.element if found is not None and found.kind == "list" else found


def check_targets(sites: Sequence[Entry], apps: Sequence[Entry]) -> Iterator[Problem]:
    """Check that every app that a route leads to exists and answers."""
    by_name = {app.text("name"): app for app in apps}
    for site in sites:
        for route in site.mappings("routes") if site.present else ():
            for path, name in route.texts("app"):
                app = by_name.get(name)
                if app is None:
                    present = [known for known, entry in by_name.items() if entry.serves]
                    yield Problem(path, f"no app named {show(name)}", hint(name, present))
                elif not app.present:
                    yield Problem(path, f"app {name!r} is to be removed ({app.path})", "remove the route as well")
                elif not app.serves:
                    yield Problem(path, f"app {name!r} has no server", f"write 'static: /srv/{name}/current'")
                elif site.text("server") == "apache" and speaks_uwsgi(app):
                    reason = f"app {name!r} speaks uwsgi, which only nginx passes on ({app.path})"
                    yield Problem(path, reason, "write 'protocol: http' for the app, or 'server: nginx' for the site")


def check_wordpress(sites: Sequence[Entry], installations: Sequence[Entry]) -> Iterator[Problem]:
    """Check that every WordPress that a route leads to exists, and that one route leads to each."""
    by_name = {entry.text("name"): entry for entry in installations}
    taken: dict[str, str] = {}
    for site in sites:
        for route in site.mappings("routes") if site.present else ():
            for path, name in route.texts("wordpress"):
                entry = by_name.get(name)
                first = taken.setdefault(name, path)
                if entry is None:
                    known = [other for other, one in by_name.items() if one.present]
                    yield Problem(path, f"no WordPress named {show(name)}", hint(name, known))
                elif not entry.present:
                    yield Problem(
                        path, f"WordPress {name!r} is to be removed ({entry.path})", "remove the route as well"
                    )
                elif first != path:
                    reason = f"WordPress {name!r} has a route already ({first})"
                    yield Problem(path, reason, "it has one address; redirect this one to it")


def check_addresses(sites: Sequence[Entry], installations: Sequence[Entry]) -> Iterator[Problem]:
    """Check that every WordPress of the model has an address."""
    present = [site for site in sites if site.present]
    routed = {name for site in present for route in site.mappings("routes") for _, name in route.texts("wordpress")}
    for entry in installations:
        if entry.present and not entry.text("url") and entry.text("name") not in routed:
            yield Problem(entry.path, "no route leads to it", f"add a route with 'wordpress: {entry.text('name')}'")


def speaks_uwsgi(app: Entry) -> bool:
    """Tell whether an app, or an address of one, is asked in uWSGI's own protocol."""
    return app.text("protocol") == "uwsgi" and app.text("server") in {"uwsgi", ""}


def check_folders(sites: Sequence[Entry], apps: Sequence[Entry]) -> Iterator[Problem]:
    """Check that no static route publishes the code of an app or its old releases."""
    by_name = {app.text("name"): app for app in apps if app.present}
    for site in sites:
        for route in site.mappings("routes") if site.present else ():
            for path, folder in (*route.texts("static"), *route.texts("files")):
                _, _, name, *rest = [*folder.rstrip("/").split("/"), "", ""]
                app = by_name.get(name) if folder.startswith("/srv/") else None
                if app is None:
                    continue
                below = [part for part in rest if part]
                if not app.serves and below[:1] != ["current"]:
                    yield Problem(path, f"{folder!r} holds all releases", f"write '/srv/{name}/current'")
                elif app.serves and (below[:1] != ["current"] or len(below) == 1):
                    way_out = f"name a folder in it, such as '/srv/{name}/current/static'"
                    yield Problem(path, f"{folder!r} would publish the code of app {name!r}", way_out)
                elif app.serves and app.knows("public") and (way_out := _to_publish("/".join(below[1:]), app)):
                    yield Problem(path, f"the web server cannot read {folder!r} of app {name!r}", way_out)


def _to_publish(folder: str, app: Entry) -> str:
    """Say what makes a folder of a release one that the web server can read; empty where it can already."""
    for shared in app.mappings("shared"):
        if f"{folder}/".startswith(f"{shared.text('path').strip('/')}/"):
            return "" if shared.values.get("public") is True else f"write 'public: true' there ({shared.path})"
    if any(f"{folder}/".startswith(f"{public.strip('/')}/") for _, public in app.texts("public")):
        return ""
    return f"add {folder!r} to 'public' of the app ({app.path})"


def check_ports(sites: Sequence[Entry], sockets: Mapping[str, Sequence[_listen.Listener]]) -> Iterator[Problem]:
    """Check that no app listens where a site does; sockets are those of apps, by the path of the setting."""
    ours = [(listener, site) for site in sites if site.present for listener in listeners(site)]
    for path, theirs in sockets.items():
        taken = next((site for mine, site in ours for other in theirs if mine.meets(other)), None)
        if taken is not None:
            reason = f"site {taken.text('name')!r} listens on that port ({taken.path}.listen)"
            yield Problem(path, reason, "take another port")


def listeners(site: Entry) -> set[_listen.Listener]:
    """Give the sockets of a site, for http and https."""
    tls = https(site)
    return _read(site) | (_read(tls) if tls is not None else set())


def _read(entry: Entry) -> set[_listen.Listener]:
    value = entry.values.get("listen")
    texts = [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
    return {each for text in texts if _listen.listen(text) is None for each in _listen.listeners(text)}


def _repeated_listeners(site: Entry) -> Iterator[Problem]:
    seen: dict[_listen.Listener, str] = {}
    for path, text in site.texts("listen"):
        for listener in _listen.listeners(text) if _listen.listen(text) is None else ():
            first = seen.setdefault(listener, path)
            if first != path:
                yield Problem(path, f"{text!r} is part of {first}", "keep one of them")


def _repeated_paths(routes: Sequence[Entry]) -> Iterator[Problem]:
    seen: dict[str, Entry] = {}
    for route in routes:
        for path, text in route.texts("path"):
            first = seen.setdefault(_web.path_key(text), route)
            if first is not route:
                other = first.text("path")
                same = "has a route already" if other == text else f"covers the same requests as {show(other)}"
                yield Problem(path, f"{show(text)} {same} ({first.path})", "keep one of them")


def _misplaced(route: Entry) -> Iterator[Problem]:
    targets = [target for target in _TARGETS if route.values.get(target) is not None]
    if len(targets) != 1:
        return  # the schema reports that
    for key in sorted(frozenset().union(*_TARGETS.values()) - _TARGETS[targets[0]]):
        if route.has(key):
            owners = " or ".join(target for target, keys in _TARGETS.items() if key in keys)
            yield Problem(f"{route.path}.{key}", f"does nothing with {targets[0]}", f"it belongs to {owners}")


def _redirect(route: Entry, site: Entry, routes: Sequence[Entry]) -> Iterator[Problem]:
    for path, target in route.texts("redirect"):
        if _web.redirect(target) is not None:
            continue
        keeps = route.values.get("keep_path") is True
        if keeps and re.search(r"[?#]", target):
            reason = f"{show(target)} has a query or a fragment, after which no path can be added"
            yield Problem(path, reason, "write 'keep_path: false', or leave it out of the address")
        elif _leads_back(target, route, site, routes):
            yield Problem(path, f"{show(target)} is served by this route itself: a loop", "redirect to another path")


def _leads_back(target: str, route: Entry, site: Entry, routes: Sequence[Entry]) -> bool:
    parts = urlsplit(target)
    if parts.netloc:
        domains = {_web.domain_key(domain) for _, domain in site.texts("domains")}
        tls = https(site)
        # What is asked over http comes back over https.
        spoken = {"http": _read(site), "https": _read(tls) if tls is not None else set()}
        ports = {listener.port for listener in spoken.get(parts.scheme, ())}
        if parts.hostname not in domains or (parts.port or _PORTS[parts.scheme]) not in ports:
            return False
    wanted = _web.path_key(parts.path or "/")
    fitting = [(len(key), other) for other in routes if _covers(key := _web.path_key(other.text("path")), wanted)]
    return bool(fitting) and max(fitting, key=lambda found: found[0])[1] is route


def _covers(route: str, wanted: str) -> bool:
    return route in {"/", wanted} or wanted.startswith(f"{route}/")
