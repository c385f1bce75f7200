#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host's side of barehost.web.inspect."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_inspect
short_description: The host's side of barehost.web.inspect
description:
  - Not meant to be called from a playbook. M(barehost.web.inspect) calls this module and judges what it says. Other
    runs than reports do not need it.
author: barehost.web contributors
options:
  work:
    description: What to do.
    type: str
    choices: [inspect]
    required: true
  payload:
    description:
      - Base64 text of a zlib-compressed JSON document that holds the options of the action, of which there are none.
    type: str
    required: true
attributes:
  check_mode:
    description: Changes nothing in any mode.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
"""

EXAMPLES = r"""
# See barehost.web.inspect.
"""

RETURN = r"""
# See barehost.web.inspect.
"""

from typing import TYPE_CHECKING

from ansible_collections.barehost.web.plugins.module_utils._serve import serve

if TYPE_CHECKING:
    # Named here for Ansible, which packs what a module imports.
    from ansible_collections.barehost.web.plugins.module_utils import _inspect

    _PACKED = (_inspect,)


def main() -> None:
    """Look."""
    serve(("inspect",))


if __name__ == "__main__":
    main()
