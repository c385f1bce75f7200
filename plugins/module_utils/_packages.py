# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Debian packages; see modules/packages.py. This module is private to the collection."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils._host import Answer, HostError
from ansible_collections.barehost.web.plugins.module_utils._lock import lock
from ansible_collections.barehost.web.plugins.module_utils._marks import STATE, private_folder

#: What is tested is supported, nothing else.
SUPPORTED = ("bookworm", "trixie")

#: The packages that roles have asked this host for so far: the first question of a run is answered for all of them.
_ASKED = STATE / "packages.json"

_POLICY = Path("/usr/sbin/policy-rc.d")
#: invoke-rc.d takes exit status 101 for "do not start or stop anything".
_POLICY_TEXT = "#!/bin/sh\n# barehost.web: services start when their configuration is in place\nexit 101\n"

_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "NEEDRESTART_SUSPEND": "1"}
_KEEP_CONFIGURATION = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")
_TAIL_LINES = 15
_UPDATE_SECONDS = 90
_UPDATE_TRIES = 4


class PackageError(HostError):
    """Why packages cannot be had, and the way out."""


def supported_codename() -> str:
    """The code name of the host's Debian; raises for a system that nobody tested."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    codename = release.get("VERSION_CODENAME", "")
    if release.get("ID") != "debian" or codename not in SUPPORTED:
        raise PackageError(
            f"This host runs {release.get('PRETTY_NAME', 'an unknown system')}; "
            f"supported and tested is Debian with the code names {' and '.join(SUPPORTED)}."
        )
    return codename


def has_ipv6() -> bool:
    """Whether a socket for IPv6 can be made, which is what a server that listens on it needs."""
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True


def parse_status(text: str) -> dict[str, str]:
    """Versions of the completely installed packages in the output of :func:`installed`'s query."""
    versions = {}
    for line in text.splitlines():
        name, _, rest = line.partition("\t")
        status, _, version = rest.partition("\t")
        if status == "installed":
            versions[name] = version
    return versions


def installed(names: Sequence[str]) -> dict[str, str]:
    """The version of each of ``names`` that is completely installed."""
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${Package}\t${db:Status-Status}\t${Version}\n", *names],
        capture_output=True,
        text=True,
        check=False,
    )
    return parse_status(done.stdout)


def unknown(names: Sequence[str]) -> list[str]:
    """Those of ``names`` that no package source of the host has."""
    done = subprocess.run(
        ["apt-cache", "policy", *names], capture_output=True, text=True, check=False, env={**os.environ, **_ENVIRONMENT}
    )
    candidates = parse_policy(done.stdout)
    return [name for name in names if candidates.get(name, "(none)") == "(none)"]


def parse_policy(text: str) -> dict[str, str]:
    """The version that would be installed of each package in the output of ``apt-cache policy``."""
    found, name = {}, ""
    for line in text.splitlines():
        word, _, rest = line.strip().partition(": ")
        if not line.startswith(" "):
            name = line.rstrip(":")
        elif word == "Candidate":
            found[name] = rest
    return found


def _run(command: Sequence[str], doing: str, timeout: float | None = None) -> None:
    done = subprocess.run(
        command,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, **_ENVIRONMENT},
    )
    if done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-_TAIL_LINES:])
        raise PackageError(f"{doing} failed ({' '.join(command[:2])}, status {done.returncode}):\n{tail}")


@contextlib.contextmanager
def _services_stay_down() -> Iterator[None]:
    """Keep the package manager from starting services; a policy that the administrator made is respected."""
    ours = not _POLICY.exists() or _POLICY.read_text(encoding="utf-8") == _POLICY_TEXT
    if ours:
        _POLICY.write_text(_POLICY_TEXT, encoding="utf-8")
        _POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            _POLICY.unlink(missing_ok=True)


def killed_run() -> bool:
    """Whether a run that was killed left its start policy behind."""
    return _POLICY.exists() and _POLICY.read_text(encoding="utf-8") == _POLICY_TEXT


