# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell the host which code WordPresses want, and send what it asks for; see modules/wordpress_code.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.barehost.web.plugins.modules.wordpress_code import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._sending_action import SendingAction
from ansible_collections.barehost.web.plugins.plugin_utils._source import Content, SourceError, describe
from ansible_collections.barehost.web.plugins.plugin_utils._wordpress import plan


class ActionModule(SendingAction):
    """One call where the host has everything or fetches it; otherwise one transfer and a second call."""

    documentation = DOCUMENTATION
    work = "wordpress_code"
    volatile = ("bundle",)

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Look at the archives of the controller, ask, send."""
        if options["role"]:
            options["installations"] = plan(self.values["wordpress_installations"])["code"]
        options = {"installations": options["installations"]}
        if not options["installations"]:
            return {"changed": False, "changes": [], "idle": self.has_nothing_of("wordpress")}
        contents = self._describe(options["installations"])
        result = self.on_host({**options, "bundle": ""}, variables)
        needed = result.pop("needed", [])
        if needed:
            bundle = self.send({digest: contents[digest] for digest in needed})
            result = self.on_host({**options, "bundle": bundle}, variables)
            result.pop("needed", None)
        return {**result, "idle": False}

    def _describe(self, installations: list[dict[str, Any]]) -> dict[str, Content]:
        """Replace every archive by what the host wants to know of it; give what the controller has, by checksum."""
        contents: dict[str, Content] = {}
        problems = []
        for entry in installations:
            for path, item in _holders(entry):
                try:
                    item["source"], content = describe(item["source"], self.folders())
                except SourceError as error:
                    problems.append(f"- WordPress '{entry['name']}': {path}: {error}")
                    continue
                if content:
                    contents[content.digest] = content
        if problems:
            raise AnsibleActionFail("Nothing was changed:\n" + "\n".join(problems))
        return contents


def _holders(entry: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give all that has a source: the installation itself, its plugins and its themes."""
    if entry["source"]:
        yield "source.archive", entry
    for kind in ("plugins", "themes"):
        yield from ((f"{kind}[{number}].archive", item) for number, item in enumerate(entry[kind]) if item["source"])
