# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Render many files from few templates: one call of Ansible's template engine per template, not per file.

This module is private to the collection.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ansible.template
from ansible.errors import AnsibleActionFail, AnsibleError

# ansible-core 2.18 has no such mark: it trusts every text that a plugin hands it.
_trust: Callable[[str], str] = getattr(ansible.template, "trust_as_template", str)

#: The first line of every file, unless the user has set the variable of this name.
_MANAGED = "Ansible managed: written by barehost.web, the next run replaces what is changed here"
_SHOWN = 10

_VARIABLE = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")


@dataclass(frozen=True)
class Job:
    """One file to render."""

    template: str
    variables: Mapping[str, Any]
    #: What a message calls the file.
    label: str


class _Data(dict[str, Any]):
    """A mapping whose values are what they are.

    Ansible looks for templates in every value of a ``dict``, each time a template reads it, which takes longer than to
    render. It hands out a mapping of another type as it is.
    """


def _data(value: object) -> object:
    """The same value, made of mappings that Ansible does not look into."""
    if isinstance(value, Mapping):
        return _Data({key: _data(item) for key, item in value.items()})
    if isinstance(value, list):
        return [_data(item) for item in value]
    return value


class Renderer:
    """Renders the templates of a task as M(ansible.builtin.template) does.

    :param templar: the task's template engine.
    :param variables: the task's variables.
    :param find: finds a template by name; returns its path and the folders its includes are looked up in.
    """

    def __init__(
        self,
        templar: ansible.template.Templar,
        variables: Mapping[str, Any],
        find: Callable[[str], tuple[str, list[str]]],
    ) -> None:
        self._templar = templar
        self._variables = variables
        self._find = find

    def render(self, jobs: Sequence[Job]) -> list[str]:
        """The text of every job, in order.

        :raises AnsibleActionFail: naming every file that cannot be rendered, its template and the reason.
        """
        groups: dict[tuple[str, tuple[str, ...]], list[int]] = {}
        for position, job in enumerate(jobs):
            groups.setdefault((job.template, tuple(sorted(job.variables))), []).append(position)
        texts = [""] * len(jobs)
        problems: list[str] = []
        for (template, names), positions in groups.items():
            group = [jobs[position] for position in positions]
            try:
                rendered = self._together(template, names, group)
            except AnsibleError:
                rendered, failed = self._one_by_one(template, names, group)
                problems += failed
            for position, text in zip(positions, rendered, strict=True):
                texts[position] = text
        if problems:
            more = [f"- and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
            shown = [f"- {text}" for text in problems[:_SHOWN]]
            raise AnsibleActionFail("\n".join(["Nothing was changed: templates failed.", *shown, *more]))
        return texts

    def _one_by_one(self, template: str, names: tuple[str, ...], jobs: Sequence[Job]) -> tuple[list[str], list[str]]:
        rendered, problems = [], []
        for job in jobs:
            try:
                rendered += self._together(template, names, [job])
            except AnsibleError as error:
                rendered.append("")
                problems.append(f"{job.label}, template {template}: {error}")
        return rendered, problems

    def _together(self, template: str, names: tuple[str, ...], jobs: Sequence[Job]) -> list[str]:
        for name in names:
            if not _VARIABLE.match(name):
                raise AnsibleActionFail(f"{jobs[0].label}: '{name}' is not a name of a variable")
        path, search = self._find(template)
        # A random separator cannot occur in what a template writes.
        cut = f"\x1e{secrets.token_hex(16)}\x1e"
        bindings = ", ".join(f"{name}=barehost_job.{name}" for name in names)
        text = (
            "{% for barehost_job in barehost_jobs %}"
            f"{{% with {bindings} %}}{{% include barehost_template %}}{{% endwith %}}"
            "{{ barehost_cut }}{% endfor %}"
        )
        templar = self._templar.copy_with_new_env(
            searchpath=search,
            available_variables={
                "ansible_managed": _MANAGED,
                **self._variables,
                "barehost_jobs": [_data(job.variables) for job in jobs],
                "barehost_template": path,
                "barehost_cut": cut,
            },
        )
        rendered = templar.template(
            _trust(text),
            escape_backslashes=False,
            overrides={"trim_blocks": True, "keep_trailing_newline": True},
        )
        return str(rendered).split(cut)[:-1]
