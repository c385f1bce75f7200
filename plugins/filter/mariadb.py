# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter of role mariadb."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._convert import plain
from ansible_collections.barehost.web.plugins.plugin_utils._databases import published

DOCUMENTATION = r"""
name: mariadb
short_description: What has to be published and started for MariaDB
description:
  - Turns C(mariadb_settings) into the files and links that role P(barehost.web.mariadb#role) publishes and the
    units that it starts.
  - The settings are expected to have been checked by M(barehost.web.model).
author: barehost.web contributors
positional: bind, pool
options:
  _input:
    description: The mapping C(mariadb_settings).
    type: dict
    required: true
  bind:
    description: The addresses of C(mariadb_bind).
    type: list
    elements: str
    required: true
  pool:
    description: The size of the buffer pool, as M(barehost.web.database_server) has worked it out.
    type: str
    required: true
"""

EXAMPLES = r"""
parts: "{{ (mariadb_settings | barehost.web.mariadb(mariadb_bind, '512M')).parts }}"
"""

RETURN = r"""
_value:
  description: Mapping with C(parts) and C(units) for M(barehost.web.publish).
  type: dict
"""


def mariadb(settings: object, bind: object, pool: str) -> dict[str, Any]:
    """See DOCUMENTATION."""
    return published(plain(settings), plain(bind), str(pool))


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        """Name the filter."""
        return {"mariadb": mariadb}