def install(names: Sequence[str], *, lock_timeout: int, reasons: Mapping[str, str]) -> None:
    """Install ``names`` in one transaction, and repair what a killed run left.

    :param reasons: what to say of a package that no package source has.
    :param lock_timeout: seconds to wait for another run of this function or of the package manager.
    """
    with lock(STATE / "packages.lock", lock_timeout):
        if killed_run():
            _POLICY.unlink()
        if names:
            with _services_stay_down():
                _repair(lock_timeout)
                _install(names, lock_timeout, reasons)


def _install(names: Sequence[str], lock_timeout: int, reasons: Mapping[str, str]) -> None:
    get = ["apt-get", "--quiet", "--yes", "-o", f"DPkg::Lock::Timeout={lock_timeout}", *_KEEP_CONFIGURATION]
    command = [*get, "--no-install-recommends", "install", *names]
    try:
        _run(command, f"Installing {', '.join(names)}")
    except PackageError:
        # A bare host has no lists, and old lists name versions that the archive has replaced since.
        _update(get)
        _refuse_unknown([name for name in names if name in reasons], reasons)
        _run([*command, "--fix-broken"], f"Installing {', '.join(names)}")


def _refuse_unknown(names: Sequence[str], reasons: Mapping[str, str]) -> None:
    missing = unknown(names) if names else []
    if missing:
        listed = "\n".join(f"- {name}: {reasons[name]}" for name in missing)
        raise PackageError(f"Nothing was installed: no package source of this host has\n{listed}")


def _update(get: Sequence[str]) -> None:
    """Read the package lists; a transfer that hangs is given up and begun again, which loses nothing."""
    for _ in range(_UPDATE_TRIES):
        try:
            _run([*get, "update"], "Reading the package lists", timeout=_UPDATE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return
    raise PackageError(
        f"Reading the package lists hung for {_UPDATE_SECONDS} seconds, {_UPDATE_TRIES} times. "
        "Try apt-get update on the host, and look at its network and its sources."
    )


def _repair(lock_timeout: int) -> None:
    """Finish what an interrupted transaction left half done, after the holder of the lock has finished."""
    audit = subprocess.run(["dpkg", "--audit"], capture_output=True, text=True, check=False)
    updates = Path("/var/lib/dpkg/updates")
    if not audit.stdout.strip() and not (updates.is_dir() and any(updates.iterdir())):
        return
    # apt-get waits for the lock, dpkg does not: an install of nothing is the wait.
    wait = ("-o", f"DPkg::Lock::Timeout={lock_timeout}")
    subprocess.run(["apt-get", *wait, "--quiet", "--yes", "check"], capture_output=True, check=False)
    _run(["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"], "Repairing an interrupted installation")
    _run(["apt-get", *wait, "--quiet", "--yes", *_KEEP_CONFIGURATION, "--fix-broken", "install"], "Repairing")


def _asked() -> list[str]:
    try:
        names: list[str] = json.loads(_ASKED.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        # A file that a dying machine left empty costs a question more.
        return []
    return names


def _remember(names: Sequence[str]) -> None:
    private_folder(_ASKED.parent)
    fresh = _ASKED.with_suffix(".new")
    fresh.write_text(json.dumps(names), encoding="utf-8")
    fresh.replace(_ASKED)


def run(options: Mapping[str, Any], *, check: bool) -> Answer:
    """Do the work of barehost.web.packages."""
    names, asked = options["names"], _asked()
    every = sorted({*names, *asked})
    codename = supported_codename()
    versions = installed(every)
    missing = [name for name in names if name not in versions]
    if (missing or killed_run()) and not check:
        install(missing, lock_timeout=options["lock_timeout"], reasons=options["reasons"])
        versions = installed(every)
    if every != asked and not check:
        _remember(every)
    result = {
        "changed": bool(missing),
        "installed": missing,
        "versions": {name: versions[name] for name in names if name in versions},
        "known": versions,
        "codename": codename,
        "ipv6": has_ipv6(),
        "diff": {"prepared": "".join(f"install {name}\n" for name in missing)},
    }
    return Answer(result)
