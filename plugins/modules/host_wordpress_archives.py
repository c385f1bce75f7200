#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host's side of barehost.web.wordpress_backup and barehost.web.wordpress_restore."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_wordpress_archives
short_description: The host's side of barehost.web.wordpress_backup and barehost.web.wordpress_restore
description:
  - Not meant to be called from a playbook. M(barehost.web.wordpress_backup) and M(barehost.web.wordpress_restore) check
    their options on the controller and then call this module. Most runs do not need it, so it is not part of
    M(barehost.web.host).
author: barehost.web contributors
options:
  work:
    description: What to do.
    type: str
    choices: [wordpress_archives]
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
    from ansible_collections.barehost.web.plugins.module_utils import _wordpress_archives

    _PACKED = (_wordpress_archives,)


def main() -> None:
    """Do it."""
    serve(("wordpress_archives",))


if __name__ == "__main__":
    main()
