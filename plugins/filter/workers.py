# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter of role workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._workers import published

DOCUMENTATION = r"""
name: workers
short_description: What has to be published and started for the workers and schedules of apps
description:
  - Turns the entries of C(workers_apps) into the files and links that role P(barehost.web.workers#role) publishes and
    the units that it starts.
  - The entries are expected to have been checked by M(barehost.web.model).
author: barehost.web contributors
options:
  _input:
    description: The entries of C(workers_apps).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
parts: "{{ (workers_apps | barehost.web.workers).parts }}"
"""

RETURN = r"""
_value:
  description: Mapping with C(parts), C(units) and C(validations) for M(barehost.web.publish).
  type: dict
"""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[[object], dict[str, Any]]]:
        """Name the filter."""
        return {"workers": published}
