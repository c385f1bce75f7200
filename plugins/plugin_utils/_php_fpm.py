# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From pools of PHP processes to packages, users, files and units. Private to the collection."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from ansible_collections.barehost.web.plugins.module_utils._environment import EnvironmentFileError, environment_text
from ansible_collections.barehost.web.plugins.plugin_utils._entries import select

Pool: TypeAlias = Mapping[str, Any]
File: TypeAlias = dict[str, Any]

SETTINGS, UNITS = "/etc/php_fpm", "/etc/systemd/system"
KINDS = ("socket", "service")
_WANTED_BY = {"socket": "sockets.target", "service": "multi-user.target"}
# What the service of every pool says.
_GRACEFUL_TIMEOUT, _START_TIMEOUT, _TASKS = 30, 90, 256
_PING, _READY_TIMEOUT = "/php_fpm/ping", 30
_HOME = re.compile(r"/(home|root|run/user)(/|\Z)")
_ENVIRONMENT_HEADER = "# Environment of the pool '{name}', set in the model; a change made here is overwritten.\n"

#: The PHP of each Debian, for a host that has not installed it yet.
DEBIAN_PHP = {"bookworm": "8.2", "trixie": "8.4"}
_PACKAGED = re.compile(r"(?:\d+:)?(\d+\.\d+)")

_XML = ("dom", "simplexml", "xmlreader", "xmlwriter", "xsl")
_COMMON = """
    calendar core ctype date exif ffi fileinfo filter ftp gettext hash iconv json libxml opcache openssl pcntl pcre pdo
    phar posix random reflection session shmop sockets sodium spl standard sysvmsg sysvsem sysvshm tokenizer zlib
"""
#: Extensions that come with another one's package, and, by an empty name, with PHP itself.
_COMES_WITH: Mapping[str, str] = {
    **dict.fromkeys(_COMMON.split(), ""),
    **dict.fromkeys(_XML, "xml"),
    **dict.fromkeys(("mysqli", "mysqlnd", "pdo_mysql"), "mysql"),
    "pdo_pgsql": "pgsql",
    "pdo_sqlite": "sqlite3",
    "pdo_odbc": "odbc",
}

_STARTUP: Mapping[str, object] = {
    "expose_php": False,
    # Compiled patterns and compiled code would be written and executed at one place, which the unit forbids.
    "pcre.jit": False,
    "opcache.jit": "disable",
    "opcache.enable": True,
    "opcache.memory_consumption": 128,
    "opcache.interned_strings_buffer": 16,
    "opcache.max_accelerated_files": 20000,
    # Changed code is seen after two seconds, whoever has changed it.
    "opcache.validate_timestamps": True,
    "opcache.revalidate_freq": 2,
    "realpath_cache_size": "4096K",
    "realpath_cache_ttl": 120,
    # Errors go to the journal of the host and not to the web server.
    "fastcgi.logging": False,
}
# There is no open_basedir: PHP would look at every path anew instead of remembering it, and what it keeps out are files
# that the pool's user cannot read, or that the sandbox hides and protects for all programs that the pool may start.
_FIXED: Mapping[str, object] = {
    "display_errors": False,
    "display_startup_errors": False,
    "log_errors": True,
    # A path below a script is not taken for the script: /upload.jpg/x.php does not run upload.jpg.
    "cgi.fix_pathinfo": False,
    "allow_url_include": False,
    # Debian removes old sessions from its own folder only.
    "session.gc_probability": 1,
    "session.gc_divisor": 1000,
    "session.use_strict_mode": True,
}
_READ_AT_START = re.compile(r"(opcache|apc|zend)\.|(expose_php|pcre\.jit|fastcgi\.logging|max_execution_time)\Z")
_UNITS_OF_SIZE = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class PoolError(Exception):
    """The pools cannot be used; the message says why and what to do."""


def user(pool: Pool) -> str:
    """Give the system user of a pool, which has a group of the same name."""
    name: str = pool["user"] or pool["name"]
    return name


def _unit(pool: Pool, kind: str) -> str:
    return f"php_fpm@{pool['name']}.{kind}"


def packages(pools: Sequence[Pool]) -> dict[str, str]:
    """Give the packages of the pools, and for each what to say if the host cannot have it."""
    found: dict[str, str] = {}
    for pool in pools:
        version, name = pool["php"], pool["name"]
        way_out = "leave out 'php' for Debian's own, or add a package source that has it"
        found.setdefault(f"php{version}-fpm", f"pool '{name}' wants PHP {version or 'of Debian'}; {way_out}")
        for extension in pool["extensions"]:
            package = _COMES_WITH.get(extension, extension)
            reason = f"pool '{name}' wants extension '{extension}' of PHP {version or 'of Debian'}"
            way_out = "correct or leave out the extension, or add a package source that has it"
            if package:
                found.setdefault(f"php{version}-{package}", f"{reason}; {way_out}")
    return found


