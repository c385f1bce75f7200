# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be wrong with databases and their server, and what is published for it. Private to the collection."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils import _values
from ansible_collections.barehost.web.plugins.plugin_utils._entries import Check, Entry
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault, Problem, show

UNIT = "mariadb.service"
SETTINGS = "/etc/mysql/mariadb.conf.d/90-barehost.cnf"
_UNITS = "/etc/systemd/system"
#: Units of the package that would listen on the network in place of the server, whatever its settings say.
_SOCKETS = ("mariadb.socket", "mariadb-extra.socket")
_OWN_DATABASES = frozenset({"information_schema", "mysql", "performance_schema", "sys", "test"})
_OWN_USERS = frozenset({"root", "mysql"})
_WORD = re.compile(r"[a-z0-9_]+", re.ASCII)
#: An address with a part that stands for any.
_WILD = re.compile(r"(?=.*%)[0-9A-Fa-f:.%]+", re.ASCII)
_IPV4 = 4
_OPTION = re.compile(r"[a-z][a-z0-9_-]*", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9_./:,@%+=*-]+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_A_SETTING = ("it is not for settings", "leave it out")
#: Options that something else decides: the variable that does, or nothing where it is the package.
_DECIDED = {
    "bind-address": "mariadb_bind",
    "skip-networking": "mariadb_bind",
    "innodb-buffer-pool-size": "mariadb_memory",
    "basedir": "",
    "datadir": "",
    "pid-file": "",
    "skip-grant-tables": "",
    "socket": "",
    "unix-socket": "",
    "user": "",
}


def user(entry: Mapping[str, Any]) -> str:
    """Give the account of a database, which is called like it unless it has a name of its own."""
    name: str = entry.get("user") or entry.get("name") or ""
    return name


def _database_name(text: str) -> Fault | None:
    if text in _OWN_DATABASES:
        return Fault(f"{show(text)} is a database of the server itself", f"take another name, such as '{text}-app'")
    return _values.name(text)


def _user_name(text: str) -> Fault | None:
    if text in _OWN_USERS:
        return Fault(f"{show(text)} is an account of the server itself", "take another name")
    return _values.name(text)


def _host(text: str) -> Fault | None:
    way_out = "write an address such as '192.0.2.20', or '%' for every address"
    if text.lower() == "localhost":
        return Fault(
            f"{show(text)} is this host", "leave it out: the system user of that name is let in without a password"
        )
    if _WILD.fullmatch(text):
        return None
    address, slash, mask = text.partition("/")
    try:
        # A bare address is a network of one.
        network = ipaddress.ip_network(text)
    except ValueError:
        return Fault(f"{show(text)} is not an address", way_out)
    if slash and (network.version != _IPV4 or "." not in mask):
        known = f"write '{address}/{network.netmask}'" if network.version == _IPV4 else "use '%' in an address"
        return Fault(f"{show(text)} is a network in a notation that MariaDB does not know", known)
    return None


def _word(text: str) -> Fault | None:
    if _WORD.fullmatch(text):
        return None
    return Fault(f"{show(text)} is not the name of a character set or collation", "write it as in 'utf8mb4_unicode_ci'")


_TEXTS: Mapping[str, Check] = {"host": _host, "charset": _word, "collation": _word}


def check_database(entry: Entry) -> Iterator[Problem]:
    """Check one entry by itself. One that is to be removed needs no more than the names of what is to go."""
    yield from entry.check({"name": _database_name, "user": _user_name})
    if not entry.text("user"):
        for path, name in entry.texts("name"):
            if name in _OWN_USERS - _OWN_DATABASES:
                yield Fault(f"{show(name)} is an account of the server itself", "give the entry a 'user'").at(path)
    if not entry.present:
        return
    yield from entry.check(_TEXTS)
    yield from _password(entry)
    charset, collation = entry.text("charset"), entry.text("collation")
    if charset and collation and collation != charset and not collation.startswith(f"{charset}_"):
        yield Problem(
            f"{entry.path}.collation",
            f"{show(collation)} is not of the character set {show(charset)}",
            f"write one that begins with '{charset}_', or leave it out",
        )


def _password(entry: Entry) -> Iterator[Problem]:
    path, value = f"{entry.path}.password", entry.values.get("password")
    if not entry.text("host"):
        if value is not None:
            yield Problem(
                path,
                "nobody is asked for it: without 'host' the system user of that name is let in as he is",
                "leave it out, or give the address of the clients as 'host'",
            )
    elif value is None:
        yield Problem(path, "is missing; an account with 'host' needs it", "give one, encrypted by ansible-vault")
    elif isinstance(value, str) and (not value or _CONTROL.search(value)):
        yield Problem(path, "is empty or has a control character in it", "take another one")


