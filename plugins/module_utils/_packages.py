# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Debian packages; see modules/packages.py. This module is private to the collection."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import socket
import subprocess
import time
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
_HUNG = 124
#: DPkg::Lock::Timeout is for dpkg's locks; those of the lists and of the downloads apt-get finds free or gives up.
_LOCKED = "E: Could not get lock "
_LOCK_PAUSE = 1.0
#: apt-get itself tries again to connect, but takes an answer for the last word. One such as 503, or a file that does
#: not fit the list because the mirror is being renewed, is another in a moment; "not found" or a bad signature is not.
_FOR_THE_MOMENT = re.compile(r"Failed to fetch \S+  (?!4(?!08|29)\d\d |The following signatures)")
_PAUSES = (2.0, 5.0, 10.0)


class PackageError(HostError):
    """Why packages cannot be had, and the way out."""


class LockedError(PackageError):
    """Another package manager has gone on for longer than this run was to wait."""


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


def _call(command: Sequence[str], timeout: float | None = None) -> subprocess.CompletedProcess[str]:
    """Run a package manager; one that says nothing for too long is given up with the status of timeout(1)."""
    try:
        return subprocess.run(
            command,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env={**os.environ, **_ENVIRONMENT},
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, _HUNG, f"It hung for {timeout:g} seconds and was given up.")


def _run(
    command: Sequence[str],
    doing: str,
    *,
    lock_timeout: int = 0,
    pauses: Sequence[float] = (),
    timeout: float | None = None,
) -> None:
    """Run a package manager, with patience.

    :param lock_timeout: seconds in which it is begun again while another program has a lock that it does not wait for.
    :param pauses: seconds before each time that it is begun again after a transfer that hung or failed for the moment.
    """
    until, left = time.monotonic() + lock_timeout, list(pauses)
    while True:
        done = _call(command, timeout)
        if done.returncode and _LOCKED in done.stdout and time.monotonic() < until:
            time.sleep(_LOCK_PAUSE)
        elif left and (done.returncode == _HUNG or _FOR_THE_MOMENT.search(done.stdout)):
            time.sleep(left.pop(0))
        else:
            break
    if not done.returncode:
        return
    tail = "\n".join(done.stdout.strip().splitlines()[-_TAIL_LINES:])
    reason = f"{doing} failed ({' '.join(command[:2])}, status {done.returncode}):\n{tail}"
    if _LOCKED in done.stdout:
        raise LockedError(f"{reason}\nThat was waited for, for {lock_timeout} seconds. Run this again when it is done.")
    if done.returncode == _HUNG or _FOR_THE_MOMENT.search(done.stdout):
        reason += "\nLook at the host's network and at its package sources, then run this again."
    raise PackageError(reason)


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
    doing = f"Installing {', '.join(names)}"
    try:
        _run(command, doing, lock_timeout=lock_timeout)
    except LockedError:
        raise
    except PackageError:
        # A bare host has no lists, and old lists name versions that the archive has replaced since. A transfer that
        # hangs is given up, which loses nothing.
        update = [*get, "update"]
        _run(update, "Reading the package lists", lock_timeout=lock_timeout, pauses=_PAUSES, timeout=_UPDATE_SECONDS)
        _refuse_unknown([name for name in names if name in reasons], reasons)
        _run([*command, "--fix-broken"], doing, lock_timeout=lock_timeout, pauses=_PAUSES)


def _refuse_unknown(names: Sequence[str], reasons: Mapping[str, str]) -> None:
    missing = unknown(names) if names else []
    if missing:
        listed = "\n".join(f"- {name}: {reasons[name]}" for name in missing)
        raise PackageError(f"Nothing was installed: no package source of this host has\n{listed}")


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
    fix = ["apt-get", *wait, "--quiet", "--yes", *_KEEP_CONFIGURATION, "--fix-broken", "install"]
    _run(fix, "Repairing", lock_timeout=lock_timeout, pauses=_PAUSES)


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
