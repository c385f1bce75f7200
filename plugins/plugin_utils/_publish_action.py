# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Render a set of files on the controller and hand it to the host in one call. Private to the collection."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible_collections.barehost.web.plugins.modules.accounts import DOCUMENTATION as ACCOUNTS
from ansible_collections.barehost.web.plugins.modules.publish import DOCUMENTATION
from ansible_collections.barehost.web.plugins.modules.units import DOCUMENTATION as UNITS
from ansible_collections.barehost.web.plugins.plugin_utils._host_action import HostAction
from ansible_collections.barehost.web.plugins.plugin_utils._options import checked_options
from ansible_collections.barehost.web.plugins.plugin_utils._plans import PLANS
from ansible_collections.barehost.web.plugins.plugin_utils._render import Job, Renderer
from ansible_collections.barehost.web.plugins.plugin_utils._role import typed
from ansible_collections.barehost.web.plugins.plugin_utils._sources import COLLECTION, read_file, search_folders

_SET = re.compile(r"[A-Za-z0-9_-]+\Z")
_PARTS = ("files", "links", "directories", "entries", "remove", "units")
_MODE = re.compile(r"[0-7]{3,4}\Z")


def _path_problems(options: dict[str, Any]) -> list[str]:
    """Paths and modes that cannot be meant, and paths that are given twice."""
    problems: list[str] = []
    if not _SET.match(options["set"]):
        problems.append(f"set: '{options['set']}' may hold letters, digits, '-' and '_' only")
    seen: dict[str, str] = {}
    for kind, key in (("files", "dest"), ("links", "dest"), ("directories", "path")):
        for position, item in enumerate(options[kind]):
            where, path = f"{kind}[{position}]", item[key]
            if not path.startswith("/") or "\0" in path or str(Path(path)) != path or ".." in Path(path).parts:
                problems.append(f"{where}.{key}: '{path}' is not a plain absolute path")
            if path in seen:
                problems.append(f"{where}.{key}: '{path}' is already given by {seen[path]}")
            seen[path] = where
            if not _MODE.match(item.get("mode", "0644")):
                problems.append(f"{where}.mode: '{item['mode']}' is not an octal mode such as '0644'")
    for position, file in enumerate(options["files"]):
        if [bool(file["template"]), bool(file["file"]), file["content"] is not None].count(True) != 1:
            problems.append(f"files[{position}]: give exactly one of template, file and content ({file['dest']})")
    return problems


def has_content(options: Mapping[str, Any]) -> bool:
    return any(options[kind] for kind in ("files", "links", "directories", "units", "accounts"))


def placed(given: Mapping[str, Any]) -> dict[str, Any]:
    """Put the parts of a publish in their places."""
    given = dict(given)
    parts = given.pop("parts", None) or {}
    if isinstance(parts, str):
        parts = json.loads(parts)
    unknown = set(parts) - set(_PARTS) if isinstance(parts, Mapping) else {str(parts)}
    if unknown:
        raise AnsibleActionFail(f"parts: holds {', '.join(sorted(unknown))}; it may hold {', '.join(_PARTS)}")
    return {**given, **{part: [*(given.get(part) or []), *content] for part, content in parts.items()}}


def joined(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Give the result of two calls that a task has made, one after the other."""
    result = {**first, **second, "changed": first["changed"] or second.get("changed", False)}
    for key in ("diff", "warnings"):
        both = [*_listed(first.get(key)), *_listed(second.get(key))]
        result.update({key: both} if both else {})
    return result


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


class PublishAction(HostAction):
    """Everything that can be found wrong without the host is found before the host is asked."""

    def publish_role(self, role: str, variables: dict[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
        """Install and publish what a role wants.

        :param facts: what earlier tasks have heard of the host.
        """
        plan, values = PLANS[role], typed(role, self.values)
        for note in plan.notes(values):
            self._display.display(note)
        packages = plan.packages(values)
        made: dict[str, Any] = {"changed": False}
        if packages.names:
            made = self.install({"names": list(packages.names), "reasons": dict(packages.reasons)}, variables, role)
            if made.get("failed"):
                return made
        wanted = plan.publish(values, {**facts, **made})
        installed = made.get("installed", [])
        if wanted is None:
            return {**made, "installed": installed, "idle": not packages.names}
        result = self.publish(checked_options(DOCUMENTATION, placed(wanted)), variables)
        if users := plan.leaving(values, result):
            accounts = checked_options(ACCOUNTS, {"users": users})
            result = joined(result, self.on_host(accounts, variables, work="accounts", subject=role))
        return {**joined(made, result), "installed": installed, "idle": False}

    def publish(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Check the paths, render, send."""
        problems = _path_problems(options)
        if problems:
            raise AnsibleActionFail("Nothing was changed:\n" + "\n".join(f"- {problem}" for problem in problems))
        if options["accounts"]:
            wanted = checked_options(ACCOUNTS, options["accounts"])
            options["accounts"] = wanted if any(wanted.values()) else {}
        if not has_content(options) and self.has_nothing_of(options["set"]):
            return {"changed": False, "files": [], "orphans": {}, "accounts": [], "actions": []}
        if options["units"]:
            options["units"] = checked_options(UNITS, {"units": options["units"]})["units"]
        self._read(options["files"])
        self._render(options["files"], variables)
        given = {key: value for key, value in options.items() if key not in {"role", "facts"}}
        return self.on_host(given, variables, work="publish", subject=options["set"])

    def _read(self, files: list[dict[str, Any]]) -> None:
        """Replace ``file`` of every file by its ``content``."""
        folders = search_folders(self._loader.get_basedir(), constants.config.get_config_value("CONFIG_FILE"))
        for file in files:
            name = file.pop("file")
            try:
                file["content"] = read_file(name, folders) if name else file["content"]
            except (OSError, ValueError) as error:
                raise AnsibleActionFail(f"Nothing was changed: file '{name}' cannot be read: {error}") from error

    def _render(self, files: list[dict[str, Any]], variables: dict[str, Any]) -> None:
        """Replace ``template`` and ``vars`` of every file by its ``content``."""
        waiting = [file for file in files if file["template"]]
        jobs = [
            Job(
                file["template"],
                file["vars"],
                f"entry '{file['entry']}': {file['dest']}" if file["entry"] else file["dest"],
            )
            for file in waiting
        ]
        texts = Renderer(self._templar, variables, lambda name: self._find(name, variables)).render(jobs)
        for file, text in zip(waiting, texts, strict=True):
            file["content"] = text
        for file in files:
            del file["vars"]

    def _find(self, template: str, variables: dict[str, Any]) -> tuple[str, list[str]]:
        own = str(COLLECTION)
        try:
            path = self._loader.path_dwim_relative_stack([*self._task.get_search_path(), own], "templates", template)
        except AnsibleError as error:
            raise AnsibleActionFail(f"template '{template}' is not found: {error}") from error
        folders = [*variables.get("ansible_search_path", []), self._loader.get_basedir(), str(Path(path).parent), own]
        search = [found for folder in folders for found in (str(Path(folder) / "templates"), folder)]
        # Includes are looked up by name relative to these folders; the template itself is named the same way.
        return Path(path).name, [str(Path(path).parent), *search]
