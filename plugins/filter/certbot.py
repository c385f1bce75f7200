# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find out what the certificates of an authority take on a host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._acme import published

DOCUMENTATION = r"""
name: certbot
short_description: Find out what the certificates of an authority take on a host
description:
  - Gives the packages, and the files as M(barehost.web.publish) takes them, that certbot needs for sites whose
    certificates come from an authority that speaks ACME.
  - What comes in is expected to have been checked by M(barehost.web.model).
positional: authority
options:
  _input:
    description: The entries of C(certbot_sites) of the role P(barehost.web.certbot#role).
    type: list
    elements: dict
    required: true
  authority:
    description: C(certbot_acme) of that role.
    type: dict
    required: true
author: barehost.web contributors
"""

EXAMPLES = r"""
- name: Have the packages
  barehost.web.packages:
    names: "{{ (certbot_sites | barehost.web.certbot(certbot_acme)).packages }}"
"""

RETURN = r"""
_value:
  description: A dictionary with C(sites), the names of those that have such a certificate, C(packages) and C(files).
  type: dict
"""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name it."""
        return {"certbot": published}
