#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host's side of barehost.web.databases and barehost.web.database_server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_databases
short_description: The host's side of barehost.web.databases and barehost.web.database_server
description:
  - Not meant to be called from a playbook. M(barehost.web.databases) and M(barehost.web.database_server) check their
    options on the controller and then call this module. Many runs do not need it, so it is not part of
    M(barehost.web.host).
author: barehost.web contributors
options:
  work:
    description: What to do.
    type: str
    choices: [database_server, databases]
    required: true
  payload:
    description:
      - Base64 text of a zlib-compressed JSON document that holds the options of the action. One opaque value, so that
        no content reaches a log, and small on the wire.
    type: str
    required: true
attributes:
  check_mode:
    description: Changes nothing that lasts.
    support: full
  diff_mode:
    description: As the action says.
    support: full
"""

EXAMPLES = r"""
# See the actions.
"""

RETURN = r"""
# See the actions.
"""

from typing import TYPE_CHECKING

from ansible_collections.barehost.web.plugins.module_utils._serve import serve

if TYPE_CHECKING:
    # Named here for Ansible, which packs what a module imports.
    from ansible_collections.barehost.web.plugins.module_utils import _database_server, _databases

    _PACKED = (_database_server, _databases)


def main() -> None:
    """Do one of these."""
    serve(("database_server", "databases"))


if __name__ == "__main__":
    main()
