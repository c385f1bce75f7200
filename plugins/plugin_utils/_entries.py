# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Entries of the model: read out of a variable, or cut to a role's part. Private to the collection."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ansible_collections.barehost.web.plugins.plugin_utils._convert import Data, plain
from ansible_collections.barehost.web.plugins.plugin_utils._listen import local, own
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault, Problem
from ansible_collections.barehost.web.plugins.plugin_utils._schema import Spec, fill, load, union

_SUPERVISOR = ("supervisor", "supervisor_apps")
# Which options of which roles make up an entry of each variable of the model.
VARIABLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "web_apps": (
        ("app", "app_apps"),
        ("gunicorn", "gunicorn_apps"),
        ("uwsgi", "uwsgi_apps"),
        ("mod_wsgi", "mod_wsgi_apps"),
        ("flask", "flask_apps"),
        _SUPERVISOR,
        ("workers", "workers_apps"),
    ),
    "web_sites": (
        ("nginx", "nginx_sites"),
        ("apache", "apache_sites"),
        ("certificates", "certificates_sites"),
        ("certbot", "certbot_sites"),
    ),
    "app_apps": (("app", "app_apps"),),
    "gunicorn_apps": (("gunicorn", "gunicorn_apps"),),
    "uwsgi_apps": (("uwsgi", "uwsgi_apps"),),
    "mod_wsgi_apps": (("mod_wsgi", "mod_wsgi_apps"),),
    "flask_apps": (("flask", "flask_apps"),),
    "supervisor_apps": (_SUPERVISOR,),
    "workers_apps": (("workers", "workers_apps"),),
    "web_wordpress": (("wordpress", "wordpress_installations"),),
    "wordpress_installations": (("wordpress", "wordpress_installations"),),
    "php_fpm_pools": (("php_fpm", "php_fpm_pools"),),
    "nginx_sites": (("nginx", "nginx_sites"),),
    "nginx_apps": (("nginx", "nginx_apps"),),
    "nginx_wordpress": (("nginx", "nginx_wordpress"),),
    "apache_sites": (("apache", "apache_sites"),),
    "certificates_sites": (("certificates", "certificates_sites"),),
    "certbot_sites": (("certbot", "certbot_sites"),),
    "apache_apps": (("apache", "apache_apps"),),
    "mariadb_databases": (("mariadb", "mariadb_databases"),),
}
# What is said of a host for all roles, and the option of a role that has its schema.
HOST: Mapping[str, tuple[str, str]] = {
    "web_environment": ("flask", "flask_environment"),
    "web_acme": ("certbot", "certbot_acme"),
}
# The list of entries that a role takes.
ROLES: Mapping[str, str] = {
    "app": "app_apps",
    "gunicorn": "gunicorn_apps",
    "uwsgi": "uwsgi_apps",
    "mod_wsgi": "mod_wsgi_apps",
    "flask": "flask_apps",
    "supervisor": "supervisor_apps",
    "workers": "workers_apps",
    "wordpress": "wordpress_installations",
    "php_fpm": "php_fpm_pools",
    "nginx": "nginx_sites",
    "apache": "apache_sites",
    "certificates": "certificates_sites",
    "certbot": "certbot_sites",
    "mariadb": "mariadb_databases",
}
# The variable of the model of which a role takes a part, where it is not the one of the apps.
_MODEL = {
    "nginx": "web_sites",
    "apache": "web_sites",
    "certificates": "web_sites",
    "certbot": "web_sites",
    "mariadb": "mariadb_databases",
}
STATES = ("present", "absent")
# Seconds that nginx closes an idle connection before the app's server would.
_EARLIER = 15
#: Seconds that the Apache of an app keeps idle connections.
KEPT_BY_APACHE = 75
Check: TypeAlias = Callable[[str], Fault | None]


