# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring WordPresses to their state by WordPress's own code; see modules/wordpress.py. Private to the collection."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import string
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils import _mariadb
from ansible_collections.barehost.web.plugins.module_utils._accounts import Accounts
from ansible_collections.barehost.web.plugins.module_utils._host import Answer, HostError
from ansible_collections.barehost.web.plugins.module_utils._release_user import (
    Account,
    Sandbox,
    WorkError,
    account,
    as_user,
    handed,
    leave_data,
    stop_work,
)
from ansible_collections.barehost.web.plugins.module_utils._wordpress_live import Live
from ansible_collections.barehost.web.plugins.module_utils._wordpress_store import SETTINGS, Store

#: Generated passwords, for root alone.
PASSWORDS = Path("/etc/barehost/wordpress")
#: Names of installations that were begun and not finished.
BEGUN = Path("/var/lib/barehost/wordpress")
TOOL = Path("/usr/local/lib/barehost/wordpress.php")
#: The program that backs up and restores, where its archives are, and where it notes what a restore has got to.
BACKUP = Path("/usr/local/lib/barehost/wordpress_backup.py")
ARCHIVES = Path("/var/backups/barehost")
RESTORES = Path("/var/lib/barehost/restore")
SERVER = Path("/run/mysqld/mysqld.sock")
_KEYS = ("AUTH_KEY", "SECURE_AUTH_KEY", "LOGGED_IN_KEY", "NONCE_KEY")
_SALTS = ("AUTH_SALT", "SECURE_AUTH_SALT", "LOGGED_IN_SALT", "NONCE_SALT")
# Without those that end a text of PHP.
_SIGNS = string.ascii_letters + string.digits + "!#%&()*+,-./:;<=>?@[]^_{|}~"
_TIMEOUT = 300
# As roles/wordpress/templates/barehost-wordpress.php notes it.
_INSTALL = "install WordPress"


class WordPressError(HostError):
    """Why a WordPress cannot be brought to its state, and the way out."""


