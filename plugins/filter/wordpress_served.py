# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a web server has to know of WordPresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._wordpress import served

DOCUMENTATION = r"""
name: wordpress_served
short_description: What a web server has to know of WordPresses
description:
  - Turns entries of C(wordpress_installations) into C(nginx_wordpress).
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
nginx_wordpress: "{{ wordpress_installations | barehost.web.wordpress_served }}"
"""

RETURN = r"""
_value:
  description: The installations that are present.
  type: list
"""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name the filter."""
        return {"wordpress_served": served}
