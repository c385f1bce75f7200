# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter of role mod_wsgi."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._mod_wsgi import published

DOCUMENTATION = r"""
name: mod_wsgi
short_description: What has to be published and started for the apps under mod_wsgi
description:
  - Turns the entries of C(mod_wsgi_apps) into the files, links and folders that role P(barehost.web.mod_wsgi#role)
    publishes and the units that it starts.
  - The entries are expected to have been checked by M(barehost.web.model).
author: barehost.web contributors
options:
  _input:
    description: The entries of C(mod_wsgi_apps).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
parts: "{{ (mod_wsgi_apps | barehost.web.mod_wsgi).parts }}"
"""

RETURN = r"""
_value:
  description: Mapping with C(parts) and C(units) for M(barehost.web.publish).
  type: dict
"""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[[object], dict[str, Any]]]:
        """Name the filter."""
        return {"mod_wsgi": published}
