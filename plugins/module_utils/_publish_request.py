# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one publish wants, in typed form. This module is private to the collection."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils._ports import Port, ports_of
from ansible_collections.barehost.web.plugins.module_utils._publish_plan import Item


@dataclass(frozen=True)
class Validation:
    """How a program checks the tree before it goes live."""

    command: tuple[str, ...]
    each: str = ""
    scratch: tuple[str, ...] = ()
    reject: str = ""
    timeout: int = 60

    def commands(self, items: Sequence[Item]) -> list[list[str]]:
        """Give the commands to run: one, or one for each of the files that it is for."""
        if not self.each:
            return [list(self.command)]
        files = [item.path for item in items if item.kind == "file"]
        fitting = (path for path in files if fnmatch(path if "/" in self.each else Path(path).name, self.each))
        return [[*self.command, path] for path in fitting]


@dataclass(frozen=True)
class Request:
    """What one publish wants; the options of the module in typed form."""

    name: str
    items: list[Item]
    tree: Path | None = None
    entries: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    reload: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    validation: Validation | None = None
    validations: tuple[Validation, ...] = ()
    purge: bool = False
    lock_timeout: int = 60

    @property
    def rules(self) -> tuple[Validation, ...]:
        """Give all checks of the tree."""
        return (*((self.validation,) if self.validation else ()), *self.validations)


def _validation(check: Mapping[str, Any]) -> Validation:
    return Validation(
        command=tuple(check["command"]),
        each=check["each"],
        scratch=tuple(check["scratch"]),
        reject=check["reject"],
        timeout=int(check["timeout"]),
    )


def without_contents(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Give a request that is enough to compare the host with: digests in the place of what stands in the files."""
    files = [
        {**file, "content": None, "digest": hashlib.sha256(file["content"].encode()).hexdigest()}
        for file in payload["files"]
    ]
    return {**payload, "files": files}


def request_from(payload: Mapping[str, Any]) -> Request:
    """Build a request from the plain data that the controller sent."""
    items = [
        Item(
            path=file["dest"],
            kind="file",
            content=(file["content"] or "").encode(),
            known=file.get("digest", ""),
            owner=file["owner"],
            group=file["group"],
            mode=int(file["mode"], 8),
            entry=file["entry"],
            template=file["template"],
            secret=file["secret"],
            reload=tuple(file["reload"]),
            restart=tuple(file["restart"]),
            stop=tuple(file["stop"]),
            traces=tuple(file["traces"]),
        )
        for file in payload["files"]
    ]
    items += [
        Item(
            path=link["dest"],
            kind="link",
            target=link["target"],
            mode=0o777,
            entry=link["entry"],
            reload=tuple(link["reload"]),
            restart=tuple(link["restart"]),
            stop=tuple(link["stop"]),
        )
        for link in payload["links"]
    ]
    items += [
        Item(
            path=folder["path"],
            kind="directory",
            owner=folder["owner"],
            group=folder["group"],
            mode=int(folder["mode"], 8),
            entry=folder["entry"],
        )
        for folder in payload["directories"]
    ]
    check = payload["validate"]
    return Request(
        name=payload["set"],
        items=items,
        tree=Path(payload["tree"]) if payload["tree"] else None,
        entries=tuple(payload["entries"]),
        remove=tuple(payload["remove"]),
        reload=tuple(payload["reload"]),
        restart=tuple(payload["restart"]),
        ports=tuple(ports_of(payload["units"])),
        validation=_validation(check) if check else None,
        validations=tuple(_validation(one) for one in payload["validations"]),
        purge=payload["purge"],
        lock_timeout=int(payload["lock_timeout"]),
    )
