#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: database_server
short_description: Work out the memory of a MariaDB server, and make an interrupted first start good
description:
  - Comes before the packages of the server. Turns O(memory) into a size, and fails if the machine has not got it.
  - Notes on the host that a folder of data is about to be made for the first time; M(barehost.web.databases) forgets
    the note when the server has answered. If the note is still there, a run was killed in between, and the folder,
    which may be half made, was never in use. It is moved aside and made anew.
  - A folder of data without that note, or with a database in it that the server does not make itself, is never touched.
author: barehost.web contributors
options:
  memory:
    description: Size of the buffer pool, such as V(512M), or a share of the machine's memory, such as V(25%).
    type: str
    required: true
  lock_timeout:
    description: Seconds to wait for another run of the package manager.
    type: int
    default: 300
attributes:
  check_mode:
    description: Reports what would be done.
    support: full
  diff_mode:
    description: Lists what is done.
    support: full
seealso:
  - module: barehost.web.databases
"""

EXAMPLES = r"""
- name: Look at the machine
  barehost.web.database_server:
    memory: 25%
  register: host
"""

RETURN = r"""
pool:
  description: The size of the buffer pool, in the notation of MariaDB.
  returned: success
  type: str
  sample: 512M
changes:
  description: What was done, one sentence each.
  returned: success
  type: list
  elements: str
"""