@functools.cache
def spec(variable: str) -> Spec:
    """Give the schema of a variable of the model, or of any other option of a role."""
    if variable in VARIABLES:
        return union(*(load(role, option) for role, option in VARIABLES[variable]))
    if variable in HOST:
        return load(*HOST[variable])
    return load(next(role for role in ROLES if variable.startswith(f"{role}_")), variable)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry, or a mapping inside one: its place in the model, its values with defaults, and its schema."""

    path: str
    values: Mapping[str, Data]
    spec: Spec

    @property
    def present(self) -> bool:
        """Whether the entry is to be made rather than removed."""
        return self.values.get("state") != "absent"

    @property
    def serves(self) -> bool:
        """Whether an app is to have a process that answers."""
        return self.present and self.values.get("server") != "none"

    def knows(self, key: str) -> bool:
        """Tell whether entries of this kind have such a key."""
        return key in self._keys

    def has(self, key: str) -> bool:
        """Tell whether a key says anything else than its default."""
        value = self.values.get(key)
        return value is not None and value != self._keys[key].default

    def text(self, key: str) -> str:
        """Give a text; an empty one if there is none or it is no text, which the schema has reported then."""
        value = self.values.get(key)
        return value if isinstance(value, str) else ""

    def texts(self, key: str) -> list[tuple[str, str]]:
        """Give the path and the value of a text, or of each text of a list, that is not the default."""
        value = self.values.get(key) if self.has(key) else None
        if isinstance(value, list):
            return [(f"{self.path}.{key}[{i}]", item) for i, item in enumerate(value) if isinstance(item, str)]
        return [(f"{self.path}.{key}", value)] if isinstance(value, str) else []

    def mapping(self, key: str) -> Entry | None:
        """Give a mapping inside the entry."""
        value = self.values.get(key)
        return Entry(f"{self.path}.{key}", value, self._keys[key]) if isinstance(value, Mapping) else None

    def mappings(self, key: str) -> list[Entry]:
        """Give the mappings of a list inside the entry."""
        return entries_of(f"{self.path}.{key}", self.values.get(key), self._keys[key])

    def check(self, checks: Mapping[str, Check]) -> Iterator[Problem]:
        """Check the texts that the user has written."""
        for key, check in checks.items():
            for path, text in self.texts(key) if self.knows(key) else ():
                fault = check(text)
                if fault is not None:
                    yield fault.at(path)

    def at_least(self, least: Mapping[str, int]) -> Iterator[Problem]:
        """Check numbers against the least that each may be."""
        for key, lowest in least.items():
            value = self.values.get(key)
            if isinstance(value, int) and value < lowest:
                yield Problem(f"{self.path}.{key}", f"is {value}", f"the least is {lowest}")

    @property
    def _keys(self) -> Mapping[str, Spec]:
        return self.spec.keys or {}


def entries_of(path: str, filled: object, spec: Spec) -> list[Entry]:
    """Give the entries of a list that has been filled; items that are no mappings are left out."""
    if not isinstance(filled, list) or spec.element is None:
        return []
    found = ((index, item) for index, item in enumerate(filled) if isinstance(item, Mapping))
    return [Entry(f"{path}[{index}]", item, spec.element) for index, item in found]


def read(variable: str, value: object) -> list[Entry]:
    """Give the entries of a variable of the model, with defaults."""
    return entries_of(variable, fill(value, spec(variable)), spec(variable))


def select(value: object, role: str) -> list[dict[str, Data]]:
    """Read a role's own variable: the keys that it knows, with its defaults."""
    filled: list[dict[str, Data]] = fill(plain(value), load(role, ROLES[role]))
    return filled


def part(value: object, role: str, state: str | None = None) -> list[dict[str, Data]]:
    """Give a role its part of the model's entries, perhaps of one state only; the model's defaults go first."""
    model = fill(plain(value), spec(_MODEL.get(role, "web_apps")))
    if role == "apache":
        # What nginx serves may have routes that Apache does not know. nginx knows those of Apache, and has to see
        # whether there is anything left for it to serve.
        model = [site if site["server"] == role else {"name": site["name"], "state": "absent"} for site in model]
    if role == "certificates":
        # What something else looks after is nobody's certificate here.
        model = [{**site, "tls": None} if (site.get("tls") or {}).get("certificate_file") else site for site in model]
    return [entry for entry in select(model, role) if state is None or entry["state"] == state]


def needed(value: object, server: str) -> bool:
    """Tell whether a web server has anything to serve; nginx also tells strangers that nobody is here."""
    serving = {
        site["server"] for site in fill(value, _only("web_sites", "state", "server")) if site["state"] == "present"
    }
    return server in serving or (server == "nginx" and not serving)


@functools.cache
def _only(variable: str, *keys: str) -> Spec:
    """Give the specification of a variable with few keys. Ansible renders what is looked at, again every time."""
    whole = spec(variable).element
    known = whole.keys if whole and whole.keys else {}
    return Spec("list", default=[], element=Spec("dict", keys={key: known[key] for key in keys}))


def addresses(value: object, role: str | None = None) -> list[dict[str, Data]]:
    """Give the addresses under which a web server finds the apps that are present and have a server.

    :param role: the role whose own variable it is; nothing for the model's.
    """
    apps = fill(plain(value), spec("web_apps")) if role is None else select(value, role)
    return [
        {"name": app["name"], **app_address(app), **kept_connections(app)}
        for app in apps
        if app["state"] == "present" and app["server"] != "none"
    ]


def kept_connections(app: Mapping[str, Data]) -> dict[str, Data]:
    """Say for how long nginx keeps idle connections to an app, if its server keeps them longer."""
    seconds = _kept_by_server(app)
    return {"keepalive": seconds - _EARLIER} if seconds > _EARLIER else {}


def _kept_by_server(app: Mapping[str, Data]) -> int:
    """Give the seconds that a server keeps idle connections: gunicorn does if its workers have threads."""
    if app["server"] == "mod_wsgi":
        return KEPT_BY_APACHE
    seconds = app.get("keepalive")
    if app["server"] == "gunicorn" and isinstance(seconds, int) and app.get("threads") not in {None, 1}:
        return seconds
    return 0


def app_address(app: Mapping[str, Data]) -> dict[str, str]:
    """Say where an app with a server is reached on its host, and what is spoken there."""
    server, name, bind = str(app["server"]), str(app["name"]), str(app["bind"])
    if server == "mod_wsgi" and not bind:
        # Apache listens on TCP only.
        bind = own(name)
    return {
        "protocol": str(app["protocol"]) if server == "uwsgi" else "http",
        "address": local(bind) if bind else f"unix:/run/{server}/{name}.sock",
    }
