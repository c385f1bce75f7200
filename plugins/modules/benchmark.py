#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: benchmark
short_description: The steps of a benchmark of servers
description:
  - What role P(barehost.web.benchmark#role) does besides calling other roles.
  - V(begin) checks what is wanted, and whether the host is what the model says. V(note) notes what the host is like.
    V(measure) measures every server once. V(end) brings the host back to what V(note) has noted, or fails and names
    what is different.
  - What a benchmark that was killed has noted stays on the host, and the next one goes by it before it begins.
author: barehost.web contributors
options:
  step:
    description: What to do.
    type: str
    choices: [begin, note, measure, end]
    required: true
  settings:
    description: Only with V(begin). The options of the role, by their names without C(benchmark_).
    type: dict
    default: {}
  model:
    description: Only with V(begin). C(web_apps), C(web_sites) and C(web_environment) as the host has them.
    type: dict
    default: {}
  plan:
    description: Only with V(note) and V(measure). What V(begin) has returned under this name.
    type: dict
    default: {}
  round:
    description: Only with V(measure). Number of the round, from 0. It tells which server is the first.
    type: int
    default: 0
attributes:
  check_mode:
    description: Checks what is wanted; nothing is measured.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
"""

EXAMPLES = r"""
# See roles/benchmark/tasks.
"""

RETURN = r"""
plan:
  description: What the roles are told, and what is measured.
  returned: with V(begin)
  type: dict
size:
  description: What kind of machine the host is.
  returned: with V(begin)
  type: dict
results:
  description: One entry for each server, with its figures or with a C(fault).
  returned: with V(measure)
  type: list
  elements: dict
versions:
  description: Version of each server.
  returned: with V(measure)
  type: dict
load:
  description: Load of the host at the end of the round.
  returned: with V(measure)
  type: float
"""
