# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The entries that a benchmark adds to the model for a while, and what it asks. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils._benchmark_host import PREFIX, SITE, temporary
from ansible_collections.barehost.web.plugins.plugin_utils import _model
from ansible_collections.barehost.web.plugins.plugin_utils._check import check
from ansible_collections.barehost.web.plugins.plugin_utils._convert import plain
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Problem, hint, ordered, show
from ansible_collections.barehost.web.plugins.plugin_utils._schema import fill, load, options

ROLE = "benchmark"
DOMAIN = "benchmark.test"
DEVELOPMENT = "flask"
_LEAST = ("processes", "threads", "rounds", "seconds", "connections", "port")
_HIGHEST_PORT = 65535
#: Keys of an app that are not the user's here, and why.
_TAKEN = {
    "name": "the benchmark has names of its own",
    "state": "the benchmark makes the apps and removes them",
    "server": "name the servers in benchmark_servers",
    "processes": "write benchmark_processes",
    "threads": "write benchmark_threads",
    "bind": "nginx asks each server where it listens by itself",
    "health": "write benchmark_path",
    "options": "they are different for every server, and it is the defaults that are measured",
    "user": "each server has an app of its own, with a user of its own",
    "directory": "each server has an app of its own: name its source",
    "venv": "each server has an app of its own: name its source",
}


@dataclass(frozen=True)
class Settings:
    """What the user wants of a benchmark, with defaults, beside the model that the host serves already."""

    values: Mapping[str, Any]
    apps: Sequence[Mapping[str, Any]]
    sites: Sequence[Mapping[str, Any]]
    development: bool

    @property
    def servers(self) -> list[str]:
        """The servers to measure; every one that fits the host if none is named."""
        named: list[str] = list(dict.fromkeys(self.values["servers"]))
        return named or [name for name in servers() if name != DEVELOPMENT or self.development]

    def entry(self, server: str) -> dict[str, Any]:
        """The app that runs under a server, as an entry of the model."""
        return {
            **self.values["app"],
            "name": f"{PREFIX}{server}",
            "server": server,
            "processes": self.values["processes"],
            "threads": self.values["threads"],
            "health": {"path": self.values["path"]},
        }

    def site(self) -> dict[str, Any]:
        """The site that has a route to each of the apps, for programs of this host only."""
        return {
            "name": SITE,
            "domains": [DOMAIN],
            "listen": [f"127.0.0.1:{self.values['port']}"],
            # It would be as long as the servers are fast.
            "access_log": False,
            "routes": [{"path": f"/{server}", "app": f"{PREFIX}{server}"} for server in self.servers],
        }


def servers() -> list[str]:
    """Every server that an app can have."""
    element = load("app", "app_apps").element
    choices = element.keys["server"].choices if element and element.keys else ()
    return [str(name) for name in choices if name != "none"]


def settings(given: Mapping[str, object], model: Mapping[str, object]) -> Settings:
    """Read options without the role's prefix, and the variables of the model.

    What is wrong with their types is reported by :func:`problems`.
    """
    named = {name.removeprefix(f"{ROLE}_"): spec for name, spec in options(ROLE).items()}
    values = {name: fill(plain(given.get(name, spec.default)), spec) for name, spec in named.items()}
    apps, sites = (_entries(model.get(name)) for name in ("web_apps", "web_sites"))
    return Settings(values, apps, sites, model.get("web_environment") == "development")


def _entries(value: object) -> list[Mapping[str, Any]]:
    found = plain(value)
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []


def problems(given: Mapping[str, object], model: Mapping[str, object], folders: Sequence[Path] = ()) -> list[Problem]:
    """Find every mistake in what the user wants."""
    specs = options(ROLE)
    found = [
        problem for name, value in given.items() for problem in check(value, specs[f"{ROLE}_{name}"], f"{ROLE}_{name}")
    ]
    if not found:
        wanted = settings(given, model)
        found = [*_values(wanted), *_names(wanted)]
        # What else is wrong would only follow from these.
        found = found or list(_model_problems(wanted, folders))
    return ordered(found)


def _values(wanted: Settings) -> Iterator[Problem]:
    for name in _LEAST:
        if wanted.values[name] < 1:
            yield Problem(f"{ROLE}_{name}", f"is {wanted.values[name]}", "the least is 1")
    if wanted.values["port"] > _HIGHEST_PORT:
        yield Problem(f"{ROLE}_port", f"is {wanted.values['port']}", f"the highest is {_HIGHEST_PORT}")
    path = wanted.values["path"]
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
        yield Problem(f"{ROLE}_path", f"{show(path)} is no path of an address", "write it like '/' or '/search?q=a'")
    if not wanted.values["results"]:
        yield Problem(f"{ROLE}_results", "is empty", "name a folder on the control node")


