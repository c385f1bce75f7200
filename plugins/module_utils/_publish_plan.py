# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a publish has to do: wanted items, what is there, what was published before, and the steps between.

Nothing in here writes. This module is private to the collection.
"""

from __future__ import annotations

import fnmatch
import grp
import hashlib
import os
import pwd
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Kind = Literal["file", "link", "directory"]
Change = Literal["create", "update", "attributes", "remove"]


@dataclass(frozen=True)
class Item:
    """One file, link or folder that is wanted on the host."""

    path: str
    kind: Kind
    content: bytes = b""
    target: str = ""
    owner: str = "root"
    group: str = "root"
    mode: int = 0o644
    entry: str = ""
    template: str = ""
    secret: bool = False
    reload: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    #: Units that are there for this item alone and end with it.
    stop: tuple[str, ...] = ()
    #: Paths of what programs write on account of this item, wildcards in the name only; they go with it.
    traces: tuple[str, ...] = ()
    #: The digest of content that is not at hand: enough to compare, not to publish.
    known: str = ""

    def digest(self) -> str:
        """What tells this item's content from another's: a SHA-256 of a file, the target of a link."""
        return self.known or (hashlib.sha256(self.content).hexdigest() if self.kind == "file" else self.target)

    def record(self) -> dict[str, Any]:
        """What the manifest keeps of the item."""
        return {
            "kind": self.kind,
            "digest": self.digest(),
            "entry": self.entry,
            "secret": self.secret,
            "reload": list(self.reload),
            "restart": list(self.restart),
            "stop": list(self.stop),
            **({"traces": list(self.traces)} if self.traces else {}),
        }


@dataclass(frozen=True)
class Found:
    """What is at a path of the host now."""

    kind: Kind | Literal["other"]
    content: bytes
    target: str
    uid: int
    gid: int
    mode: int

    def digest(self) -> str:
        """Comparable with :meth:`Item.digest`."""
        return hashlib.sha256(self.content).hexdigest() if self.kind == "file" else self.target


@dataclass(frozen=True)
class Step:
    """One change to make."""

    change: Change
    item: Item
    before: Found | None
    #: The content at the path is not what was published there: somebody edited or made it.
    foreign: bool = False
    uid: int = 0
    gid: int = 0


@dataclass
class Plan:
    """All that a publish would do; ``problems`` are reasons to do nothing at all."""

    steps: list[Step] = field(default_factory=list)
    orphans: dict[str, list[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    #: Paths of no entry that stay because something of an orphan does.
    kept: set[str] = field(default_factory=set)
    #: Paths that another set publishes by now.
    ceded: set[str] = field(default_factory=set)
    #: What programs wrote on account of what is no longer there, such as their logs.
    traces: list[str] = field(default_factory=list)


def look(path: str) -> Found | None:
    """What is at ``path``, not following a link; ``None`` where nothing is."""
    try:
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    mode = stat.S_IMODE(info.st_mode)
    if stat.S_ISREG(info.st_mode):
        return Found("file", Path(path).read_bytes(), "", info.st_uid, info.st_gid, mode)
    if stat.S_ISLNK(info.st_mode):
        return Found("link", b"", str(Path(path).readlink()), info.st_uid, info.st_gid, mode)
    kind: Literal["directory", "other"] = "directory" if stat.S_ISDIR(info.st_mode) else "other"
    return Found(kind, b"", "", info.st_uid, info.st_gid, mode)


class Accounts:
    """Numbers of the host's users and groups, each looked up once."""

    def __init__(self, *, lenient: bool) -> None:
        self._lenient = lenient
        self._known: dict[tuple[str, str], int] = {}

    def number(self, kind: Literal["user", "group"], name: str) -> int:
        """The number of ``name``; raises ``KeyError`` for an unknown one, or answers -1 when lenient."""
        if (kind, name) not in self._known:
            try:
                found = pwd.getpwnam(name).pw_uid if kind == "user" else grp.getgrnam(name).gr_gid
            except KeyError:
                if not self._lenient:
                    raise
                found = -1
            self._known[kind, name] = found
        return self._known[kind, name]


def _named(item: Item) -> str:
    return f"{item.path} (entry '{item.entry}')" if item.entry else item.path


