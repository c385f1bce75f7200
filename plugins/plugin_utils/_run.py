# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is the same for all hosts of a run. Private to the collection.

Ansible imports the action of a task before it copies itself for the hosts: what this module finds out when it is loaded
is one value in all copies. Whoever runs several plays in one process loads it again for each.
"""

from __future__ import annotations

import secrets
import time

#: Names the run: a word that no other run has.
RUN = secrets.token_hex(16)

#: When the run began, in UTC, as releases have it in their names: ``20260102T030405Z``.
BEGUN = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
