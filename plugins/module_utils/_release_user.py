# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Do foreign work without root: a function in a child of this process, a command in a sandbox of systemd where it runs.

This module is private to the collection.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import signal
import subprocess
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ansible_collections.barehost.web.plugins.module_utils._environment import environment_text

#: What a command needs for its work and nothing more: no capability, no device, no other folder to write to.
_SANDBOX = (
    "Type=exec",
    "UMask=0022",
    "KillMode=control-group",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes",
    "ProtectProc=invisible",
    "RestrictSUIDSGID=yes",
    "RestrictRealtime=yes",
    "LockPersonality=yes",
)
#: Where systemd keeps the data of every app, in a folder of its name.
STATE = Path("/var/lib")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: There where systemd is the first process.
BOOTED = Path("/run/systemd/system")
#: Files that are handed to a command; gone after a reboot. Only root can list them.
RUN = Path("/run/barehost")
_TAIL_LINES = 25
#: A shorter value hides nothing worth hiding, and is part of many words.
_SHORTEST_SECRET = 4
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s'\"]+@")


class WorkError(RuntimeError):
    """Work for an app failed; the message says what, and holds no secret."""


@dataclass(frozen=True)
class Account:
    """A system user."""

    name: str
    uid: int
    gid: int


def account(name: str) -> Account | None:
    """The user ``name`` of this host, if there is one."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name, found.pw_uid, found.pw_gid)


def leave_data(folder: Path, who: Account) -> None:
    """Leave the data of an app that is removed to root, because the number of its user is another one's tomorrow."""
    try:
        if folder.is_symlink() or folder.stat().st_uid != who.uid:
            return
    except FileNotFoundError:
        return
    try:
        folder.rmdir()
    except OSError:
        os.chown(folder, 0, 0)
        folder.chmod(0o700)


def mask(text: str) -> str:
    """``text`` without user names and passwords in its URLs."""
    return _CREDENTIALS.sub("***@", text)


def tail(output: str) -> str:
    """The end of a program's output, fit to be shown."""
    lines = [line.rstrip() for line in mask(output).splitlines() if line.strip()]
    return "\n".join(lines[-_TAIL_LINES:]) or "(it printed nothing)"


def hide(text: str, values: Iterable[str]) -> str:
    """``text`` without these values, nor any line of one."""
    parts = {line for value in values for line in (value, *value.splitlines()) if len(line) >= _SHORTEST_SECRET}
    # The longest first: it may hold a shorter one.
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "***")
    return text


@contextlib.contextmanager
def handed(to: Account | None, name: str, text: str) -> Iterator[Path]:
    """A file with ``text`` that only root, or the user it is handed ``to``, can read; removed afterwards."""
    RUN.mkdir(mode=0o711, exist_ok=True)
    path = RUN / name
    path.unlink(missing_ok=True)
    try:
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        if to:
            os.chown(path, to.uid, to.gid)
        yield path
    finally:
        path.unlink(missing_ok=True)


