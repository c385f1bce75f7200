# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which file pins the dependencies of an app, and what uv is asked to do with it.

This module is private to the collection.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils._release_user import WorkError

_PROJECT = "pyproject.toml"
_DEPENDENCIES = "installing the dependencies"
#: A requirement that has one answer, wherever and whenever it is asked for.
_PINNED = re.compile(r"[A-Za-z0-9][\w.-]*(\[[\w., -]*\])? *={2,3} ?[^\s;*,]+ *(;.*)?\Z")
_HASH = re.compile(r"\s--hash[= ]\S+")


@dataclass(frozen=True)
class Step:
    """Something that uv is asked for.

    :param command: Which of its commands.
    :param into: File for what it prints; ``None`` where that is for people.
    """

    doing: str
    command: tuple[str, ...]
    options: tuple[str, ...]
    into: Path | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Give it in words for uv."""
        return (*self.command, *self.options)


@dataclass(frozen=True)
class _Export:
    """How uv has a lock file that it cannot read written as requirements, with their hashes.

    By the tool that made the lock file, which uv fetches for this. The index is the one that the host is told of, never
    one that is written down in the lock.
    """

    lock: str
    #: What has to stand beside it; its own tool would not look at it otherwise.
    beside: str
    packages: tuple[str, ...]
    command: tuple[str, ...]
    #: Whether the tool installs the project as well.
    project: bool

    def options(self, interpreter: Path) -> tuple[str, ...]:
        """Say it in words for ``uv tool run``."""
        first, *others = self.packages
        more = (f"--with={one}" for one in others)
        return ("--quiet", f"--python={interpreter}", f"--from={first}", *more, *self.command)


_EXPORTS = (
    _Export(
        "poetry.lock",
        _PROJECT,
        ("poetry==2.5.1", "poetry-plugin-export==1.10.1"),
        ("poetry", "export", "--format=requirements.txt", "--without-urls", "--no-interaction", "--no-ansi"),
        project=True,
    ),
    _Export(
        "Pipfile.lock",
        "Pipfile",
        ("pipenv==2026.10.3",),
        ("pipenv", "requirements", "--hash", "--exclude-index"),
        project=False,
    ),
)


def dependency_steps(code: Path, source: Path, interpreter: Path, python: Path, exported: Path) -> list[Step]:
    """Tell what installs the dependencies of an app; nothing for an app without any.

    A lock comes first, then requirements.txt, then pyproject.toml or setup.py alone. The lock of a workspace may
    be in a folder above, up to ``source``.

    :param interpreter: The Python of the host that the environment is made for.
    :param python: The one of the environment.
    :param exported: Where requirements go that are made from a lock.
    """
    to, lock = f"--python={python}", _lock(code, source)

    def install(*options: str, doing: str = _DEPENDENCIES) -> Step:
        return Step(doing, ("pip", "install"), (to, *options))

    if lock is None:
        return [install(".")] if _is_installed(code) else []
    if lock.name == "uv.lock":
        # What else is in an environment that is taken over from another release is wanted there.
        return [Step(_DEPENDENCIES, ("sync",), ("--locked", "--inexact", "--no-dev", "--no-editable", to))]
    for one in _EXPORTS:
        if lock.name == one.lock:
            return [
                Step(f"reading {one.lock}", ("tool", "run"), one.options(interpreter), exported),
                install(f"--requirements={exported}"),
                *([install("--no-deps", ".", doing="installing the project")] * _is_packaged(code, one)),
            ]
    return [install(f"--requirements={lock.name}")]


def lock_digest(code: Path, source: Path) -> str | None:
    """Tell one state of the dependencies from another; ``None`` if the same files may mean others tomorrow.

    It looks where :func:`dependency_steps` does, in the same order.
    """
    file = _lock(code, source)
    if file is None:
        return None if _is_installed(code) else ""
    content = file.read_bytes()
    if file.name == "requirements.txt" and not is_pinned(content.decode("utf-8", errors="replace")):
        return None
    return f"{file.name} {hashlib.sha256(content).hexdigest()}"


def is_pinned(requirements: str) -> bool:
    """Whether every line of a requirements file names one version; what is in another file is not looked at."""
    joined = re.sub(r"\\\n", " ", requirements.replace("\r\n", "\n"))
    lines = (re.sub(r"(^|\s)#.*", "", line) for line in joined.split("\n"))
    wanted = (_HASH.sub("", line).strip() for line in lines)
    return all(_PINNED.match(line) for line in wanted if line)


def _lock(code: Path, source: Path) -> Path | None:
    return next((file for file in _candidates(code, source) if file.is_file()), None)


def _candidates(code: Path, source: Path) -> Iterator[Path]:
    if (code / _PROJECT).is_file():
        above = (folder for folder in (code, *code.parents) if folder == source or source in folder.parents)
        yield from (folder / "uv.lock" for folder in above)
    yield code / "pylock.toml"
    yield from (code / one.lock for one in _EXPORTS if (code / one.beside).is_file())
    yield code / "requirements.txt"


def _is_packaged(code: Path, export: _Export) -> bool:
    """Whether a project is itself installed: Poetry does unless it is told that there is no package."""
    poetry = _tables(code).get("tool", {}).get("poetry", {}) if export.project else {}
    return export.project and poetry.get("package-mode", True) is not False


def _is_installed(code: Path) -> bool:
    """Whether there is something to install without a lock; many a pyproject.toml holds settings of tools only."""
    project = (code / _PROJECT).is_file() and not _tables(code).keys().isdisjoint({"project", "build-system"})
    return project or (code / "setup.py").is_file()


def _tables(code: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads((code / _PROJECT).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WorkError(f"{_PROJECT} cannot be read: {error}") from error
