# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be wrong with apps beyond their schema. Private to the collection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.barehost.web.plugins.plugin_utils import _listen, _values, _web
from ansible_collections.barehost.web.plugins.plugin_utils._entries import Check, Entry
from ansible_collections.barehost.web.plugins.plugin_utils._mod_wsgi import DEBIAN_PYTHON
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault, Problem, show
from ansible_collections.barehost.web.plugins.plugin_utils._sources import file_fault, folder_fault

_TEXTS: Mapping[str, Check] = {
    "python": _values.python,
    "requirements": _values.requirement,
    "commands": _values.command,
    "public": _values.public,
    "wsgi": _values.wsgi,
    "bind": _listen.bind,
    "memory_max": _values.memory,
    "user": _values.user,
    "directory": _values.folder,
    "venv": _values.folder,
    "environment_file": _values.folder,
    "writable": _values.folder,
}
_SOURCE: Mapping[str, Check] = {
    "git": _values.git,
    "version": _values.version,
    "archive": _values.archive,
    "checksum": _values.checksum,
    "package": _values.requirement,
    "subdirectory": _values.subdirectory,
}
_LEAST = {
    "keep_releases": 1,
    "processes": 1,
    "threads": 1,
    "timeout": 0,
    "graceful_timeout": 1,
    "keepalive": 0,
    "max_requests": 0,
    "buffer_size": 1024,
    "post_buffering": 0,
    "cheaper": 0,
    "listen_backlog": 1,
}
_HIGHEST_BUFFER = 65535
_STATUSES = range(100, 600)


@dataclass(frozen=True)
class _Settings:
    """Which settings of a server are not for ``options``, and how one is written there."""

    #: Settings that have a key of their own.
    own: Mapping[str, str]
    #: Settings that belong to the unit which runs the app.
    unit: frozenset[str]
    name: re.Pattern[str]
    way_out: str


_SETTINGS = {
    "gunicorn": _Settings(
        own={
            "bind": "bind",
            "workers": "processes",
            "threads": "threads",
            "timeout": "timeout",
            "graceful_timeout": "graceful_timeout",
            "keepalive": "keepalive",
            "max_requests": "max_requests",
            "chdir": "directory",
            "pythonpath": "directory",
            "wsgi_app": "wsgi",
            "raw_env": "environment",
        },
        unit=frozenset(
            {"daemon", "group", "initgroups", "pidfile", "umask", "user", "control_socket", "control_socket_disable"}
        ),
        name=re.compile(r"[^\W\d]\w*"),
        way_out="write it as in gunicorn.conf.py",
    ),
    "uwsgi": _Settings(
        own={
            **dict.fromkeys(("socket", "uwsgi-socket", "http-socket", "http", "shared-socket"), "bind"),
            **dict.fromkeys(("processes", "workers"), "processes"),
            **dict.fromkeys(("virtualenv", "venv", "home", "pyhome"), "venv"),
            **dict.fromkeys(("module", "wsgi", "wsgi-file", "callable", "file"), "wsgi"),
            **dict.fromkeys(("pythonpath", "python-path", "pp", "chdir"), "directory"),
            "threads": "threads",
            "protocol": "protocol",
            "socket-protocol": "protocol",
            "harakiri": "timeout",
            "worker-reload-mercy": "graceful_timeout",
            "max-requests": "max_requests",
            "buffer-size": "buffer_size",
            "post-buffering": "post_buffering",
            "cheaper": "cheaper",
            "stats": "stats",
            "stats-http": "stats_http",
            "env": "environment",
        },
        unit=frozenset(
            {"master", "daemonize", "daemonize2", "uid", "gid", "pidfile", "umask", "chroot", "master-fifo"}
            | {"die-on-term", "lazy-apps", "need-app", "strict", "plugins", "plugin", "chmod-socket", "chown-socket"}
        ),
        name=re.compile(r"[a-z0-9]+(-[a-z0-9]+)*"),
        way_out="write it as in an ini file of uWSGI",
    ),
    "mod_wsgi": _Settings(
        own={
            "processes": "processes",
            "threads": "threads",
            "python-home": "venv",
            "python-path": "directory",
            "home": "directory",
            "maximum-requests": "max_requests",
            "request-timeout": "timeout",
            "socket-timeout": "timeout",
            "graceful-timeout": "graceful_timeout",
            "shutdown-timeout": "graceful_timeout",
            "listen-backlog": "listen_backlog",
            "user": "user",
            "group": "user",
        },
        unit=frozenset({"supplementary-groups", "umask", "chroot", "display-name", "script-user", "script-group"}),
        name=re.compile(r"[a-z]+(-[a-z]+)*"),
        way_out="write it as an option of WSGIDaemonProcess",
    ),
}


