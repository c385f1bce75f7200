# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The databases that WordPresses need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._wordpress import databases

DOCUMENTATION = r"""
name: wordpress_databases
short_description: The databases that WordPresses need
description:
  - Turns entries of C(wordpress_installations) into C(mariadb_databases).
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
mariadb_databases: "{{ wordpress_installations | barehost.web.wordpress_databases }}"
"""

RETURN = r"""
_value:
  description: The databases.
  type: list
"""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name the filter."""
        return {"wordpress_databases": databases}
