# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host has said of itself at the beginning of a play, so that it need not be asked again.

The first call that reaches a host brings back a snapshot: which of the requests of the play's last run it still
fulfils. A later task that asks for the same is answered from it. It holds

* in plays of this collection's own playbooks only, where no task of a user's stands in between,
* for the very play, run and connection that was asked,
* until something is changed.

Private to the collection.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.playbook.play import Play
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.connection import ConnectionBase
from ansible_collections.barehost.web.plugins.plugin_utils import _run
from ansible_collections.barehost.web.plugins.plugin_utils._sources import COLLECTION


def digest_of(options: Mapping[str, Any], volatile: Collection[str] = ()) -> str:
    """Tell one request from another.

    :param volatile: options that say nothing of what is wanted, such as who asks.
    """
    lasting = {key: value for key, value in options.items() if key not in volatile}
    return hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Request:
    """What a task asks a host for."""

    work: str
    subject: str
    digest: str

    @property
    def name(self) -> str:
        """Name it as the host does."""
        return f"{self.work}.{self.subject}"


@dataclass(frozen=True)
class Snapshot:
    """What a host has said."""

    #: Digest, result and warnings of every request that is fulfilled.
    requests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: The sets of which the host has something.
    sets: Collection[str] = ()
    #: Whether a unit has still to be told of a change.
    owed: bool = True

    def answer(self, request: Request) -> dict[str, Any] | None:
        """Give the result of a task; None where the host has to be asked."""
        known = self.requests.get(request.name)
        if known is None or known["digest"] != request.digest:
            return None
        return {**known["result"], **({"warnings": list(known["warnings"])} if known["warnings"] else {})}

    def has_nothing_of(self, name: str) -> bool:
        """Tell whether there is nothing of a set that could be removed, and nothing that is owed."""
        return not self.owed and name not in self.sets


class Memory:
    """Keeps the snapshot of one connection for the rest of a play, in a file that ends with the run.

    :param folder: a folder of this run only.
    """

    def __init__(self, folder: Path, play: str, *identity: object) -> None:
        self.play = play
        self._file = folder / hashlib.sha256(json.dumps([_run.RUN, play, *map(str, identity)]).encode()).hexdigest()

    def read(self) -> Snapshot | None:
        """Give what the host has said, if that still holds."""
        try:
            return Snapshot(**json.loads(self._file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def write(self, said: Mapping[str, Any]) -> None:
        """Keep what the host has said."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._file.with_suffix(f".{os.getpid()}")
        new.touch(mode=0o600)
        new.write_text(json.dumps(said), encoding="utf-8")
        new.replace(self._file)

    def drop(self) -> None:
        """Forget it: something has changed."""
        self._file.unlink(missing_ok=True)


class Validated:
    """Notes that the whole model of a host has been validated in a play."""

    def __init__(self, folder: Path, play: object, host: str) -> None:
        self._file = folder / hashlib.sha256(json.dumps([_run.RUN, str(play), host, "validated"]).encode()).hexdigest()

    def __bool__(self) -> bool:
        """Tell whether it has."""
        return self._file.exists()

    def note(self) -> None:
        """Note it."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file.touch(mode=0o600)


def run_folder() -> Path:
    """Give the folder that Ansible makes for a run, and removes with it."""
    return Path(vars(constants)["DEFAULT_LOCAL_TMP"]) / "barehost"


def own_play(task: Task) -> Play | None:
    """Give the play of a task if it stands in a playbook of this collection."""
    play = task.get_play()
    path = play.get_path().rpartition(":")[0] if play is not None else ""
    return play if path and Path(path).resolve().parent == COLLECTION / "playbooks" else None


def memory_of(task: Task, connection: ConnectionBase, context: PlayContext) -> Memory | None:
    """Give what is remembered of the host that a task speaks to; None where nothing may be."""
    play = own_play(task)
    if play is None:
        return None
    name = Path(play.get_path().rpartition(":")[0]).stem
    way = (connection.transport, context.remote_addr, context.port, context.remote_user)
    become = (context.become, context.become_method, context.become_user)
    return Memory(run_folder(), name, play._uuid, task.delegate_to, *way, *become)


def validated_of(task: Task, host: str) -> Validated | None:
    """Tell whether the model of a host has been validated in the play of a task; None where nobody notes it."""
    play = own_play(task)
    return None if play is None else Validated(run_folder(), play._uuid, host)
