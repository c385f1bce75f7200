# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be wrong with pools of PHP processes beyond their schema. Private to the collection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ansible_collections.barehost.web.plugins.plugin_utils import _values
from ansible_collections.barehost.web.plugins.plugin_utils._entries import Check, Entry
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault, Problem, show

# Settings of PHP and directives of the pool that have a key of their own.
_SETTINGS = {
    "memory_limit": "memory_limit",
    "upload_max_filesize": "upload_max",
}
_DIRECTIVES = {
    "pm.max_children": "processes",
    "pm.max_requests": "max_requests",
    "request_terminate_timeout": "timeout",
    "process_control_timeout": "graceful_timeout",
    "request_slowlog_timeout": "slow_log",
    "user": "user",
    "group": "user",
}
# Directives that the unit and its socket stand for.
_UNIT = re.compile(
    r"listen(\.\w+)?|ping\.\w+|clear_env|catch_workers_output|slowlog|chroot|chdir|prefix|include|daemonize|pid|error_log"
)
_SETTING = re.compile(r"[A-Za-z]\w*(\.\w+)*", re.ASCII)
_DIRECTIVE = re.compile(r"[a-z]\w*(\.\w+)*", re.ASCII)
_MISREAD = re.compile(r'["\\\x00-\x1f\x7f]|\$\{')
_RESERVED = {
    "FPM_SOCKETS": "hands the pool its socket",
    "PHP_INI_SCAN_DIR": "names the folders of the pool's settings",
}
_PRIVATE = re.compile(r"/(tmp|var/tmp|dev|proc|sys)(/|\Z)")


def pool_name(text: str) -> Fault | None:
    """Check the name of a pool: it becomes a system user and a section of a file."""
    if text == "global":
        return Fault("'global' is the name of PHP-FPM's own section", "take another name, such as 'main'")
    return _values.app_name(text)


def php(text: str) -> Fault | None:
    """Check a version of PHP."""
    if re.fullmatch(r"[5-9]\.\d{1,2}", text, re.ASCII):
        return None
    return Fault(f"{show(text)} is not a version of PHP", "write two numbers, such as '8.2'")


def extension(text: str) -> Fault | None:
    """Check the name of an extension."""
    if re.fullmatch(r"[a-z][a-z0-9_]*", text, re.ASCII):
        return None
    better = re.sub(r"\Aphp[\d.]*-", "", text.lower())
    way_out = f"write {better!r}" if re.fullmatch(r"[a-z][a-z0-9_]*", better) else "write its name, such as 'mysql'"
    return Fault(f"{show(text)} is not the name of an extension", way_out)


def size(text: str) -> Fault | None:
    """Check an amount of memory in PHP's notation."""
    if re.fullmatch(r"[1-9]\d*[KMG]?", text, re.ASCII):
        return None
    close = re.fullmatch(r"([1-9]\d*) ?([kmg])i?b?", text, re.ASCII | re.IGNORECASE)
    example = f"{close[1]}{close[2].upper()}" if close else "64M"
    return Fault(f"{show(text)} is not an amount of memory", f"write it with K, M or G, such as '{example}'")


def memory_limit(text: str) -> Fault | None:
    """Check how much memory a request may take."""
    return None if text == "-1" else size(text)


def place(text: str) -> Fault | None:
    """Check a folder that the pool is to see as it is on the host."""
    fault = _values.folder(text)
    if fault is None and _PRIVATE.match(text):
        return Fault(f"{text!r} is in a folder of which the pool has its own", "take a folder such as '/srv/www'")
    return fault


def bind(text: str) -> Fault | None:
    """Check what is mounted where, in the unit only."""
    source, colon, target = text.partition(":")
    if not colon or ":" in target:
        return Fault(f"{show(text)} does not say what is seen where", "write 'source:target', two absolute paths")
    return _values.folder(source) or place(target)


_TEXTS: Mapping[str, Check] = {
    "php": php,
    "extensions": extension,
    "user": _values.user,
    "memory_limit": memory_limit,
    "memory_max": _values.memory,
    "upload_max": size,
    "writable": place,
    "binds": bind,
    "directory": place,
}
_LEAST = {"processes": 1, "max_requests": 0, "timeout": 0, "graceful_timeout": 1, "slow_log": 0}


def check_pool(pool: Entry) -> Iterator[Problem]:
    """Check one pool by itself. A pool that is to be removed needs nothing but its name."""
    yield from pool.check({"name": pool_name})
    if not pool.present:
        return
    yield from pool.check(_TEXTS)
    yield from pool.at_least(_LEAST)
    yield from _slow_log(pool)
    yield from _environment(pool)
    yield from _settings(pool)
    yield from _options(pool)


def _slow_log(pool: Entry) -> Iterator[Problem]:
    slow, timeout = pool.values.get("slow_log"), pool.values.get("timeout")
    if isinstance(slow, int) and isinstance(timeout, int) and slow >= timeout > 0:
        yield Problem(f"{pool.path}.slow_log", f"is {slow}", f"it must be below timeout, which is {timeout}")


def _environment(pool: Entry) -> Iterator[Problem]:
    for name, value in _items(pool, "environment"):
        path = f"{pool.path}.environment.{name}"
        fault = _values.variable(name) or _values.secret(value)
        if fault is not None:
            yield fault.at(path)
        elif name in _RESERVED:
            yield Problem(path, f"{name} {_RESERVED[name]}", "leave it out")


def _settings(pool: Entry) -> Iterator[Problem]:
    for name, value in _items(pool, "settings"):
        path = f"{pool.path}.settings.{name}"
        if name in _SETTINGS:
            yield Problem(path, "is a key of the pool itself", f"write {_SETTINGS[name]!r} beside settings")
        elif not _SETTING.fullmatch(name):
            yield Problem(path, "is not the name of a setting", "write it as in php.ini")
        else:
            yield from _value(path, value)


def _options(pool: Entry) -> Iterator[Problem]:
    for name, value in _items(pool, "options"):
        path = f"{pool.path}.options.{name}"
        if name in _DIRECTIVES:
            yield Problem(path, "is a key of the pool itself", f"write {_DIRECTIVES[name]!r} beside options")
        elif _UNIT.fullmatch(name):
            yield Problem(path, "is up to the unit that runs the pool", "leave it out")
        elif name.startswith("php_"):
            yield Problem(path, "is a setting of PHP", "write the name in its brackets into 'settings'")
        elif name.startswith("env["):
            yield Problem(path, "is an environment variable", "write the name in its brackets into 'environment'")
        elif not _DIRECTIVE.fullmatch(name):
            yield Problem(path, "is not the name of a directive", "write it as in a pool's file of PHP-FPM")
        else:
            yield from _value(path, value)


def _value(path: str, value: object) -> Iterator[Problem]:
    if value is None or isinstance(value, list | Mapping):
        yield Problem(path, "is not one value", "write a text, a number, true or false")
    elif _MISREAD.search(str(value)):
        yield Problem(path, "has a character that PHP would misread", 'leave out ", \\, ${ and line breaks')


def _items(pool: Entry, key: str) -> list[tuple[str, object]]:
    values = pool.values.get(key)
    return [(str(name), value) for name, value in values.items()] if isinstance(values, Mapping) else []
