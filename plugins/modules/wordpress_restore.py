#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wordpress_restore
short_description: Bring WordPresses to what archives hold, any number in one call
description:
  - All archives are read to their ends and compared with what they should be before anything is touched; one that is
    damaged, cut off, of another program, of another installation or of a newer WordPress is refused.
  - Everything is loaded beside what is live and exchanged at once; for that moment visitors are told to come back soon.
    What was there before becomes an archive as well.
  - A restore that is killed is taken back or finished by the next one, and by M(barehost.web.wordpress).
author: barehost.web contributors
options:
  installations:
    description: The entries of C(web_wordpress).
    type: list
    elements: dict
    required: true
  names:
    description: Names of those that are restored, with commas between them, or V(all).
    type: str
    default: ""
  archive:
    description:
      - V(latest) for the latest that the host has, a file on the control node, a folder there that
        M(barehost.web.wordpress_backup) has fetched archives to, an absolute path on the host, or the name of an
        archive in C(/var/backups/barehost/<name>) there.
    type: str
    default: latest
  origin:
    description: Name of the installation that the archive is of, if it was called otherwise.
    type: str
    default: ""
  new_address:
    description: Whether the address of the entry wins if the archive has another one. It is refused otherwise.
    type: bool
    default: false
attributes:
  check_mode:
    description: Reads the archives, and tells whether they would be restored.
    support: full
  diff_mode:
    description: Lists what is done.
    support: full
"""

EXAMPLES = r"""
- name: Restore a WordPress
  barehost.web.wordpress_restore:
    installations: "{{ web_wordpress }}"
    names: blog
    archive: latest
"""

RETURN = r"""
lines:
  description: What was done, one sentence each.
  returned: success
  type: list
  elements: str
"""
