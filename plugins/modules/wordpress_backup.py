#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wordpress_backup
short_description: Back up WordPresses, any number in one call
description:
  - Each becomes one archive in C(/var/backups/barehost/<name>) on the host, with its database as it is at one moment,
    its uploads, its keys, and the password that was made for its first user, if one was.
  - An archive is written under another name, read again and compared, and only then there. Only root can read it.
  - Each archive that O(fetch) brings to the control node is a transfer more.
author: barehost.web contributors
options:
  installations:
    description: The entries of C(web_wordpress).
    type: list
    elements: dict
    required: true
  names:
    description: Names of those that are backed up, with commas between them, or V(all).
    type: str
    default: all
  fetch:
    description:
      - Folder on the control node that the archives are brought to, as C(<host>/<name>/<archive>). Only its owner can
        read them. Empty to leave them on the host.
    type: str
    default: ""
attributes:
  check_mode:
    description: Makes no archive.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Back up a WordPress
  barehost.web.wordpress_backup:
    installations: "{{ web_wordpress }}"
    names: blog
    fetch: backups
"""

RETURN = r"""
archives:
  description: The archives on the host, each with C(name) and C(path).
  returned: success
  type: list
  elements: dict
fetched:
  description: The archives on the control node.
  returned: when O(fetch) is given
  type: list
  elements: str
lines:
  description: What was done, one sentence each.
  returned: success
  type: list
  elements: str
"""
