# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What role wordpress does for its installations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._wordpress import plan

DOCUMENTATION = r"""
name: wordpress
short_description: What role wordpress does for its installations
description:
  - Turns the entries of C(wordpress_installations) into what the tasks of role P(barehost.web.wordpress#role) take.
  - The entries are expected to have been checked by M(barehost.web.model).
author: barehost.web contributors
options:
  _input:
    description: The entries of C(wordpress_installations).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
names: "{{ (wordpress_installations | barehost.web.wordpress).packages }}"
"""

RETURN = r"""
_value:
  description: Mapping with C(packages), C(accounts), C(parts), C(units) and C(installations).
  type: dict
"""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name the filter."""
        return {"wordpress": plan}
