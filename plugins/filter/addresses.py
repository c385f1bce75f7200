# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Say where nginx finds the apps of the model."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.barehost.web.plugins.plugin_utils._convert import Data
from ansible_collections.barehost.web.plugins.plugin_utils._entries import addresses

DOCUMENTATION = r"""
name: addresses
short_description: Say where nginx finds the apps of the model
description:
  - Gives the value of C(nginx_apps) of the role C(barehost.web.nginx) for apps that are present and have a server.
  - An app that listens on every address of the host is reached on 127.0.0.1.
  - An app under gunicorn whose workers have threads has a C(keepalive), 15 seconds less than its server has.
positional: role
options:
  _input:
    description: Entries of C(web_apps), or of the variable of the role that O(role) names.
    type: list
    elements: dict
    required: true
  role:
    description: The role whose own variable it is, such as C(gunicorn_apps). Left out for C(web_apps).
    type: str
    choices: [flask, gunicorn, mod_wsgi, supervisor, uwsgi]
author: barehost.web contributors
"""

EXAMPLES = r"""
# Apps of the model
nginx_apps: "{{ web_apps | barehost.web.addresses }}"
---
# Where role uwsgi is used without the model
nginx_apps: "{{ uwsgi_apps | barehost.web.addresses('uwsgi') }}"
"""

RETURN = r"""
_value:
  description: One entry for each app, with its name, protocol and address, and C(keepalive) where there is one.
  type: list
  elements: dict
  sample:
    - name: util
      protocol: http
      address: unix:/run/gunicorn/util.sock
"""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., list[dict[str, Data]]]]:
        """Name the filter."""
        return {"addresses": addresses}