def check_databases(entries: Sequence[Entry]) -> Iterator[Problem]:
    """Check the entries against each other: an account has one password."""
    first: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        account = user(entry.values), entry.text("host")
        if entry.present and account[1]:
            other = first.setdefault(account, entry)
            if other.values.get("password") != entry.values.get("password"):
                yield Problem(
                    f"{entry.path}.password",
                    f"is not that of {other.path}, which has the same account {account[0]}@{account[1]}",
                    "give both the same password, or another 'user'",
                )


def check_server(variables: Mapping[str, object], entries: Sequence[Entry]) -> Iterator[Problem]:
    """Check what the server itself is to be."""
    memory, bind, settings = (variables.get(f"mariadb_{name}") for name in ("memory", "bind", "settings"))
    if isinstance(memory, str | int) and (fault := _values.memory(str(memory))) is not None:
        yield fault._replace(way_out=f"{fault.way_out}, or a share such as '25%'").at("mariadb_memory")
    addresses = bind if isinstance(bind, list) else []
    for index, address in enumerate(addresses):
        if isinstance(address, str) and (fault := _address(address)) is not None:
            yield fault.at(f"mariadb_bind[{index}]")
    if isinstance(settings, Mapping):
        yield from _settings(settings)
    if bind is not None and not bind:
        for entry in entries:
            if entry.present and entry.text("host"):
                yield Problem(
                    f"{entry.path}.host",
                    "nobody can come from there: the server listens on no address",
                    "name the addresses of this host in mariadb_bind",
                )


def _address(text: str) -> Fault | None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return Fault(f"{show(text)} is not an IP address", "write one of this host, such as '192.0.2.10', or '0.0.0.0'")
    return None


def _settings(settings: Mapping[Any, object]) -> Iterator[Problem]:
    for name, value in settings.items():
        path, plain = f"mariadb_settings.{name}", str(name).lower().replace("_", "-")
        bare = plain.removeprefix("loose-")
        if not _OPTION.fullmatch(str(name)):
            yield Problem(path, f"{show(name)} is not the name of an option", "write it as in an option file")
        elif bare in _DECIDED:
            by = _DECIDED[bare]
            yield Problem(path, f"{by} decides it", f"set {by}") if by else Problem(path, *_NOT_A_SETTING)
        elif any(isinstance(item, Mapping) for item in _items(value)):
            yield Problem(path, "is a mapping", "write one value, or a list of them")
        elif any(isinstance(item, str) and _CONTROL.search(item) for item in _items(value)):
            yield Problem(path, "has a line break or another control character in it", "write it on one line")


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def setting_lines(settings: Mapping[str, object]) -> list[str]:
    """Write settings as lines of an option file; nothing leaves one out, a list sets it several times."""
    given = ((name, item) for name, value in settings.items() for item in _items(value))
    return [name if item is True else f"{name} = {_text(item)}" for name, item in given if item is not None]


def _text(value: object) -> str:
    text = "OFF" if value is False else str(value)
    # Outside of quotation marks '#' begins a comment; a backslash is one inside of them as well.
    return text if _PLAIN.fullmatch(text) else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def published(settings: Mapping[str, object], bind: Sequence[str], pool: str) -> dict[str, Any]:
    """Give what is published for the server, and its units.

    :param pool: the size of the buffer pool, as the host has worked it out.
    """
    units = {"restart": [UNIT]}
    options = {"bind": ",".join(bind), "pool": pool, "settings": setting_lines(settings)}
    return {
        "parts": {
            "files": [
                {"dest": SETTINGS, "template": "barehost.cnf.j2", "vars": options, **units},
                {
                    "dest": f"{_UNITS}/{UNIT}.d/barehost.conf",
                    "template": "mariadb.service.j2",
                    "vars": {"network": bool(bind)},
                    **units,
                },
            ],
            # Disabled alone, an upgrade of the package could enable them again.
            "links": [{"dest": f"{_UNITS}/{name}", "target": "/dev/null"} for name in _SOCKETS],
        },
        "units": [*({"name": name, "state": "stopped"} for name in _SOCKETS), {"name": UNIT}],
    }


def password_hash(password: str) -> str:
    """Give what the server keeps of a password. It is told nothing else, so that the password itself goes nowhere.

    >>> password_hash("secret")
    '*14E65567ABDB5135D0CFD9A70B3032C179A49EE7'
    """
    inner = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return f"*{hashlib.sha1(inner, usedforsecurity=False).hexdigest().upper()}"


def wanted(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give the entries as the host wants them: with the name of each account, and a hash instead of a password."""
    return [
        {
            "name": entry["name"],
            "present": entry["state"] == "present",
            "user": user(entry),
            "host": entry["host"] or "localhost",
            "hash": password_hash(entry["password"]) if entry["host"] and entry["password"] else "",
            "charset": entry["charset"],
            "collation": entry["collation"],
        }
        for entry in entries
    ]
