# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Say whether a web server has anything to serve."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.barehost.web.plugins.plugin_utils._entries import needed

DOCUMENTATION = r"""
name: needed
short_description: Say whether a web server has anything to serve
description:
  - Apache is needed where a site names it. nginx is needed unless all that is served is served by Apache.
positional: server
options:
  _input:
    description: Entries of C(web_sites), or of the variable of the role.
    type: list
    elements: dict
    required: true
  server:
    description: The web server.
    type: str
    choices: [apache, nginx]
    required: true
author: barehost.web contributors
"""

EXAMPLES = r"""
when: web_sites | barehost.web.needed('apache')
"""

RETURN = r"""
_value:
  description: Whether the server is needed.
  type: bool
"""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., bool]]:
        """Name the filter."""
        return {"needed": needed}
