# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One publish from beginning to end: lock, compare, stage, validate, commit, remember.

This module is private to the collection.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils import _accounts, _marks, _units, _validate
from ansible_collections.barehost.web.plugins.module_utils._host import Answer, HostError
from ansible_collections.barehost.web.plugins.module_utils._lock import lock, units_lock
from ansible_collections.barehost.web.plugins.module_utils._manifests import read_manifest, remember
from ansible_collections.barehost.web.plugins.module_utils._ports import judge
from ansible_collections.barehost.web.plugins.module_utils._publish_commit import Commit, remove_empty
from ansible_collections.barehost.web.plugins.module_utils._publish_plan import (
    Step,
    folders_above,
    make_plan,
    next_manifest,
)
from ansible_collections.barehost.web.plugins.module_utils._publish_report import (
    Outcome,
    difference,
    difference_trace,
    orphan_sentence,
    report,
    report_trace,
)
from ansible_collections.barehost.web.plugins.module_utils._publish_request import (
    Request,
    Validation,
    request_from,
    without_contents,
)
from ansible_collections.barehost.web.plugins.module_utils._workers import enabled

_UNITS = Path("/etc/systemd/system")


class PublishError(HostError):
    """Nothing was changed, and why."""


def publish(request: Request, *, check: bool = False, state: Path = _marks.STATE) -> Outcome:
    """Bring the host to what ``request`` wants.

    :param check: change nothing that lasts, but tell what would change and let the program judge it if it is there.
    :param state: the folder the collection keeps its memory in.
    :raises PublishError: nothing was changed; the message says why and what to do.
    :raises LockedError: another run publishes this set and does not come to an end.
    """
    memory = state / "published"
    if check:
        return _publish(request, memory, check=True, state=state)
    with lock(memory / f"{request.name}.lock", request.lock_timeout):
        return _publish(request, memory, check=False, state=state)


def _publish(request: Request, memory: Path, *, check: bool, state: Path) -> Outcome:
    manifest_path = memory / f"{request.name}.json"
    manifest = read_manifest(manifest_path)
    plan = make_plan(
        request.items,
        manifest,
        entries=request.entries,
        patterns=request.remove,
        others=_of_others(memory, manifest_path),
        purge=request.purge,
        lenient=check,
    )
    plan.problems += _detours(request)
    if plan.problems:
        raise PublishError("Nothing was changed:\n" + "\n".join(f"- {problem}" for problem in plan.problems))
    outcome = Outcome(changed=bool(plan.steps or plan.traces), orphans=plan.orphans)
    outcome.files = [*map(report, plan.steps), *map(report_trace, plan.traces)]
    outcome.diff = [difference(step) for step in plan.steps if step.item.kind != "directory"]
    outcome.diff += map(difference_trace, plan.traces)
    commit = Commit(plan.steps, request.tree, [*manifest, *(item.path for item in request.items)])
    after = next_manifest(request.items, manifest, plan)
    if not plan.steps:
        if not check:
            commit.clean()
            outcome.notes += _remove_traces(plan.traces)
            remember(manifest_path, manifest, after)
        return outcome
    request = _with_ports(request)
    _stage_and_validate(request, commit, outcome, check=check)
    if check:
        commit.abandon()
        return outcome
    with units_lock(state), _undone(commit, "putting the new files in place"):
        outcome.saved = _save_foreign(plan.steps, state / "saved" / request.name)
        _mark(request, plan.steps, state)
        # Until the commit is over the set owns the old and the new paths: a killed run forgets neither.
        both = {**manifest, **after}
        remember(manifest_path, manifest, both)
        commit.put()
    outcome.notes += _remove_traces(plan.traces)
    remember(manifest_path, both, after)
    return outcome


def _remove_traces(paths: Sequence[str]) -> list[str]:
    """Remove what nobody writes to any more; tell what would not go, which is no failure: the publish is over."""
    notes = []
    for path in paths:
        try:
            Path(path).unlink(missing_ok=True)
        except OSError as error:
            reason = f"cannot be removed: {error.strerror}"
            notes.append(f"{path} belongs to nothing any more, but {reason}. Remove it yourself.")
    return notes


