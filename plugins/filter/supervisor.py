# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter of role supervisor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._supervisor import published

DOCUMENTATION = r"""
name: supervisor
short_description: What has to be published and started for the apps under supervisord
description:
  - Turns the entries of C(supervisor_apps) into the files that role P(barehost.web.supervisor#role) publishes and the
    programs that it starts.
  - The entries are expected to have been checked by M(barehost.web.model).
positional: log_size, log_backups
author: barehost.web contributors
options:
  _input:
    description: The entries of C(supervisor_apps).
    type: list
    elements: dict
    required: true
  log_size:
    description: Size at which a log file is put aside.
    type: str
    required: true
  log_backups:
    description: Number of log files that are kept aside.
    type: int
    required: true
"""

EXAMPLES = r"""
parts: "{{ (supervisor_apps | barehost.web.supervisor('10MB', 5)).parts }}"
"""

RETURN = r"""
_value:
  description: Mapping with C(parts) and C(units) for M(barehost.web.publish).
  type: dict
"""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[[object, str, int], dict[str, Any]]]:
        """Name the filter."""
        return {"supervisor": published}
