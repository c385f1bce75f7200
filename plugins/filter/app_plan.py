# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What role app has to do for its entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.barehost.web.plugins.plugin_utils._app_plan import PlanError, plan
from ansible_collections.barehost.web.plugins.plugin_utils._entries import select

DOCUMENTATION = r"""
name: app_plan
short_description: What role app has to do for its entries
description:
  - Turns entries of C(app_apps) into the options of the modules that role app calls.
  - The entries are expected to have been checked by M(barehost.web.model).
positional: part
options:
  _input:
    description: Entries of C(app_apps).
    type: list
    elements: dict
    required: true
  part:
    description: Whether to release the apps that are present, to remove those that are absent, or both.
    type: str
    choices: [all, release, remove]
    default: all
author: barehost.web contributors
"""

EXAMPLES = r"""
# What the apps need before their files are published
accounts: "{{ (app_apps | barehost.web.app_plan).accounts }}"
"""

RETURN = r"""
_value:
  description:
    - C(packages) for M(barehost.web.packages), C(accounts) and C(files) for M(barehost.web.publish), C(apps)
      for M(barehost.web.release), and C(entries), the names of all entries.
  type: dict
"""


def app_plan(value: object, part: str = "all") -> dict[str, list[Any]]:
    """Fill in defaults and plan."""
    try:
        return plan(select(value, "app"), part)
    except PlanError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., dict[str, list[Any]]]]:
        """Name the filter."""
        return {"app_plan": app_plan}
