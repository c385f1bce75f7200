#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which does the work and never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: maintenance
short_description: Close or open sites beside what the model says
description:
  - Gives all sites, those that are named closed or open. The roles P(barehost.web.nginx#role) and
    P(barehost.web.apache#role) publish them then.
  - It runs on the control node only and changes nothing.
author: barehost.web contributors
options:
  sites:
    description: The entries of C(web_sites), checked by M(barehost.web.model).
    type: list
    elements: dict
    required: true
  site:
    description: Names of the sites that are meant, with commas between them; V(all) for every one.
    type: str
    default: ""
  enabled:
    description: Whether they are closed.
    type: bool
    required: true
  retry_after:
    description: Seconds after which visitors are told to come back; what the model says of a site without this.
    type: int
attributes:
  check_mode:
    description: There is nothing that it would change.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Close a site
  barehost.web.maintenance:
    sites: "{{ web_sites }}"
    site: main
    enabled: true
  register: closed

- name: Serve the sites
  ansible.builtin.import_role:
    name: barehost.web.nginx
  vars:
    nginx_sites: "{{ closed.sites | barehost.web.entries('nginx') }}"
"""

RETURN = r"""
sites:
  description: All entries.
  returned: success
  type: list
  elements: dict
told:
  description: What becomes of each site that is meant, for people.
  returned: success
  type: list
  elements: str
"""
