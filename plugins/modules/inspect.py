#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inspect
short_description: See how a host is, and what needs attention
description:
  - Asks the host once for its certificates, sites, apps, WordPresses, units, timers and disks, compares that with the
    model, and returns it as rows with what needs attention. Nothing on the host is changed.
  - Whatever needs attention does not make it fail, not even that a host cannot be asked, so that M(barehost.web.report)
    tells of all hosts. What comes after that may fail.
  - Of the host's files only certificates, domains of sites and records of releases are read; no key, no password and no
    environment variable leaves it.
author: barehost.web contributors
options:
  web_apps:
    description: Apps of the model. Without any of the three variables there is nothing to compare with.
    type: list
    elements: dict
  web_sites:
    description: Sites of the model.
    type: list
    elements: dict
  web_wordpress:
    description: WordPresses of the model.
    type: list
    elements: dict
  web_environment:
    description: What the host is for.
    type: str
    default: production
  days:
    description:
      - A certificate needs attention when fewer days than this are left.
    type: int
    default: 21
  disk:
    description: Percent from which on a file system needs attention.
    type: int
    default: 90
  backup_days:
    description:
      - Days within which every WordPress must have been backed up. V(0) goes by the timers alone; one that has gone off
        must have made a backup.
    type: int
    default: 0
attributes:
  check_mode:
    description: Changes nothing in any mode.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
"""

EXAMPLES = r"""
# See roles/report/tasks.
"""

RETURN = r"""
host:
  description: The rows of the host, and what needs attention.
  returned: always
  type: dict
attention:
  description: What needs attention, a sentence each.
  returned: always
  type: list
  elements: str
"""