class Installation:
    """One installation, and what was done to it.

    :param check: only note it.
    """

    def __init__(self, wanted: Mapping[str, Any], *, check: bool) -> None:
        self.name: str = wanted["name"]
        self.changes: list[str] = []
        self._wanted = wanted
        self._check = check
        self._begun = BEGUN / self.name
        self._password = PASSWORDS / f"{self.name}.password"
        self._keys = SETTINGS / f"{self.name}.keys.php"

    def install(self) -> None:
        """Have it installed and set up as wanted."""
        who = account(self.name)
        if self._begun.exists() and not self._check:
            # What a killed run has left running would go on installing beside this one.
            stop_work(self.name)
        if self._check and (who is None or not TOOL.exists() or not SERVER.exists() or not self._keys.exists()):
            self.changes.append(_INSTALL)
            return
        if who is None:
            raise WordPressError(f"there is no user '{self.name}': run part 'files' of role wordpress first")
        self._repair()
        self._make_keys(who)
        admin = dict(self._wanted["admin"])
        given = bool(admin.get("password"))
        if not given:
            admin["password"] = self._own_password()
        live = Live(self._wanted, self._note, check=self._check)
        if self._check and not live.is_there():
            self._note(f"switch to {live.target}")
            return
        live.begin()
        if self._is_as_wanted(who, live, {"admin": admin, "keep_password": given, "leaving": live.leaving("themes")}):
            live.switch()
            self._take_up(who, live)
            return
        if not self._have_tables(who, live, {"admin": admin, "keep_password": given}):
            return
        live.switch()
        self._configure(who, live, {"admin": admin, "keep_password": given, "leaving": live.leaving("themes")})
        self._take_up(who, live)

    def _take_up(self, who: Account, live: Live) -> None:
        pages = Path(f"/srv/{self.name}/cache/pages")
        if not os.path.lexists(pages):
            # The web server looks where this link leads to; nothing has changed yet that would have made it.
            self._note("make the folder of kept pages")
            if not self._check:
                as_user(who, lambda: _first_pages(pages))
        try:
            live.end(who, pages)
        except WorkError as error:
            raise WordPressError(f"WordPress '{self.name}': {error}") from error

    def remove(self, *, data: bool) -> None:
        """Remove what publish and the other roles leave."""
        folder = Path("/srv") / self.name
        stamp = Path("/var/lib/systemd/timers") / f"stamp-wordpress-backup@{self.name}.timer"
        gone = [self._keys, folder / "cache", Store(self.name).code, self._begun, stamp]
        if data:
            gone += [folder / "media", self._password, ARCHIVES / self.name, folder / "restore"]
            self._forget_restore()
        for path in gone:
            if os.path.lexists(path):
                self._note(f"remove {path}")
                if not self._check:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        who = account(self.name)
        if who is not None and not self._check:
            leave_data(folder / "media", who)
        accounts = Accounts(check=self._check)
        accounts.ensure([{"name": self.name, "state": "absent"}], [])
        self.changes += [f"{self.name}: {change}" for change in accounts.changes]
        if not self._check and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()

    def _repair(self) -> None:
        """Have a restore that was killed finished, or taken back, before anybody looks at what it has left."""
        if not (RESTORES / f"{self.name}.json").exists() or not BACKUP.exists():
            return
        self._note("repair a restore that was killed")
        if not self._check:
            done = subprocess.run([str(BACKUP), "repair", self.name], capture_output=True, text=True, check=False)
            if done.returncode:
                raise WordPressError(f"WordPress {done.stderr.strip()}")

    def _forget_restore(self) -> None:
        """Remove what a restore that was killed has left in the database, of an installation whose data goes."""
        journal = RESTORES / f"{self.name}.json"
        if journal.exists():
            self._note("remove a restore that was killed")
            if not self._check:
                databases = (f"DROP DATABASE IF EXISTS `{kind}:{self.name}`;" for kind in ("restore", "replaced"))
                _mariadb.query(f"{''.join(databases)} DROP USER IF EXISTS 'restore:{self.name}'@'localhost';")
                journal.unlink()

    def _note(self, change: str) -> None:
        self.changes.append(f"{self.name}: {change}")

    def _make_keys(self, who: Account) -> None:
        if self._keys.exists():
            return
        self._note("make the keys")
        if self._check:
            return
        lines = [f"define('{name}', '{_random(64, _SIGNS)}');\n" for name in (*_KEYS, *_SALTS)]
        _write(self._keys, "<?php\n" + "".join(lines), group=who.gid, mode=0o640)

    def _own_password(self) -> str:
        if not self._password.exists():
            self._note(f"make the password, see {self._password}")
            if self._check:
                return ""
            PASSWORDS.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(self._password, f"{_random(24, string.ascii_letters + string.digits)}\n", group=0, mode=0o600)
        return self._password.read_text(encoding="utf-8").strip()

    def _is_as_wanted(self, who: Account, live: Live, more: Mapping[str, Any]) -> bool:
        """Ask WordPress once, as most runs find nothing to do; what it cannot tell is found out step by step."""
        if self.changes or self._begun.exists() or live.store.live() != live.target:
            return False
        try:
            answer = self._ask(who, "compare", live, {**self._asked(live, more), "check": True})
        except WordPressError:
            return False
        return not answer["changed"]

    def _have_tables(self, who: Account, live: Live, more: Mapping[str, Any]) -> bool:
        """Have WordPress install itself, or bring its tables to its version; most runs only look.

        :returns: whether it is installed now, which it need not be in check mode.
        """
        wanted = self._asked(live, {**more, "fresh": self._begun.exists()})
        changed = self._ask(who, "install", live, {**wanted, "check": True})["changed"]
        if changed and not self._check:
            # Tables that are brought to another version are never begun anew: what is in them is somebody's content.
            if _INSTALL in changed:
                BEGUN.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._begun.touch(mode=0o600)
            changed = self._ask(who, "install", live, wanted)["changed"]
            self._begun.unlink(missing_ok=True)
        self.changes += [f"{self.name}: {change}" for change in changed]
        return not self._check or _INSTALL not in changed

    def _configure(self, who: Account, live: Live, more: Mapping[str, Any]) -> None:
        answer = self._ask(who, "configure", live, self._asked(live, more))
        self.changes += [f"{self.name}: {change}" for change in answer["changed"]]

    def _asked(self, live: Live, more: Mapping[str, Any]) -> dict[str, Any]:
        return {**self._wanted, "code": str(live.target), "check": self._check, **more}

    def _ask(self, who: Account, step: str, live: Live, wanted: Mapping[str, Any]) -> dict[str, Any]:
        hidden = (str(wanted["admin"]["password"]),)
        writable = (Path(f"/srv/{self.name}/media"), Path(f"/srv/{self.name}/cache"))
        sandbox = Sandbox(self.name, who, writable, {}, _TIMEOUT, live.settings(), hidden)
        with handed(who, f"{self.name}.json", json.dumps(wanted)) as file:
            try:
                command: list[str | Path] = ["php", "-d", "pcre.jit=0", TOOL, step, file]
                said = sandbox.run(command, Path("/"), f"{step} of WordPress '{self.name}'")
                answer: dict[str, Any] = json.loads(said.strip().rpartition("\n")[2])
            except WorkError as error:
                raise WordPressError(f"WordPress '{self.name}': {error}") from error
            except ValueError as error:
                raise WordPressError(f"WordPress '{self.name}': {step} gave no answer: {said[-500:]}") from error
        if "failed" in answer:
            raise WordPressError(f"WordPress '{self.name}': {step} failed: {answer['failed']}")
        return answer


def _first_pages(link: Path) -> dict[str, Any]:
    folder = link.with_name("first")
    folder.mkdir(exist_ok=True)
    link.symlink_to(folder.name)
    return {}


def _random(length: int, signs: str) -> str:
    return "".join(secrets.choice(signs) for _ in range(length))


def _write(path: Path, text: str, *, group: int, mode: int) -> None:
    """Write a file in one step, so that a killed run leaves all of it or nothing."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(text, encoding="utf-8")
    os.chown(new, 0, group)
    new.chmod(mode)
    new.rename(path)


def run(options: Mapping[str, Any], *, check: bool) -> Answer:
    """Do the work of barehost.web.wordpress."""
    changes: list[str] = []
    for wanted in options["installations"]:
        installation = Installation(wanted, check=check)
        if wanted["state"] == "absent":
            installation.remove(data=options["remove_data"])
        else:
            installation.install()
        changes += installation.changes
    diff = {"prepared": "".join(f"{change}\n" for change in changes)}
    return Answer({"changed": bool(changes), "changes": changes, "diff": diff})