def _detours(request: Request) -> list[str]:
    """Folders of the tree that are links: what is staged below them would not stay in the staged tree."""
    if not request.tree:
        return []
    above = map(Path, folders_above(item.path for item in request.items))
    inside = {folder for folder in above if request.tree in folder.parents}
    return [
        f"{folder}: is a symbolic link to {folder.readlink()}, but {request.tree} is published as a whole. "
        "Make it a real folder and run again."
        for folder in sorted({request.tree, *inside})
        if folder.is_symlink()
    ]


def _with_ports(request: Request) -> Request:
    """See that the units can open their ports; one that has to let go of another first is restarted."""
    verdict = judge(request.ports)
    if verdict.problems:
        raise PublishError("Nothing was changed:\n" + "\n".join(f"- {problem}" for problem in verdict.problems))
    return dataclasses.replace(request, restart=(*request.restart, *verdict.restart))


def _stage_and_validate(request: Request, commit: Commit, outcome: Outcome, *, check: bool) -> None:
    work = [(rules, command) for rules in request.rules for command in rules.commands(request.items)]
    programs = {command[0]: _validate.find_program(command) for _rules, command in work}
    for name in [name for name, program in programs.items() if not program]:
        message = f"{name}, which has to check the files of '{request.name}', is not installed on this host"
        if not check:
            raise PublishError(f"Nothing was changed: {message}. Install it first, or name another command.")
        outcome.notes.append(f"{message} yet: the new files were compared, but not validated.")
    if check and not any(programs.values()):
        return
    if work and not request.tree:
        _judge_words(request, work)
        outcome.validated = all(programs.values())
    with _undone(commit, "writing the new files"):
        commit.stage()
    if work and commit.staged_tree:
        waits = ""
        for rules, command in work:
            program = programs[command[0]]
            if program and not waits:
                waits = _judge(request, rules, [program, *command[1:]], commit, outcome.orphans, check=check)
        if waits:
            outcome.notes.append(f"{waits} is not there yet: the new files were compared, but not validated.")
        outcome.validated = all(programs.values()) and not waits


def _judge_words(request: Request, work: Sequence[tuple[Validation, Sequence[str]]]) -> None:
    """Have programs judge what stands in their own commands, before anything is written."""
    for rules, command in work:
        if not _validate.find_program(command):
            # Said already; this is check mode.
            continue
        accepted, output = _validate.asked(command, command, rules.timeout)
        complaint = _validate.rejected_line(output, rules.reject)
        if not accepted or complaint:
            shown = " ".join(command[:2])
            sources = _validate.quoting(complaint or output, request.items)
            about = ["It is about:", *sources] if sources else []
            message = [f"Nothing was changed: {shown} rejects what is to be published.", complaint or output, *about]
            raise PublishError("\n".join(message))


def _judge(
    request: Request,
    rules: Validation,
    command: Sequence[str],
    commit: Commit,
    orphans: Mapping[str, Sequence[str]],
    *,
    check: bool,
) -> str:
    """Have the program check the staged tree; take everything back if it refuses.

    :returns: the file that it misses because an earlier task of the same run would have made it, in check mode.
    """
    live, staged = request.tree, commit.staged_tree
    if live is None or staged is None:
        return ""
    fresh = not live.exists()
    try:
        if fresh:
            # The staged tree is shown to the program at the path of the live one, so there must be one.
            live.mkdir(mode=0o755)
        accepted, output = _validate.validate(command, live, staged, scratch=rules.scratch, timeout=rules.timeout)
    finally:
        if fresh:
            live.rmdir()
    complaint = _validate.rejected_line(output, rules.reject)
    if accepted and not complaint:
        return ""
    if check and (waits := _validate.foreseen(output)):
        return waits
    commit.abandon()
    shown = " ".join([rules.command[0], *command[1:]])
    message = [f"Nothing was changed: {shown} rejects the new files.", complaint or output]
    sources = _validate.blame(complaint or output, request.items)
    if not sources and rules.each:
        # A program that has been given one file need not name it.
        sources = _validate.blame(command[-1], request.items)
    if sources:
        message += ["It is about:", *sources]
    else:
        message.append(f"It names no published file: look at what else is in {live}.")
    message += [orphan_sentence(entry, paths) for entry, paths in orphans.items()]
    raise PublishError("\n".join(message))