def debian_php(host: Mapping[str, Any]) -> str:
    """Tell which PHP the host's own package is.

    :param host: what barehost.web.packages said of the host.
    :raises PoolError: nobody has asked the host.
    """
    packaged = _PACKAGED.match(host.get("versions", {}).get("php-fpm", ""))
    if packaged:
        return packaged[1]
    try:
        return DEBIAN_PHP[host["codename"]]
    except KeyError:
        raise PoolError("php_fpm: which PHP the host has is not known; run tag php_fpm_install as well") from None


def _size(text: str) -> int:
    return int(text.rstrip("KMG")) * _UNITS_OF_SIZE[text.lstrip("0123456789")]


def limits(pool: Pool) -> dict[str, object]:
    """Give the settings of PHP that keys of the pool stand for; a form has fields beside its file."""
    return {
        "memory_limit": pool["memory_limit"],
        "upload_max_filesize": pool["upload_max"],
        "post_max_size": f"{_size(pool['upload_max']) // _UNITS_OF_SIZE['K'] + 1024}K",
    }


def ini(pool: Pool) -> dict[str, str]:
    """Give what PHP has to know when it starts, and what code may change."""
    own = {"max_execution_time": pool["timeout"]}
    chosen = {name: value for name, value in pool["settings"].items() if _READ_AT_START.match(name)}
    return _texts({**_STARTUP, **own, **chosen})


def fixed(pool: Pool) -> dict[str, str]:
    """Give the settings of PHP that no code can change."""
    chosen = {name: value for name, value in pool["settings"].items() if not _READ_AT_START.match(name)}
    return _texts({**_FIXED, **limits(pool), **chosen})


