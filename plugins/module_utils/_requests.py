# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host was last asked for, and whether it is still so. This module is private to the collection.

A request that came to a good end is kept, for root only. At the beginning of the next run of the same play the works
compare each kept request with the host, as in check mode: nothing is believed, everything is looked at. What the
controller asks for again by then is answered already.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from ansible_collections.barehost.web.plugins.module_utils import _marks
from ansible_collections.barehost.web.plugins.module_utils._host import Answer

#: Gives the work of a name: what does it, and what of its options may be kept.
Works: TypeAlias = Callable[[str], "Work"]

#: Of each play so many requests are kept, those that were made last.
MOST = 64
_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
_SECRETS = frozenset({"password", "passphrase", "credentials", "hmac_key", "token"})
_CREDENTIALS = re.compile(r"://[^/@\s]*:[^/@\s]+@")


@dataclass(frozen=True)
class Work:
    """One kind of work on a host."""

    run: Callable[..., Answer]
    #: Gives the options as they may lie on the disk, enough to compare the host with; None to keep nothing.
    kept: Callable[[Mapping[str, Any]], Mapping[str, Any] | None] = dict


@dataclass(frozen=True)
class Key:
    """Which of a play's requests it is: what kind of work, and for what."""

    play: str
    work: str
    subject: str

    def __post_init__(self) -> None:
        """See that the names can be those of files."""
        for name in (self.play, self.work, self.subject):
            if not _NAME.match(name):
                raise ValueError(f"{name!r} is no name of a request")

    @property
    def name(self) -> str:
        """Name the request among those of its play."""
        return f"{self.work}.{self.subject}"


def is_secret(value: object) -> bool:
    """Tell whether anything in options is for nobody's eyes, and must not lie about a second time."""
    if isinstance(value, Mapping):
        return any((key in _SECRETS and bool(sub)) or is_secret(sub) for key, sub in value.items())
    if isinstance(value, list):
        return any(map(is_secret, value))
    return isinstance(value, str) and _CREDENTIALS.search(value) is not None


class Requests:
    """The requests that are kept on a host.

    :param state: the folder the collection keeps its memory in.
    """

    def __init__(self, state: Path = _marks.STATE) -> None:
        self._folder = state / "requests"
        self._begun = state / "begun"

    @contextlib.contextmanager
    def begun(self, work: str) -> Iterator[None]:
        """Note that a work is being done: after a run that was killed, the next one knows that there is work to repair.

        An error is an orderly end: what it leaves is compared like anything else.
        """
        mark = self._begun / f"{work}.{os.getpid()}.{_started(os.getpid())}"
        self._put(mark)
        try:
            yield
        except Exception:
            self._take(mark)
            raise
        self._take(mark)
        for left in self._begun.glob(f"{work}.*.*"):
            # That work has been done to its end now.
            if not _runs(left.name):
                self._take(left)

    def _put(self, mark: Path) -> None:
        while not mark.exists():
            _marks.private_folder(self._begun)
            # Another run may remove the folder that it has found empty.
            with contextlib.suppress(FileNotFoundError):
                mark.touch(mode=0o600)

    def _take(self, mark: Path) -> None:
        mark.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._begun.rmdir()

    def keep(self, key: Key, digest: str, work: Work, options: Mapping[str, Any]) -> None:
        """Keep a request that came to a good end."""
        folder = self._folder / key.play
        kept = None if is_secret(options) else work.kept(options)
        if kept is None:
            (folder / key.name).unlink(missing_ok=True)
            return
        _marks.private_folder(folder)
        new = folder / f".{key.name}.{os.getpid()}"
        new.touch(mode=0o600)
        new.write_text(json.dumps({"digest": digest, "options": kept}), encoding="utf-8")
        new.replace(folder / key.name)
        for old in self._of(key.play)[MOST:]:
            old.unlink(missing_ok=True)

    def snapshot(self, play: str, works: Works) -> dict[str, Any]:
        """Compare every kept request of a play with the host.

        :returns: of each that the host still fulfils the digest, the result and the warnings of its work, by name.
        """
        found = {}
        for file in self._of(play):
            work = file.name.partition(".")[0]
            if any(self._begun.glob(f"{work}.*.*")):
                continue
            answer = _compared(file, works(work))
            if answer is not None:
                found[file.name] = answer
        return found

    def forget(self) -> None:
        """Remove all that is kept."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _of(self, play: str) -> list[Path]:
        """List the requests of a play, the newest first."""
        try:
            files = [path for path in (self._folder / play).iterdir() if not path.name.startswith(".")]
        except FileNotFoundError:
            return []
        return sorted(files, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _compared(file: Path, work: Work) -> dict[str, Any] | None:
    """Compare a request with the host; None where it is not fulfilled, or nobody can tell."""
    # Whatever keeps it from being compared is found, and told, by whoever asks for it again.
    with contextlib.suppress(Exception):
        kept = json.loads(file.read_text(encoding="utf-8"))
        answer = work.run(kept["options"], check=True)
        if not answer.result.get("changed") and not answer.result.get("failed"):
            return {"digest": kept["digest"], **asdict(answer)}
    return None


def _started(process: int) -> str:
    """Tell when a process was started, in ticks since the boot; empty if there is none of this number."""
    try:
        # The 22nd field, of which the second may hold spaces and brackets: proc_pid_stat(5).
        return (
            Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
        )
    except OSError:
        return ""


def _runs(name: str) -> bool:
    """Tell whether the process that made a mark is still at work."""
    _work, number, started = name.split(".")
    return started != "" and _started(int(number)) == started