def _obstacle(item: Item, found: Found | None, ours: Mapping[str, Any] | None) -> str | None:
    """Why ``item`` must not be put where ``found`` is; ``None`` where it may."""
    names = {"file": "a file", "link": "a symbolic link", "directory": "a folder", "other": "a device, pipe or socket"}
    if found is None or found.kind == item.kind:
        return None
    published = ours is not None and ours["kind"] == found.kind
    if published and {found.kind, item.kind} == {"file", "link"}:
        return None
    what = f"{names[found.kind]} to {found.target}" if found.kind == "link" else names[found.kind]
    return (
        f"{_named(item)}: {names[item.kind]} is to be published here, but there is {what} "
        "that this set did not publish. Move it away, or give the entry another name, and run again."
    )


def _wanted_step(item: Item, ours: Mapping[str, Any] | None, accounts: Accounts) -> Step | None:
    found = look(item.path)
    obstacle = _obstacle(item, found, ours)
    if obstacle:
        raise ValueError(obstacle)
    try:
        uid, gid = accounts.number("user", item.owner), accounts.number("group", item.group)
    except KeyError as error:
        raise ValueError(
            f"{_named(item)}: owner {item.owner}:{item.group} is wanted, but this host has no {error.args[0]}. "
            "Create the account first."
        ) from error
    if found is None:
        return Step("create", item, None, uid=uid, gid=gid)
    if found.kind != item.kind or found.digest() != item.digest():
        foreign = ours is None or ours["digest"] != found.digest()
        return Step("update", item, found, foreign=foreign, uid=uid, gid=gid)
    if item.kind != "link" and (found.uid, found.gid, found.mode) != (uid, gid, item.mode):
        return Step("attributes", item, found, uid=uid, gid=gid)
    return None


def folders_above(paths: Iterable[str]) -> dict[str, str]:
    """Every folder on the way to the paths, outer ones first, with the first path that is below it."""
    # A set has many files in few folders.
    direct: dict[str, str] = {}
    for path in paths:
        direct.setdefault(path.rpartition("/")[0] or "/", path)
    found: dict[str, str] = {}
    for folder, path in direct.items():
        for parent in (*reversed(Path(folder).parents), folder):
            found.setdefault(str(parent), path)
    return found


def _parents(items: Iterable[Item]) -> list[Item]:
    """The folders that must exist for ``items`` and do not yet, outermost first."""
    given = {item.path: item for item in items}
    return [
        Item(folder, "directory", mode=0o755, entry=given[path].entry)
        for folder, path in folders_above(given).items()
        if not (folder in given and given[folder].kind == "directory") and not os.path.lexists(folder)
    ]


def _stale(manifest: Mapping[str, Any], wanted: set[str]) -> dict[str, Mapping[str, Any]]:
    return {path: record for path, record in manifest.items() if path not in wanted}


def _remove_step(path: str, record: Mapping[str, Any]) -> Step | None:
    found = look(path)
    if found is None or found.kind != record["kind"]:
        return None
    if found.kind == "directory" and any(os.scandir(path)):
        return None
    item = Item(
        path,
        record["kind"],
        entry=record["entry"],
        secret=record["secret"],
        reload=tuple(record["reload"]),
        restart=tuple(record["restart"]),
        stop=tuple(record.get("stop", ())),
    )
    return Step("remove", item, found, foreign=found.digest() != record["digest"])


def _sort_stale(
    plan: Plan, stale: Mapping[str, Any], entries: set[str], others: set[str], *, purge: bool
) -> dict[str, Any]:
    """Find what is no longer wanted and can go; note in the plan what stays, and why."""
    for path, record in stale.items():
        if path in others:
            plan.ceded.add(path)
        elif record["entry"] and record["entry"] not in entries and not purge:
            plan.orphans.setdefault(record["entry"], []).append(path)
    if plan.orphans:
        # What belongs to no entry, such as the unit of all apps, may be needed by those that stay.
        plan.kept.update(path for path, record in stale.items() if not record["entry"] and path not in plan.ceded)
    staying = {*plan.ceded, *plan.kept, *(path for paths in plan.orphans.values() for path in paths)}
    return {path: record for path, record in stale.items() if path not in staying}