def _texts(settings: Mapping[str, object]) -> dict[str, str]:
    return {name: _text(value) for name, value in settings.items()}


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def spare(pool: Pool) -> dict[str, int]:
    """Give the number of processes that wait for requests: the least and the most."""
    processes: int = pool["processes"]
    return {"least": max(1, processes // 4), "most": (processes + 1) // 2}


def tasks(pool: Pool) -> int:
    """Give the number of processes and threads that a pool may have; libraries for images start threads."""
    processes: int = pool["processes"]
    return max(_TASKS, 32 + 8 * processes)


def service_lines(pool: Pool, version: str, usual: str) -> list[str]:
    """Give what the service of a pool has other than the template says.

    :param usual: the version of PHP in the template.
    """
    seen = [pool["directory"], *pool["writable"], *(bind.partition(":")[2] for bind in pool["binds"])]
    grace = pool["graceful_timeout"]
    differences: list[tuple[object, list[str]]] = [
        (pool["user"], [f"User={pool['user']}"]),
        (version != usual, ["ExecStart=", f"ExecStart={' '.join(start(version))}"]),
        (grace > _GRACEFUL_TIMEOUT, [f"TimeoutStopSec={grace + 5}"]),
        (grace + 5 > _START_TIMEOUT, [f"TimeoutStartSec={grace + 5}"]),
        (pool["memory_max"], [f"MemoryMax={pool['memory_max']}"]),
        (tasks(pool) > _TASKS, [f"TasksMax={tasks(pool)}"]),
        (pool["writable"], [f"ReadWritePaths={' '.join(pool['writable'])}"]),
        (pool["binds"], [f"BindReadOnlyPaths={' '.join(pool['binds'])}"]),
        (any(_HOME.match(folder) for folder in seen), ["ProtectHome=read-only"]),
    ]
    return [line for differs, lines in differences if differs for line in lines]


def start(version: str) -> list[str]:
    """Give the command of the service."""
    program = f"/usr/sbin/php-fpm{version}"
    return [program, "--nodaemonize", "--force-stderr", "--fpm-config", f"{SETTINGS}/%i.conf"]


def _files(pool: Pool, version: str, usual: str) -> list[File]:
    name, service = pool["name"], _unit(pool, "service")
    owned = {"group": user(pool), "mode": "0640", "entry": name, "stop": [_unit(pool, kind) for kind in KINDS]}
    conf = {"pool": dict(pool), "fixed": fixed(pool), "spare": spare(pool), "ping": _PING}
    files: list[File] = [
        {"dest": f"{SETTINGS}/{name}.conf", "template": "pool.conf.j2", "vars": conf, **owned, "reload": [service]},
        {
            "dest": f"{SETTINGS}/{name}.d/php.ini",
            "template": "php.ini.j2",
            "vars": {"name": name, "settings": ini(pool)},
            **owned,
            "reload": [service],
        },
    ]
    if pool["environment"]:
        files.append(_environment(pool))
    lines = service_lines(pool, version, usual)
    if lines:
        files.append(
            {
                "dest": f"{UNITS}/{service}.d/barehost.conf",
                "template": "pool.service.j2",
                "vars": {"lines": lines},
                "entry": name,
                "restart": [service],
            }
        )
    return files


def _environment(pool: Pool) -> File:
    name = pool["name"]
    try:
        content = environment_text(pool["environment"])
    except EnvironmentFileError as error:
        raise PoolError(f"pool '{name}': environment: {error}") from error
    return {
        "dest": f"{SETTINGS}/{name}.env",
        "content": _ENVIRONMENT_HEADER.format(name=name) + content,
        "mode": "0600",
        "secret": True,
        "entry": name,
        # A master that reloads keeps the environment that it was started with.
        "restart": [_unit(pool, "service")],
    }


def _shared(pools: Sequence[Pool], usual: str) -> list[File]:
    services, sockets = ([_unit(pool, kind) for pool in pools] for kind in ("service", "socket"))
    command = {"start": " ".join(start(usual))}
    return [
        {
            "dest": f"{UNITS}/php_fpm@.service",
            "template": "php_fpm@.service.j2",
            "vars": command,
            "restart": services,
        },
        {"dest": f"{UNITS}/php_fpm@.socket", "template": "php_fpm@.socket.j2", "restart": sockets},
        {"dest": f"{SETTINGS}/reload.sh", "template": "reload.sh.j2"},
    ]


def _links(pool: Pool) -> list[dict[str, Any]]:
    """Enable the units of a pool, as ``systemctl enable`` does, by files that leave with the pool."""
    return [
        {
            "dest": f"{UNITS}/{_WANTED_BY[kind]}.wants/{_unit(pool, kind)}",
            "target": f"{UNITS}/php_fpm@.{kind}",
            "entry": pool["name"],
            "stop": [_unit(pool, kind)],
        }
        for kind in KINDS
    ]


def ready(pool: Pool) -> dict[str, Any]:
    """Say how a pool is asked whether it is ready."""
    address = f"unix:/run/php_fpm/{pool['name']}.sock"
    return {"protocol": "fastcgi", "address": address, "path": _PING, "timeout": _READY_TIMEOUT}


def _units(pools: Sequence[Pool], versions: Sequence[str]) -> list[dict[str, Any]]:
    # Debian's own service would run a pool of its own, as one user for everybody.
    debian = [{"name": f"php{version}-fpm.service", "state": "stopped"} for version in sorted({*versions})]
    pairs = [
        (
            {"name": _unit(pool, "socket"), "entry": pool["name"]},
            {"name": _unit(pool, "service"), "entry": pool["name"], "ready": ready(pool)},
        )
        for pool in pools
    ]
    return [*debian, *(unit for pair in pairs for unit in pair)]


def present(pools: object) -> list[Pool]:
    """Give the pools that are to run, with defaults."""
    return [pool for pool in select(pools, "php_fpm") if pool["state"] == "present"]


def prepared(pools: object) -> dict[str, Any]:
    """Give what the host needs before anything is published: ``packages``, ``reasons`` and ``accounts``."""
    running = present(pools)
    reasons = packages(running)
    return {
        "packages": list(reasons),
        "reasons": reasons,
        "accounts": {"users": [{"name": pool["name"]} for pool in running if not pool["user"]]},
    }


def published(pools: object, host: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is published for pools, how it is checked, and the units that run them.

    :param pools: the role's list of pools as the user wrote it, checked.
    :param host: what barehost.web.packages said of the host.
    :returns: ``parts``, ``validations`` and ``units`` of the publish.
    """
    running = present(pools)
    usual = debian_php(host) if running else ""
    versions = [pool["php"] or usual for pool in running]
    files = _shared(running, usual) if running else []
    return {
        "parts": {
            "files": [
                *files,
                *(
                    file
                    for pool, version in zip(running, versions, strict=True)
                    for file in _files(pool, version, usual)
                ),
            ],
            "links": [link for pool in running for link in _links(pool)],
            "entries": [pool["name"] for pool in select(pools, "php_fpm")],
        },
        "validations": [
            # As root, who would have to name a user otherwise: whether there is one is seen elsewhere.
            {
                "command": [f"php-fpm{version}", "--allow-to-run-as-root", "--test", "--fpm-config"],
                "each": f"{SETTINGS}/{pool['name']}.conf",
            }
            for pool, version in zip(running, versions, strict=True)
        ],
        "units": _units(running, versions),
    }


def leaving(pools: object, outcome: Mapping[str, Any]) -> list[dict[str, str]]:
    """Give the users that go when their processes have ended: those of absent pools, and of those that were purged.

    :param outcome: what barehost.web.publish said.
    """
    known = select(pools, "php_fpm")
    absent = [pool["name"] for pool in known if pool["state"] == "absent" and not pool["user"]]
    removed = [file["entry"] for file in outcome.get("files", ()) if file["change"] == "remove" and file["entry"]]
    purged = {*removed} - {pool["name"] for pool in known}
    return [{"name": name, "state": "absent"} for name in [*absent, *sorted(purged)]]
