# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""WordPress entries with their addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._wordpress import mounted

DOCUMENTATION = r"""
name: mounted
short_description: WordPress entries with their addresses
description:
  - Fills in C(url) of the entries of C(web_wordpress) that a route of a site names.
  - The entries are expected to have been checked by M(barehost.web.model).
author: barehost.web contributors
options:
  _input:
    description: The entries of C(web_wordpress).
    type: list
    elements: dict
    required: true
  sites:
    description: The entries of C(web_sites).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
wordpress_installations: "{{ web_wordpress | barehost.web.mounted(web_sites) }}"
"""

RETURN = r"""
_value:
  description: The entries, with all their keys.
  type: list
"""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name the filter."""
        return {"mounted": mounted}
