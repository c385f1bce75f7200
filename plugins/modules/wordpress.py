#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wordpress
short_description: Install WordPresses and bring them to their state, any number in one call
description:
  - WordPress's own code does all of it, as the system user of the installation and in a sandbox. Nobody sees an
    installation wizard.
  - Keys, and a password that was not given, are made once on the host and kept.
  - An installation that was killed is begun anew by the next run. Tables that were there before are never removed.
author: barehost.web contributors
options:
  installations:
    description:
      - The installations, as role P(barehost.web.wordpress#role) writes them. C(admin.password) is never shown.
    type: list
    elements: dict
    required: true
  remove_data:
    description: Whether an absent installation loses its uploads, its backups and its password as well.
    type: bool
    default: false
attributes:
  check_mode:
    description: Compares, and reports what would be changed.
    support: full
  diff_mode:
    description: Lists what is changed.
    support: full
"""

EXAMPLES = r"""
- name: Install a WordPress
  barehost.web.wordpress:
    installations: "{{ (wordpress_installations | barehost.web.wordpress).installations }}"
"""

RETURN = r"""
changes:
  description: What was done, one sentence each.
  returned: success
  type: list
  elements: str
"""