def check_app(app: Entry, folders: Sequence[Path]) -> Iterator[Problem]:
    """Check one app by itself. An app that is to be removed needs nothing but its name."""
    yield from app.check({"name": _values.app_name})
    if not app.present:
        return
    yield from app.check(_TEXTS)
    yield from app.at_least(_LEAST)
    yield from _callable(app)
    yield from _environment(app)
    yield from _options(app)
    yield from _uwsgi(app)
    yield from _mod_wsgi(app)
    yield from _debugger(app)
    yield from _writable(app)
    yield from _commands(app)
    yield from _public(app)
    yield from _shared(app)
    yield from _manager(app)
    health = app.mapping("health")
    if health is not None:
        yield from _health(health)
    source = app.mapping("source")
    if source is not None:
        yield from _source(source, folders)
    index = app.mapping("index")
    if index is not None:
        yield from _index(index)


def check_apps(apps: Sequence[Entry]) -> Iterator[Problem]:
    """Check the addresses of apps against each other."""
    seen: list[tuple[_listen.Listener, Entry]] = []
    for app in apps:
        for listener in bound(app):
            # Entries of one name in several variables are one app.
            name = app.text("name")
            other = next((one for known, one in seen if known.meets(listener) and one.text("name") != name), None)
            if other is not None:
                reason = f"{_address(app)!r} is where {other.text('name')!r} listens ({other.path}.bind)"
                yield Problem(f"{app.path}.bind", reason, "take another port")
            seen.append((listener, app))


def check_development(apps: Sequence[Entry], environment: object) -> Iterator[Problem]:
    """Keep the development server away from hosts for anything else; nothing said of a host is production."""
    for app in apps:
        # Other roles than that of the server know apps of all servers, and leave this one to it.
        if app.present and app.text("server") == "flask" and app.knows("reload") and environment != "development":
            yield Problem(
                f"{app.path}.server",
                f"'flask' is a server for development, and {app.text('name')!r} is to run on a host for production",
                "take another one, such as 'gunicorn', or set web_environment: development if you develop there",
            )


def bound(app: Entry) -> tuple[_listen.Listener, ...]:
    """Give the TCP sockets of an app."""
    text = _address(app)
    if not app.serves or not text or _listen.bind(text) is not None:
        return ()
    return _listen.bound(text)


def _address(app: Entry) -> str:
    """Give the TCP address of an app; empty for a unix socket."""
    alone = app.knows("bind") and app.text("server") == "mod_wsgi"
    return app.text("bind") or (_listen.own(app.text("name")) if alone else "")


def _callable(app: Entry) -> Iterator[Problem]:
    # Role app, which has no address for an app, can do without.
    if app.serves and app.knows("wsgi") and app.knows("bind") and app.values.get("wsgi") is None:
        server = app.text("server")
        yield Problem(f"{app.path}.wsgi", "is missing", f"server {server} needs it, such as 'wsgi:app'")


def _health(health: Entry) -> Iterator[Problem]:
    yield from health.check({"path": _web.request, "host": _host})
    yield from health.at_least({"timeout": 1})
    status = health.values.get("status")
    if isinstance(status, int) and status and status not in _STATUSES:
        yield Problem(f"{health.path}.status", f"is {status}", "write a status from 100 to 599, or 0 for any below 500")


