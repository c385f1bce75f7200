# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which apps a deploy or a rollback is about, and in which version. Private to the collection."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault, Problem, hint, show
from ansible_collections.barehost.web.plugins.plugin_utils._values import version as version_fault

ALL = "all"
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+(?:\[[A-Za-z0-9._,-]+\])?)\s*(?:[=<>!~].*)?")


def chosen(
    apps: Sequence[Mapping[str, Any]], names: str, version: str = "", *, returns: bool = False
) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Give the apps that are meant, in the version that is meant, and what is wrong with the words.

    :param names: names with commas between them, or ``all``.
    :param version: what to release instead of an entry's own version; empty for that.
    :param returns: whether an older release is to be live again, which is a matter of one app.
    """
    present = {str(app["name"]): dict(app) for app in apps if app["state"] == "present"}
    words, problems = named(names, present, "app")
    if len(words) != 1 and (version or returns):
        what = "version" if version else "app"
        problems.append(Problem(what, f"this is for one app, {len(words)} are meant", "name it: -e app=NAME"))
    if problems:
        return [], problems
    found = [present[word] for word in words]
    if version:
        source, fault = in_version(found[0]["source"], version)
        if fault:
            return [], [fault.at("version")]
        found[0]["source"] = source
    return found, []


def named(names: str, present: Collection[str], kind: str) -> tuple[list[str], list[Problem]]:
    """Read names of entries of one kind, with commas between them or ``all``, and say which there are not."""
    words = list(dict.fromkeys(word.strip() for word in names.split(",") if word.strip()))
    if words == [ALL] and ALL not in present:
        words = list(present)
    problems = [
        Problem(kind, f"no {kind} named {show(word)} in web_{kind}s", hint(word, present))
        for word in words
        if word not in present
    ]
    if not words:
        problems.append(Problem(kind, f"names no {kind}", hint("", present)))
    return words, problems


def in_version(source: Mapping[str, Any], version: str) -> tuple[dict[str, Any], Fault | None]:
    """Give a source with another version."""
    if source.get("git"):
        return {**source, "version": version}, version_fault(version)
    if source.get("package"):
        name = _REQUIREMENT.fullmatch(source["package"])
        if name and re.fullmatch(r"[A-Za-z0-9.!+_-]+", version):
            return {**source, "package": f"{name[1]}=={version}"}, None
        return {}, Fault(f"{show(version)} is no version of {show(source['package'])}", "write one such as '1.4.2'")
    kind = "archive" if source.get("archive") else "path"
    return {}, Fault(
        f"the source is a {kind}, which has no versions", "change it in web_apps, or deploy without version"
    )


def told(result: Mapping[str, Any]) -> list[str]:
    """Say in one line for each app what became of it."""
    lines = []
    for app in result.get("apps", ()):
        release, previous = app["release"] or "a new release", app["previous"]
        what = "stays live" if app["change"] in {"unchanged", "repaired"} else "is live"
        before = f", before it {previous}" if previous and previous != release else ""
        lines.append(f"{app['name']}: {release} {what}{before} ({app['version']})")
    return lines


def listing(releases: Sequence[Mapping[str, Any]]) -> list[str]:
    """Show releases as a table: id, state, time, who, version, and what is to be known for a rollback."""
    rows = [
        (
            str(one["app"]),
            str(one["release"]),
            str(one["state"]),
            str(one["created"]),
            str(one["by"] or "-"),
            str(one["version"])[:19],
            "irreversible" if one["irreversible"] else "older than an irreversible one" if one["barred"] else "",
        )
        for one in releases
    ]
    widths = [max(map(len, column), default=0) for column in zip(*rows, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