def _removals(stale: Mapping[str, Any], wanted: set[str], patterns: Iterable[str]) -> list[Step]:
    steps: list[Step] = []
    gone: set[str] = set()
    # Deepest first, so that a folder is seen empty after its files: emptiness is judged again at commit.
    for path, record in sorted(stale.items(), reverse=True):
        if record["kind"] == "directory" and _empties(path, gone):
            gone.add(path)
            steps.append(Step("remove", _folder(path, record), look(path)))
        elif record["kind"] != "directory" and (step := _remove_step(path, record)):
            gone.add(path)
            steps.append(step)
    for pattern in patterns:
        for path in _matches(pattern):
            found = look(path)
            if path not in wanted and path not in gone and found and found.kind in {"file", "link"}:
                gone.add(path)
                kind: Kind = "file" if found.kind == "file" else "link"
                steps.append(Step("remove", Item(path, kind, secret=True), found))
    return steps


def _traces(records: Iterable[Mapping[str, Any]], wanted: set[str]) -> list[str]:
    found = (path for record in records for pattern in record.get("traces", ()) for path in _matches(pattern))
    return sorted({path for path in found if path not in wanted and not Path(path).is_dir()})


def _matches(pattern: str) -> list[str]:
    """Paths in one folder whose names fit; dangling links are names like others."""
    folder, name = os.path.split(pattern)
    try:
        return sorted(entry.path for entry in os.scandir(folder) if fnmatch.fnmatchcase(entry.name, name))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _folder(path: str, record: Mapping[str, Any]) -> Item:
    return Item(path, "directory", entry=record["entry"])


def _empties(path: str, gone: set[str]) -> bool:
    try:
        return all(entry.path in gone for entry in os.scandir(path))
    except (FileNotFoundError, NotADirectoryError):
        return False


def make_plan(
    items: list[Item],
    manifest: Mapping[str, Any],
    *,
    entries: Iterable[str] = (),
    patterns: Iterable[str] = (),
    others: Iterable[str] = (),
    purge: bool = False,
    lenient: bool = False,
) -> Plan:
    """Compare what is wanted with what is there.

    :param items: all that is wanted, in any order.
    :param manifest: path to record of what this set published before.
    :param entries: model entries this run speaks about besides those of ``items``; stale files of others are orphans.
    :param patterns: absolute paths of other files to remove; wildcards in the name only.
    :param others: paths that other sets publish: they are not removed when this set no longer wants them.
    :param purge: also remove what belongs to entries that are not mentioned any more.
    :param lenient: unknown owners are no problem (check mode: they would have been created by now).
    """
    plan = Plan()
    accounts = Accounts(lenient=lenient)
    wanted = {item.path for item in items}
    for item in [*_parents(items), *items]:
        try:
            step = _wanted_step(item, manifest.get(item.path), accounts)
        except ValueError as problem:
            plan.problems.append(str(problem))
        else:
            if step:
                plan.steps.append(step)
    # A folder that was made on the way to an item stays as long as something in it is wanted.
    needed = wanted | folders_above(wanted).keys()
    spoken = {*entries, *(item.entry for item in items)}
    stale = _sort_stale(plan, _stale(manifest, needed), spoken, {*others}, purge=purge)
    plan.steps.extend(_removals(stale, needed, patterns))
    plan.traces = _traces(stale.values(), needed)
    return plan


def next_manifest(items: list[Item], manifest: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    """The manifest after ``plan``: what is wanted, the folders made for it, and what stays although it is not."""
    after = {item.path: item.record() for item in items}
    kept = {*plan.kept, *(path for paths in plan.orphans.values() for path in paths)}
    made = {step.item.path: step.item.record() for step in plan.steps if step.change == "create"}
    removed = {*plan.ceded, *(step.item.path for step in plan.steps if step.change == "remove")}
    needed = folders_above([*after, *kept])
    folders = {
        path: record
        for path, record in {**manifest, **made}.items()
        if record["kind"] == "directory" and path not in removed and (path in needed or os.path.lexists(path))
    }
    staying = {**{path: manifest[path] for path in kept}, **after}
    for path in needed.keys() & folders.keys():
        # What it was made for may have gone: it belongs to what needs it now.
        folders[path] = {**folders[path], "entry": staying[needed[path]]["entry"]}
    return {**folders, **staying}