def _names(wanted: Settings) -> Iterator[Problem]:
    for position, server in enumerate(wanted.values["servers"]):
        where = f"{ROLE}_servers[{position}]"
        if server not in servers():
            yield Problem(where, f"no server named {show(server)}", hint(server, servers()))
        elif server == DEVELOPMENT and not wanted.development:
            yield Problem(
                where,
                f"{server!r} is a server for development, and this is a host for production",
                "leave it out, or set web_environment: development for a host where you develop",
            )
    for key in wanted.values["app"]:
        if key in _TAKEN:
            yield Problem(f"{ROLE}_app.{key}", "is not for a benchmark", _TAKEN[key])
    if wanted.values["app"].get("wsgi") is None:
        yield Problem(f"{ROLE}_app.wsgi", "is missing", "name the callable, such as 'wsgi:app'")
    for variable, entries in (("web_apps", wanted.apps), ("web_sites", wanted.sites)):
        for position, entry in enumerate(entries):
            if temporary(str(entry.get("name"))):
                reason = f"{entry['name']!r} is what a benchmark calls an entry of its own"
                yield Problem(f"{variable}[{position}].name", reason, "take another name")


def _model_problems(wanted: Settings, folders: Sequence[Path]) -> Iterator[Problem]:
    """Check our entries among those of the model."""
    # The development server has rules of its own, which have been checked.
    checked = [server for server in wanted.servers if server != DEVELOPMENT]
    if not checked:
        return
    site = wanted.site()
    site["routes"] = [route for route in site["routes"] if route["path"][1:] in checked]
    model = {
        "web_apps": [*wanted.apps, *(wanted.entry(server) for server in checked)],
        "web_sites": [*wanted.sites, site],
    }
    renamed = {f"web_apps[{len(wanted.apps) + index}]": f"{ROLE}_app" for index in range(len(checked))}
    renamed |= dict.fromkeys((f"web_sites[{len(wanted.sites)}].listen{end}" for end in ("[0]", "")), f"{ROLE}_port")
    # What is wrong without ours is told by the roles whose business it is.
    former = set(_model.problems({"web_apps": wanted.apps, "web_sites": wanted.sites}, folders))
    for problem in _model.problems(model, folders):
        if problem not in former:
            yield Problem(*(_renamed(text, renamed) for text in (problem.path, problem.reason, problem.way_out)))


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for former, name in names.items():
        text = text.replace(former, name)
    return text


def plan(
    wanted: Settings, known: Mapping[str, Sequence[str]], unfinished: Sequence[str] = ()
) -> tuple[dict[str, Any], list[str]]:
    """Say what the roles are told, and why the host could not be brought back afterwards, if so.

    :param known: the entries that the collection serves on the host now, by the name of the set.
    :param unfinished: the servers of a benchmark that was killed.
    """
    sites = [site for site in _present(wanted.sites) if site.get("name") in known.get("nginx", [])]
    apps = [app for app in _present(wanted.apps) if app.get("name") in known.get(_server(app), [])]
    involved = list(dict.fromkeys([*wanted.servers, *unfinished]))
    own = [wanted.entry(server) for server in wanted.servers]
    gone = [{"name": f"{PREFIX}{server}", "server": server, "state": "absent"} for server in involved]
    present = {
        "nginx": True,
        "servers": wanted.servers,
        "own": own,
        "apps": [*apps, *own],
        "sites": [*sites, wanted.site()],
    }
    absent = {
        # Without any site it would take port 80, which may be another program's: it goes as a whole, or is put back.
        "nginx": bool(sites),
        "servers": involved,
        "own": gone,
        "apps": [*apps, *gone],
        "sites": [*sites, {"name": SITE, "state": "absent"}],
    }
    measured = {
        "servers": wanted.servers,
        "host": DOMAIN,
        **{name: wanted.values[name] for name in (*_LEAST, "path")},
        "targets": [
            {"server": server, "name": f"{PREFIX}{server}", "path": f"/{server}{wanted.values['path']}"}
            for server in wanted.servers
        ],
        "present": present,
        "absent": absent,
    }
    return measured, list(_strangers(involved, apps, sites, known))


def _strangers(
    involved: Sequence[str],
    apps: Sequence[Mapping[str, Any]],
    sites: Sequence[Mapping[str, Any]],
    known: Mapping[str, Sequence[str]],
) -> Iterator[str]:
    """Name what a role has made on the host and would not be told of."""
    told = {server: {app["name"] for app in apps if _server(app) == server} for server in involved}
    told["nginx"] = {site["name"] for site in sites}
    for role, names in told.items():
        strange = ", ".join(repr(name) for name in known.get(role, []) if name not in names)
        variable = "web_sites" if role == "nginx" else "web_apps with this server"
        if strange:
            yield f"role {role} has made {strange} on this host, but that is not in {variable}"


def _server(app: Mapping[str, Any]) -> str:
    return str(app.get("server", "gunicorn"))


def _present(entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [entry for entry in entries if entry.get("state", "present") == "present"]