@contextlib.contextmanager
def _undone(commit: Commit, doing: str) -> Iterator[None]:
    """Take everything back when the disk refuses."""
    try:
        yield
    except OSError as error:
        with contextlib.suppress(OSError):
            commit.abandon()
        way_out = {
            errno.ENOSPC: "Free some space and run again.",
            errno.EDQUOT: "Raise the quota and run again.",
            errno.EROFS: "The file system is mounted read-only: make it writable and run again.",
        }
        where = f" ({error.filename})" if error.filename else ""
        hint = way_out.get(error.errno or 0, "Repair this and run again.")
        raise PublishError(f"Nothing was changed: {doing} failed: {error.strerror}{where}. {hint}") from error


def _of_others(memory: Path, own: Path) -> set[str]:
    """Paths that other sets publish."""
    return {path for file in memory.glob("*.json") if file != own for path in read_manifest(file)}


def _mark(request: Request, steps: Sequence[Step], state: Path) -> None:
    if any(_UNITS in Path(step.item.path).parents for step in steps):
        _marks.mark(_marks.SYSTEMD, "reload", state)
    for unit in {*request.reload, *(unit for step in steps for unit in step.item.reload)}:
        _marks.mark(unit, "reload", state)
    for name in {*request.restart, *(unit for step in steps for unit in step.item.restart)}:
        for unit in enabled(name):
            _marks.mark(unit, "restart", state)
    for unit in {unit for step in steps if step.change == "remove" for unit in step.item.stop}:
        _marks.mark(unit, "stop", state)


def _save_foreign(steps: Sequence[Step], folder: Path) -> list[str]:
    """Keep what somebody else wrote where the set now writes or removes: an edit is never lost."""
    saved = []
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    for step in steps:
        if step.foreign and step.before and step.before.kind == "file":
            copy = folder / f"{step.item.path.strip('/')}.{stamp}"
            _marks.private_folder(copy.parent)
            copy.touch(mode=0o600)
            copy.write_bytes(step.before.content)
            saved.append(str(copy))
    return saved


def run(options: Mapping[str, Any], *, check: bool) -> Answer:
    """Do the work of barehost.web.publish, and that of barehost.web.units where it is asked for as well."""
    made = (
        _accounts.run(options["accounts"], check=check).result
        if options["accounts"]
        else {"changed": False, "changes": []}
    )
    outcome = publish(request_from(options), check=check)
    result = dataclasses.asdict(outcome)
    warnings = [*result.pop("notes"), *(orphan_sentence(entry, paths) for entry, paths in outcome.orphans.items())]
    # Where no unit is wanted any more, that of the last entry may still run.
    needed = options["units"] or any(_marks.units_to_stop())
    told = _units.run(options, check=check).result if needed else {"changed": False, "actions": []}
    if not check:
        # systemd makes the folders of a service anew to stop it.
        for file in outcome.files:
            if file["kind"] == "directory" and file["change"] == "remove":
                remove_empty(Path(file["path"]))
    result["changed"] = outcome.changed or told["changed"] or made["changed"]
    result["actions"] = told["actions"]
    result["accounts"] = made["changes"]
    result["diff"] = [*([made["diff"]] if made["changed"] else []), *result["diff"]]
    result["diff"] += [told["diff"]] if told["changed"] else []
    return Answer(result, warnings)


kept = without_contents
