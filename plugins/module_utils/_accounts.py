# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""System users and folders; see modules/accounts.py. This module is private to the collection."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils._host import Answer, HostError

#: In the comment field of every user the collection makes.
MARK = "made by barehost.web"


class AccountError(HostError):
    """Why a user or folder cannot be brought to its state, and the way out."""


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AccountError(f"{' '.join(command)} failed: {(done.stderr or done.stdout).strip()}")


def _user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


class Accounts:
    """Brings users and folders to their state and notes what it did.

    :param check: only note it.
    """

    def __init__(self, *, check: bool) -> None:
        self._check = check
        self.changes: list[str] = []
        self._coming: set[str] = set()

    def ensure(self, users: Sequence[Mapping[str, Any]], directories: Sequence[Mapping[str, Any]]) -> None:
        """Bring everything to its state; refuses before the first change where a user is somebody else's."""
        self._refuse_foreign(users)
        for user in users:
            if user["state"] == "present":
                self._make_user(user)
        for directory in directories:
            self._directory(directory)
        for user in users:
            if user["state"] == "absent":
                self._remove_user(user["name"])

    def _refuse_foreign(self, users: Sequence[Mapping[str, Any]]) -> None:
        foreign = []
        for user in users:
            there = _user(user["name"])
            if there and MARK not in there.pw_gecos and user["state"] == "present":
                foreign.append(
                    f"user '{user['name']}': the host already has a user of this name (uid {there.pw_uid}) "
                    "that this collection did not make. Choose another name for the entry."
                )
        if foreign:
            raise AccountError("Nothing was changed:\n" + "\n".join(f"- {text}" for text in foreign))

    def _make_user(self, user: Mapping[str, Any]) -> None:
        name, home = user["name"], user["home"]
        there = _user(name)
        if there and there.pw_dir == home:
            return
        self.changes.append(f"user {name} {'moved to' if there else 'made with'} home {home}")
        self._coming.add(name)
        if self._check:
            return
        if there:
            _run("usermod", "--home", home, name)
        else:
            group = ["--gid", name] if self._has_group(name) else ["--user-group"]
            shell = ["--shell", "/usr/sbin/nologin", "--no-create-home"]
            _run("useradd", "--system", *group, "--home-dir", home, *shell, "--comment", MARK, name)

    @staticmethod
    def _has_group(name: str) -> bool:
        try:
            grp.getgrnam(name)
        except KeyError:
            return False
        return True

    def _remove_user(self, name: str) -> None:
        there = _user(name)
        if there and MARK in there.pw_gecos:
            self.changes.append(f"user {name} removed")
            if not self._check:
                _run("userdel", name)

    def _directory(self, directory: Mapping[str, Any]) -> None:
        path = Path(directory["path"])
        if directory["state"] == "absent":
            self._remove_directory(path)
            return
        uid, gid = self._numbers(directory)
        mode = int(directory["mode"], 8)
        try:
            info = path.lstat()
        except FileNotFoundError:
            self.changes.append(f"folder {path} made")
            if not self._check:
                path.mkdir(mode=0o700, parents=True)
                os.chown(path, uid, gid)
                path.chmod(mode)
            return
        if not stat.S_ISDIR(info.st_mode):
            raise AccountError(f"{path}: a folder is wanted, but there is something else. Move it away and run again.")
        if (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) != (uid, gid, mode):
            self.changes.append(f"folder {path} given to {directory['owner']}:{directory['group']} {directory['mode']}")
            if not self._check:
                os.chown(path, uid, gid)
                path.chmod(mode)

    def _numbers(self, directory: Mapping[str, Any]) -> tuple[int, int]:
        try:
            return pwd.getpwnam(directory["owner"]).pw_uid, grp.getgrnam(directory["group"]).gr_gid
        except KeyError as error:
            if self._check and {directory["owner"], directory["group"]} & self._coming:
                return -1, -1
            raise AccountError(
                f"{directory['path']}: owner {directory['owner']}:{directory['group']} is wanted, "
                "but the host has no such user or group. Make the account first."
            ) from error

    def _remove_directory(self, path: Path) -> None:
        if path.is_symlink() or not path.exists():
            return
        self.changes.append(f"folder {path} removed")
        if not self._check:
            shutil.rmtree(path)


def run(options: Mapping[str, Any], *, check: bool) -> Answer:
    """Do the work of barehost.web.accounts."""
    accounts = Accounts(check=check)
    accounts.ensure(options["users"], options["directories"])
    diff = {"prepared": "".join(f"{change}\n" for change in accounts.changes)}
    return Answer({"changed": bool(accounts.changes), "changes": accounts.changes, "diff": diff})
