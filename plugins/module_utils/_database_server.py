# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a database server can have, and its first start; see modules/database_server.py.

This module is private to the collection.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils import _database_server_plan, _mariadb, _packages
from ansible_collections.barehost.web.plugins.module_utils._host import Answer, HostError
from ansible_collections.barehost.web.plugins.module_utils._lock import lock
from ansible_collections.barehost.web.plugins.module_utils._marks import STATE, private_folder

#: Where control groups, of either version, say how much a container may have.
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_PACKAGE = "mariadb-server"
_MAKER = "barehost-mariadb-install.service"
_MAKE = ("mariadb-install-db", "--rpm", "--cross-bootstrap", "--user=mysql", "--disable-log-bin", "--skip-test-db")
_GRACE, _END_SECONDS, _PAUSE = 3, 60, 0.2
_TAIL_LINES = 15


class StartError(HostError):
    """Why there is no folder of data to start from."""


def _total() -> int:
    """The memory of this machine, in bytes."""
    limits = []
    for path in _LIMITS:
        with contextlib.suppress(OSError):
            limits.append(Path(path).read_text(encoding="ascii"))
    return _database_server_plan.memory_of(Path("/proc/meminfo").read_text(encoding="ascii"), limits)


def _data() -> Path:
    """The folder of the data, which an administrator may have put elsewhere by a link."""
    return Path(_mariadb.DATA).resolve()


def _decide() -> _database_server_plan.Start:
    noted = _mariadb.FRESH.exists()
    found = [*os.scandir(_data())] if _data().is_dir() else []
    return _database_server_plan.start(
        noted=noted,
        content=[entry.name for entry in found],
        folders=[entry.name for entry in found if entry.is_dir()],
        # Asked only where it matters: a server may be about to answer.
        answers=(noted or not found) and not _mariadb.answers(_GRACE),
    )


def _note() -> None:
    private_folder(_mariadb.FRESH.parent)
    _mariadb.FRESH.touch(mode=0o600)
    os.sync()


def _end_others(lock_timeout: int) -> None:
    """End all that a killed run may have left behind at work in the folder, and wait until it has ended."""
    # apt-get waits for its lock, and so for a package manager that has outlived its run.
    subprocess.run(
        ["apt-get", "-o", f"DPkg::Lock::Timeout={lock_timeout}", "--quiet", "--yes", "check"],
        capture_output=True,
        check=False,
    )
    for unit in (_MAKER, _mariadb.UNIT):
        subprocess.run(["systemctl", "--quiet", "--no-block", "stop", unit], capture_output=True, check=False)
        # There is nothing to be saved.
        subprocess.run(["systemctl", "kill", "--signal=KILL", unit], capture_output=True, check=False)
    until = time.monotonic() + _END_SECONDS
    while at_work := _at_work():
        if time.monotonic() >= until:
            raise StartError(
                f"Nothing was changed: process {at_work} works in {_data()}, which no server has ever answered from. "
                "End it, and run again."
            )
        time.sleep(_PAUSE)


def _at_work() -> int:
    """The number of a process whose folder it is; 0 for none."""
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit() and (process / "cwd").readlink() == _data():
                return int(process.name)
    return 0


def _move_aside() -> str:
    """Keep a folder of data under another name; the name, or nothing where there was nothing in it."""
    data = _data()
    if not data.is_dir() or not any(os.scandir(data)):
        return ""
    aside = data.with_name(f"{data.name}.{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    info = data.stat()
    try:
        data.rename(aside)
    except OSError as error:
        raise StartError(
            f"Nothing was changed: {data} was left half made by a run that was killed, no server has ever answered "
            f"from it, and it cannot be renamed: {error.strerror}. Empty it by hand, and run again."
        ) from error
    data.mkdir(mode=0o700)
    os.chown(data, info.st_uid, info.st_gid)
    data.chmod(info.st_mode & 0o7777)
    return str(aside)


def _make() -> None:
    """Make the folder as the package does.

    In a unit of its own, so that a later run can end it if this one is killed.
    """
    data = _data()
    data.mkdir(mode=0o755, exist_ok=True)
    shutil.chown(data, "mysql", "mysql")
    done = subprocess.run(
        ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", f"--unit={_MAKER}", "--", *_MAKE],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-_TAIL_LINES:])
        raise StartError(f"{_MAKE[0]} failed (status {done.returncode}):\n{tail}\nRepair the cause and run again.")


def _begin(lock_timeout: int) -> list[str]:
    """Have an empty folder before the package is installed, or a new one after that."""
    changes = []
    if _mariadb.FRESH.exists():
        _end_others(lock_timeout)
        if aside := _move_aside():
            changes.append(f"{_mariadb.DATA}, half made by a run that was killed, moved to {aside}")
    else:
        _note()
    if _packages.installed([_PACKAGE]):
        _make()
        changes.append(f"{_mariadb.DATA} made")
    return changes


def _foreseen() -> list[str]:
    """What :func:`_begin` would do."""
    aside = _mariadb.FRESH.exists() and _data().is_dir() and any(os.scandir(_data()))
    moved = [f"{_mariadb.DATA}, half made by a run that was killed, moved aside"] if aside else []
    return [*moved, *([f"{_mariadb.DATA} made"] if _packages.installed([_PACKAGE]) else [])]


def run(options: Mapping[str, Any], *, check: bool) -> Answer:
    """Do the work of barehost.web.database_server."""
    pool = _database_server_plan.pool_size(options["memory"], _total())
    if check:
        changes = _foreseen() if _decide() == "begin" else []
    else:
        # Not while another run installs the package, which makes the folder.
        with lock(STATE / "packages.lock", options["lock_timeout"]):
            changes = []
            if (what := _decide()) == "begin":
                changes = _begin(options["lock_timeout"])
            elif what == "forget":
                _mariadb.forget_first_start()
    diff = {"prepared": "".join(f"{change}\n" for change in changes)}
    return Answer({"changed": bool(changes), "pool": pool, "changes": changes, "diff": diff})
