# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter of role nginx."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._nginx import published

DOCUMENTATION = r"""
name: nginx
short_description: What has to be published for the sites of nginx
description:
  - Turns the entries of C(nginx_sites) into the files and links that role P(barehost.web.nginx#role) publishes.
author: barehost.web contributors
options:
  _input:
    description: The entries of C(nginx_sites).
    type: list
    elements: dict
    required: true
  apps:
    description: The entries of C(nginx_apps), which tell where the apps of the routes can be reached.
    type: list
    elements: dict
    required: true
  ipv6:
    description: Whether the host speaks IPv6.
    type: bool
    default: true
  wordpress:
    description: The entries of C(nginx_wordpress), which tell where the WordPresses of the routes can be reached.
    type: list
    elements: dict
    default: []
  codename:
    description: The release of Debian that the host runs; the newest one where it is not known.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Publish the sites
  barehost.web.publish:
    set: nginx
    tree: /etc/nginx
    parts: "{{ nginx_sites | barehost.web.nginx(nginx_apps) }}"
"""

RETURN = r"""
_value:
  description:
    - Parts for M(barehost.web.publish); C(files) and C(links) of the sites and of nginx's unit, C(entries) (the names
      of all sites), C(remove) (logs of absent sites) and C(units) (nginx and what it opens). As a JSON text.
  type: str
"""


def nginx(
    sites: Sequence[Mapping[str, Any]],
    apps: Sequence[Mapping[str, Any]],
    ipv6: bool = True,
    wordpress: Sequence[Mapping[str, Any]] = (),
    codename: str = "",
) -> str:
    """See DOCUMENTATION."""
    # Ansible looks at every single value of a mapping; a text it passes on as it is.
    return json.dumps(published(sites, apps, wordpress, ipv6=ipv6, codename=codename))


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function."""
        return {"nginx": nginx}