def as_user(who: Account, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What ``work`` returns, done by ``who``: root never opens a path that another user can exchange for a link.

    The answer travels as JSON. An exception of ``work`` arrives as a ``WorkError`` with its message.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _in_child(who, work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    if not data:
        raise WorkError("the process that did it died")
    answer = json.loads(data)
    if "error" in answer:
        raise WorkError(answer["error"])
    result: dict[str, Any] = answer["result"]
    return result


def _in_child(who: Account, work: Callable[[], dict[str, Any]], writing: int) -> NoReturn:
    answer: dict[str, Any] | None = None
    try:
        os.setgroups([who.gid])
        os.setgid(who.gid)
        os.setuid(who.uid)
        os.umask(0o022)
        answer = {"result": work()}
    except OSError as error:
        answer = {"error": f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"}
    except (ValueError, RuntimeError) as error:
        answer = {"error": str(error)}
    finally:
        # Whatever happens, the child must not go on with the work of its parent.
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(json.dumps(answer or {"error": traceback.format_exc()}).encode())
        os._exit(0)


@dataclass(frozen=True)
class Sandbox:
    """Runs commands of one app as its user, in a transient unit that can write to ``writable`` only.

    Where systemd runs, that is a unit rather than a child: when the command ends, or the time is over, nothing that it
    started is left. The environment goes through a file that only root can read, because arguments and properties of
    units are public.
    """

    app: str
    who: Account
    writable: tuple[Path, ...]
    environment: Mapping[str, str]
    timeout: int
    #: More settings of the unit; they go before those that every command has.
    settings: tuple[str, ...] = ()
    #: Values that must not be shown when a command prints them.
    hidden: tuple[str, ...] = ()
    #: What kind of work it is; that of a killed build is ended by the next one.
    kind: str = "build"

    def run(self, command: Sequence[str | Path], folder: Path, doing: str) -> str:
        """Run ``command`` in ``folder`` and return all it printed; ``WorkError`` with the tail if it fails."""
        done = self.attempt(command, folder, doing)
        if done.returncode:
            raise WorkError(f"{doing} failed (exit status {done.returncode}):\n{self._tail(done.stdout)}")
        return done.stdout

    def attempt(self, command: Sequence[str | Path], folder: Path, doing: str) -> subprocess.CompletedProcess[str]:
        """Run ``command`` in ``folder``, and leave to the caller what its exit status and its output mean."""
        name = f"{self.app}.{self.kind}.{os.getpid()}.env"
        with handed(None, name, environment_text(self.environment)) as variables:
            return self._run(command, folder, doing, variables)

    def _run(
        self, command: Sequence[str | Path], folder: Path, doing: str, variables: Path
    ) -> subprocess.CompletedProcess[str]:
        if not BOOTED.is_dir():
            return self._run_plain(command, folder, doing)
        return self._run_unit(command, folder, doing, variables)

    def _run_plain(self, command: Sequence[str | Path], folder: Path, doing: str) -> subprocess.CompletedProcess[str]:
        """Run it without systemd, as in a container: with the rights of the user, and in a process group that ends."""
        if self.settings:
            raise WorkError(f"{doing} takes a host whose first process is systemd")
        words = ["setpriv", "--no-new-privs", "--", *(str(word) for word in command)]
        surroundings = {"PATH": _PATH, "LANG": "C.UTF-8", "HOME": str(folder), **self.environment}
        with subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=folder,
            env=surroundings,
            user=self.who.uid,
            group=self.who.gid,
            extra_groups=[],
            umask=0o022,
            start_new_session=True,
        ) as process:
            try:
                said, _ = process.communicate(timeout=self.timeout)
            except subprocess.TimeoutExpired:
                _end_group(process.pid)
                said, _ = process.communicate()
                raise WorkError(_too_long(doing, self.timeout, self._tail(said))) from None
            finally:
                # What it has left running ends with it.
                _end_group(process.pid)
        return subprocess.CompletedProcess(words, process.returncode, said)

    def _run_unit(
        self, command: Sequence[str | Path], folder: Path, doing: str, variables: Path
    ) -> subprocess.CompletedProcess[str]:
        properties = [
            *_SANDBOX,
            *self.settings,
            f"EnvironmentFile={variables}",
            f"RuntimeMaxSec={self.timeout + 30}",
            *(f"ReadWritePaths=-{path}" for path in self.writable),
        ]
        unit = f"barehost-{self.kind}-{self.app}.{os.getpid()}.service"
        wrapper = [
            "systemd-run",
            "--quiet",
            "--wait",
            "--pipe",
            "--collect",
            f"--unit={unit}",
            f"--description={doing}",
        ]
        wrapper += [f"--uid={self.who.uid}", f"--gid={self.who.gid}", f"--working-directory={folder}"]
        wrapper += [f"--property={setting}" for setting in properties]
        try:
            return subprocess.run(
                # systemd expands variables in arguments: a doubled dollar sign is a plain one.
                [*wrapper, "--", *(str(word).replace("$", "$$") for word in command)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=self.timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            _end_units(unit)
            so_far = error.stdout.decode(errors="replace") if isinstance(error.stdout, bytes) else ""
            raise WorkError(_too_long(doing, self.timeout, self._tail(so_far))) from None

    def _tail(self, output: str) -> str:
        return tail(hide(output, self.hidden))


def _too_long(doing: str, seconds: int, said: str) -> str:
    return f"{doing} took more than {seconds} seconds. Its last lines:\n{said}"


def _end_group(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)


def _end_units(pattern: str) -> None:
    for verb in (["kill", "--signal=KILL"], ["stop"]) if BOOTED.is_dir() else ():
        subprocess.run(["systemctl", *verb, pattern], capture_output=True, check=False, timeout=60)


def stop_work(app: str) -> None:
    """End the work for an app that a killed run has left running, and remove the files it was handed."""
    # No name of an app has a dot in it: the pattern cannot mean another app's work.
    _end_units(f"barehost-build-{app}.*.service")
    for file in RUN.glob(f"{app}.*"):
        file.unlink(missing_ok=True)
