# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter of role apache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._apache import published

DOCUMENTATION = r"""
name: apache
short_description: What has to be published for the sites of Apache
description:
  - Turns the entries of C(apache_sites) into the files and links that role P(barehost.web.apache#role) publishes, and
    the unit that it starts.
  - The entries are expected to have been checked by M(barehost.web.model).
author: barehost.web contributors
options:
  _input:
    description: The entries of C(apache_sites).
    type: list
    elements: dict
    required: true
  apps:
    description: The entries of C(apache_apps), which tell where the apps of the routes can be reached.
    type: list
    elements: dict
    required: true
  codename:
    description: The release of Debian that the host runs; the newest one where it is not known.
    type: str
    default: ""
"""

EXAMPLES = r"""
parts: "{{ (apache_sites | barehost.web.apache(apache_apps)).parts }}"
"""

RETURN = r"""
_value:
  description: Mapping with C(parts) and C(units) for M(barehost.web.publish).
  type: dict
"""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        """Name the filter."""
        return {"apache": published}
