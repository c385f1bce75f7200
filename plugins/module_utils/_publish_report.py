# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one publish did, for people: changes and differences. This module is private to the collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils._publish_plan import Found, Item, Step

_HIDDEN = "(content not shown)\n"


@dataclass
class Outcome:
    """What a publish did, or would do in check mode."""

    changed: bool = False
    files: list[dict[str, Any]] = field(default_factory=list)
    orphans: dict[str, list[str]] = field(default_factory=dict)
    saved: list[str] = field(default_factory=list)
    diff: list[dict[str, str]] = field(default_factory=list)
    validated: bool = False
    notes: list[str] = field(default_factory=list)


def report(step: Step) -> dict[str, Any]:
    return {
        "path": step.item.path,
        "change": step.change,
        "kind": step.item.kind,
        "entry": step.item.entry,
        "edited_elsewhere": step.foreign,
    }


def _text(found: Found | Item | None, *, secret: bool) -> str:
    if found is None:
        return ""
    if found.kind == "link":
        return f"-> {found.target}\n"
    if secret:
        return _HIDDEN
    try:
        return found.content.decode("utf-8")
    except UnicodeDecodeError:
        return "(binary content)\n"


def _attributes(uid: object, gid: object, mode: int) -> str:
    return f"owner {uid}, group {gid}, mode {mode:04o}\n"


def difference(step: Step) -> dict[str, str]:
    path = step.item.path
    if step.change == "attributes" and step.before:
        return {
            "before_header": path,
            "after_header": path,
            "before": _attributes(step.before.uid, step.before.gid, step.before.mode),
            "after": _attributes(step.uid, step.gid, step.item.mode),
        }
    after = None if step.change == "remove" else step.item
    return {
        "before_header": path if step.before else "(absent)",
        "after_header": path if after else "(removed)",
        "before": _text(step.before, secret=step.item.secret),
        "after": _text(after, secret=step.item.secret),
    }


def report_trace(path: str) -> dict[str, Any]:
    return {"path": path, "change": "remove", "kind": "file", "entry": "", "edited_elsewhere": False}


def difference_trace(path: str) -> dict[str, str]:
    return {"before_header": path, "after_header": "(removed)", "before": _HIDDEN, "after": ""}


def orphan_sentence(entry: str, paths: Sequence[str]) -> str:
    """What is left of an entry that nobody mentions, and what can be done about it."""
    return (
        f"'{entry}' is no longer in the model, but its files are still on the host: {', '.join(paths)}. "
        "Give the entry with state: absent, or purge, to remove them."
    )