def _host(text: str) -> Fault | None:
    if re.fullmatch(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:]+\](:[0-9]{1,5})?", text):
        return None
    return Fault(f"{show(text)} is no name of a host", "write it as in an address, such as 'www.example.test'")


def _environment(app: Entry) -> Iterator[Problem]:
    values = app.values.get("environment")
    for name, value in values.items() if isinstance(values, Mapping) else ():
        path = f"{app.path}.environment.{name}"
        fault = _values.variable(str(name)) or _values.secret(value)
        if fault is not None:
            yield fault.at(path)


def _options(app: Entry) -> Iterator[Problem]:
    values, settings = app.values.get("options"), _SETTINGS.get(app.text("server"))
    if settings is None or not isinstance(values, Mapping):
        return
    for name, value in values.items():
        path = f"{app.path}.options.{name}"
        if name in settings.own:
            yield Problem(path, "is a key of the app itself", f"write {settings.own[name]!r} beside options")
        elif name in settings.unit:
            yield Problem(path, "is up to the unit that runs the app", "leave it out")
        elif not settings.name.fullmatch(str(name)):
            yield Problem(path, "is not the name of a setting", settings.way_out)
        elif app.text("server") == "uwsgi" and any("\n" in str(item) for item in _items(value)):
            yield Problem(path, "has more than one line", "give a list to set an option several times")
        elif app.text("server") == "mod_wsgi" and not re.fullmatch(r"[\w./:%{}@+,=-]*", str(value)):
            yield Problem(
                path, "has a character that Apache would misread", "use letters, digits and . / : % @ + , = -"
            )


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [value]


def _uwsgi(app: Entry) -> Iterator[Problem]:
    if app.text("server") != "uwsgi":
        return
    for path, text in app.texts("stats"):
        fault = _listen.loopback(text)
        if fault is not None:
            yield fault.at(path)
    size = app.values.get("buffer_size")
    if isinstance(size, int) and size > _HIGHEST_BUFFER:
        yield Problem(f"{app.path}.buffer_size", f"is {size}", f"the most is {_HIGHEST_BUFFER}")
    least, most = app.values.get("cheaper"), app.values.get("processes")
    if isinstance(least, int) and isinstance(most, int) and least and least >= most:
        yield Problem(f"{app.path}.cheaper", f"is {least}", f"it must be below processes, which is {most}")


def _mod_wsgi(app: Entry) -> Iterator[Problem]:
    python = app.text("python")
    if app.text("server") == "mod_wsgi" and app.text("install") == "debian" and _values.python(python) is None:
        theirs = [f"{version} ({debian})" for version, debian in DEBIAN_PYTHON.items()]
        if python not in DEBIAN_PYTHON:
            reason = f"{python!r} is not the Python of Debian's mod_wsgi, which is {' or '.join(theirs)}"
            yield Problem(f"{app.path}.python", reason, "leave python out, or write 'install: source'")


def _debugger(app: Entry) -> Iterator[Problem]:
    if app.text("server") != "flask" or not app.knows("debug") or app.values.get("debug") is not True:
        return
    for path, text in app.texts("bind"):
        if _listen.bind(text) is None and _listen.loopback(text) is not None:
            reason = f"{text!r} can be reached from elsewhere, and a debugger runs code for whoever reaches it"
            yield Problem(path, reason, "write '127.0.0.1:5000', or leave out bind for a unix socket, or debug")


def _writable(app: Entry) -> Iterator[Problem]:
    home = f"/srv/{app.text('name')}"
    for path, folder in app.texts("writable"):
        if f"{folder.rstrip('/')}/".startswith((f"{home}/current/", f"{home}/releases/")) or folder.rstrip("/") == home:
            reason = f"{folder!r} is code, which an app cannot change and every release replaces"
            yield Problem(path, reason, f"take a folder such as '/var/lib/{app.text('name')}'")


