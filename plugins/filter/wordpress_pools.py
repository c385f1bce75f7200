# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pools of PHP that WordPresses need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._wordpress import pools

DOCUMENTATION = r"""
name: wordpress_pools
short_description: The pools of PHP that WordPresses need
description:
  - Turns entries of C(wordpress_installations) into C(php_fpm_pools).
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
php_fpm_pools: "{{ wordpress_installations | barehost.web.wordpress_pools }}"
"""

RETURN = r"""
_value:
  description: The pools.
  type: list
"""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name the filter."""
        return {"wordpress_pools": pools}
