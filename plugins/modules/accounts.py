#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: accounts
short_description: Make or remove system users and folders, any number in one call
description:
  - A user made here carries a mark in its comment field. A user without the mark is never changed or removed.
author: barehost.web contributors
options:
  users:
    description: System users without a password and without a shell, each with a group of the same name.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the user and of its group.
        type: str
        required: true
      home:
        description: Home folder that is noted for the user. It is not made.
        type: str
        default: /nonexistent
      state:
        description: Whether the user is to be there. Removing one leaves its files.
        type: str
        choices: [present, absent]
        default: present
  directories:
    description: Folders.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path of the folder.
        type: str
        required: true
      owner:
        description: User who owns the folder.
        type: str
        default: root
      group:
        description: Group of the folder.
        type: str
        default: root
      mode:
        description: Permissions, octal.
        type: str
        default: "0755"
      state:
        description: Whether the folder is to be there. V(absent) removes it with all that is in it.
        type: str
        choices: [present, absent]
        default: present
attributes:
  check_mode:
    description: Reports what would be made or removed.
    support: full
  diff_mode:
    description: Lists what is made or removed.
    support: full
"""

EXAMPLES = r"""
- name: Make the user and the folder of an application
  barehost.web.accounts:
    users:
      - {name: util, home: /srv/util}
    directories:
      - {path: /srv/util, group: util, mode: "0750"}
"""

RETURN = r"""
changes:
  description: What was done, one sentence each.
  returned: always
  type: list
  elements: str
"""
