# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The whole model: its schema, every entry by itself, and the entries against each other.

Private to the collection.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from ansible_collections.barehost.web.plugins.plugin_utils import (
    _acme,
    _apps,
    _certificates,
    _databases,
    _installations,
    _listen,
    _maintenance,
    _pools,
    _sites,
    _values,
    _workers,
)
from ansible_collections.barehost.web.plugins.plugin_utils._check import check
from ansible_collections.barehost.web.plugins.plugin_utils._convert import plain
from ansible_collections.barehost.web.plugins.plugin_utils._entries import HOST, ROLES, VARIABLES, Entry, read, spec
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Problem, meant, ordered
from ansible_collections.barehost.web.plugins.plugin_utils._schema import options

Entries: TypeAlias = Mapping[str, Sequence[Entry]]
_SITES = ("web_sites", "nginx_sites", "apache_sites")
_CERTIFIED = ("certificates_sites", "certbot_sites")
_ADDRESSES = ("nginx_apps", "apache_apps")
_WORDPRESS = ("web_wordpress", "wordpress_installations")
_SERVED = ("web_wordpress", "nginx_wordpress")
_POOLS = ("php_fpm_pools",)
_DATABASES = ("mariadb_databases",)
_OTHERS = frozenset({*_SITES, *_CERTIFIED, *_ADDRESSES, *_WORDPRESS, *_SERVED, *_POOLS, *_DATABASES})
_APPS = tuple(name for name in VARIABLES if name not in _OTHERS)
_SWITCHES = ("web_purge", "web_remove_data", *HOST)
# How much another variable must look like one of ours to be taken for it; users have names of their own.
_LIKENESS = {"web_": 0.85, **dict.fromkeys((f"{role}_" for role in ROLES), 0.92)}


def problems(variables: Mapping[str, object], folders: Sequence[Path] = ()) -> list[Problem]:
    """Find every mistake in variables of the model, in the order of their paths.

    Folders are where relative sources on the control node are looked for; without any, nobody looks.
    """
    return ordered(_problems({name: plain(value) for name, value in variables.items()}, folders))


def strays(names: Collection[str]) -> dict[str, str]:
    """Find variables that look like misspelt ones of this collection, and what was meant."""
    known = {*VARIABLES, *_SWITCHES, *(option for role in ROLES for option in options(role))}
    found = {}
    for prefix, likeness in _LIKENESS.items():
        ours = [name for name in known if name.startswith(prefix)]
        for name in sorted(names):
            close = meant(name, ours, likeness) if name.startswith(prefix) and name not in known else None
            if close is not None:
                found[name] = close
    return found


def _problems(variables: Mapping[str, object], folders: Sequence[Path]) -> Iterator[Problem]:
    entries = {name: read(name, value) for name, value in variables.items()}
    for name, value in variables.items():
        yield from check(value, spec(name), name)
        yield from _repeated(entries[name])
    yield from _of_apps(entries, variables, folders)
    yield from _of_data(entries, variables)
    yield from _of_sites(entries, folders)
    yield from _of_certificates(entries, variables, folders)
    yield from _of_wordpress(entries, folders)


def _among(entries: Entries, names: Iterable[str]) -> list[Entry]:
    return [entry for name in names for entry in entries.get(name, ())]


def _of_apps(entries: Entries, variables: Mapping[str, object], folders: Sequence[Path]) -> Iterator[Problem]:
    apps = _among(entries, _APPS)
    for app in apps:
        yield from _apps.check_app(app, folders)
        yield from _workers.check_app(app)
    yield from _apps.check_apps(apps)
    environment = variables.get("web_environment") or variables.get("flask_environment")
    yield from _apps.check_development(apps, environment)


def _of_data(entries: Entries, variables: Mapping[str, object]) -> Iterator[Problem]:
    databases = _among(entries, _DATABASES)
    for pool in _among(entries, _POOLS):
        yield from _pools.check_pool(pool)
    for database in databases:
        yield from _databases.check_database(database)
    yield from _databases.check_databases(databases)
    yield from _databases.check_server(variables, databases)


def _of_sites(entries: Entries, folders: Sequence[Path]) -> Iterator[Problem]:
    sites, apps, addresses = (_among(entries, names) for names in (_SITES, _APPS, _ADDRESSES))
    for site in sites:
        yield from _sites.check_site(site)
        yield from _maintenance.check(site, folders)
    for app in addresses:
        yield from app.check({"name": _values.name, "address": _listen.address})
    yield from _sites.check_sites(sites)
    yield from _sites.check_servers(sites)
    yield from _sites.check_sockets(sites)
    if sites:
        yield from _sites.check_targets(sites, apps or addresses)
        yield from _sites.check_folders(sites, apps)
        yield from _sites.check_ports(sites, _sockets(apps, addresses))


def _of_certificates(entries: Entries, variables: Mapping[str, object], folders: Sequence[Path]) -> Iterator[Problem]:
    for name in ("web_acme", "certbot_acme"):
        if name in variables:
            yield from _acme.check_authority(variables[name], name)
            for site in _among(entries, ("web_sites", "certbot_sites")):
                yield from _acme.check_site(site, variables[name], name)
    for site in _among(entries, _CERTIFIED):
        yield from _sites.check_certified(site)
    for site in _among(entries, (*_SITES, *_CERTIFIED)):
        yield from _certificates.check_tls(site, folders)


def _of_wordpress(entries: Entries, folders: Sequence[Path]) -> Iterator[Problem]:
    for name in _WORDPRESS:
        for entry in entries.get(name, ()):
            yield from _installations.check_installation(entry, folders, in_model=name == "web_wordpress")
    sites = _among(entries, _SITES)
    if "web_sites" in entries:
        yield from _sites.check_addresses(sites, entries.get("web_wordpress", ()))
    if sites:
        yield from _sites.check_wordpress(sites, _among(entries, _SERVED))


def _repeated(entries: Sequence[Entry]) -> Iterator[Problem]:
    first: dict[str, Entry] = {}
    for entry in entries:
        for path, name in entry.texts("name"):
            other = first.setdefault(name, entry)
            if other is not entry:
                yield Problem(path, f"{name!r} is the name of {other.path} already", "take another name")


def _sockets(apps: Sequence[Entry], addresses: Sequence[Entry]) -> dict[str, tuple[_listen.Listener, ...]]:
    found = {f"{app.path}.bind": _apps.bound(app) for app in apps}
    for app in addresses:
        for path, text in app.texts("address"):
            if _listen.bind(text) is None:
                found[path] = _listen.bound(text)
    return found
