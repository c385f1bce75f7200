#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Tell how hosts are
description:
  - Prints tables of all hosts together, and writes C(report.json) and C(report.html), one page that needs nothing else,
    on the control node. No host is asked.
author: barehost.web contributors
options:
  folder:
    description: Folder on the control node for the files. It is made if missing.
    type: str
    required: true
  hosts:
    description: What M(barehost.web.inspect) has returned for each host, by its name.
    type: dict
    required: true
attributes:
  check_mode:
    description: Writes nothing.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
"""

EXAMPLES = r"""
# See roles/report/tasks.
"""

RETURN = r"""
files:
  description: The files that were written.
  returned: always
  type: list
  elements: str
"""
