# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter of role gunicorn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._gunicorn import published

DOCUMENTATION = r"""
name: gunicorn
short_description: What has to be published and started for the apps under gunicorn
description:
  - Turns the entries of C(gunicorn_apps) into the files, links and folders that role P(barehost.web.gunicorn#role)
    publishes and the units that it starts and stops.
  - The entries are expected to have been checked by M(barehost.web.model).
author: barehost.web contributors
positional: changes
options:
  _input:
    description: The entries of C(gunicorn_apps).
    type: list
    elements: dict
    required: true
  changes:
    description:
      - What M(barehost.web.publish) returned as C(files). An app whose files it removed is stopped, also if there is no
        entry for it any more.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
files: "{{ (gunicorn_apps | barehost.web.gunicorn).files }}"
"""

RETURN = r"""
_value:
  description:
    - Mapping with C(files), C(links), C(directories) and C(entries) for M(barehost.web.publish), and C(units) for
      M(barehost.web.units).
  type: dict
"""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        """Name the filter."""
        return {"gunicorn": published}
