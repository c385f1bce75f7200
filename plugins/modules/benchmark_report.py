#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: benchmark_report
short_description: Tell the results of a benchmark
description:
  - Prints a table, and writes a JSON file, an HTML page that needs nothing else, and the table as Markdown, on the
    control node. The host is not asked.
  - Fails when there is a server of which no round counts, after everything is written.
author: barehost.web contributors
options:
  folder:
    description: Folder on the control node for C(<host>.json), C(<host>.html) and C(<host>.md). It is made if missing.
    type: str
    required: true
  plan:
    description: What M(barehost.web.benchmark) has returned under this name.
    type: dict
    required: true
  size:
    description: What M(barehost.web.benchmark) has returned under this name.
    type: dict
    required: true
  rounds:
    description: What M(barehost.web.benchmark) has returned for each round.
    type: list
    elements: dict
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
# See roles/benchmark/tasks.
"""

RETURN = r"""
files:
  description: The files that were written.
  returned: success
  type: list
  elements: str
"""