def _commands(app: Entry) -> Iterator[Problem]:
    if not app.knows("commands") or not app.has("commands"):
        return
    path = f"{app.path}.commands"
    if not app.serves:
        yield Problem(path, "an app without a server has no environment to run them in", "leave them out")
    if app.knows("user") and app.has("user"):
        reason = f"run as the app's own user and not as {app.text('user')!r}, and would take /var/lib away from it"
        yield Problem(path, reason, f"leave out 'user', and {app.text('name')!r} runs the app as well")


def _public(app: Entry) -> Iterator[Problem]:
    if app.knows("public") and app.has("public") and not app.serves:
        yield Problem(f"{app.path}.public", "everybody can read an app without a server", "leave it out")


def _shared(app: Entry) -> Iterator[Problem]:
    if not app.knows("shared") or not app.has("shared"):
        return
    path = f"{app.path}.shared"
    if not app.serves:
        yield Problem(path, "an app without a server writes nothing", "leave it out, and serve a folder of its own")
    if app.has("user"):
        reason = f"belongs to the app's own user and not to {app.text('user')!r}"
        yield Problem(path, reason, f"leave out 'user', and {app.text('name')!r} runs the app")
    # Folders that the web server reads in the release itself.
    seen = [(f"{folder.strip('/')}/", where, False) for where, folder in app.texts("public")]
    for entry in app.mappings("shared"):
        yield from entry.check({"path": _values.shared})
        if entry.text("type") == "file" and entry.values.get("public") is True:
            yield Problem(f"{entry.path}.public", "no route serves a single file", "share the folder that it is in")
        yield from _nested(entry, seen)


def _nested(entry: Entry, seen: list[tuple[str, str, bool]]) -> Iterator[Problem]:
    """Check that no shared path is part of another one; what a release has of its own may hold one."""
    for where, text in entry.texts("path"):
        mine = f"{text.strip('/')}/"
        for other, place, is_shared in seen:
            if other == mine and not is_shared:
                yield Problem(
                    where, f"{show(text)} is in 'public' as well ({place})", "write 'public: true' here instead"
                )
            elif other.startswith(mine):
                yield Problem(where, f"{show(text)} holds {show(other.rstrip('/'))} ({place})", "keep one of them")
            elif is_shared and mine.startswith(other):
                yield Problem(where, f"{show(text)} is in {show(other.rstrip('/'))} ({place})", "keep one of them")
        seen.append((mine, where, True))


def _manager(app: Entry) -> Iterator[Problem]:
    if app.text("manager") != "supervisor":
        return
    if app.text("server") not in {"gunicorn", "uwsgi"}:
        reason = f"supervisor cannot run server {app.text('server')}"
        yield Problem(f"{app.path}.manager", reason, "leave it out, or take gunicorn or uwsgi")
    if app.text("memory_max"):
        way_out = "leave it out, or write 'manager: systemd'"
        yield Problem(f"{app.path}.memory_max", "supervisor cannot limit the memory of an app", way_out)


def _index(index: Entry) -> Iterator[Problem]:
    yield from index.check({"url": _values.index, "extra": _values.index, "wheels": _values.wheels})
    if index.has("only_wheels") and not index.has("wheels"):
        yield Problem(f"{index.path}.only_wheels", "nothing is left to install from", "name the places in 'wheels'")


def _source(source: Entry, folders: Sequence[Path]) -> Iterator[Problem]:
    yield from source.check(_SOURCE)
    for key, owner in (("version", "git"), ("key", "git"), ("checksum", "archive")):
        if source.has(key) and not source.has(owner):
            yield Problem(f"{source.path}.{key}", f"belongs to {owner}, which is not given")
    if source.has("subdirectory") and source.has("package"):
        yield Problem(f"{source.path}.subdirectory", "a package is installed whole", "leave it out")
    for path, text in source.texts("path"):
        fault = folder_fault(text, folders)
        if fault is not None:
            yield fault.at(path)
    for path, text in source.texts("archive"):
        fault = None if "://" in text else file_fault(text, folders)
        if fault is not None and _values.archive(text) is None:
            yield fault.at(path)
