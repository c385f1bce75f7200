#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host's side of the collection's actions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host
short_description: The host's side of the collection's actions
description:
  - Not meant to be called from a playbook. M(barehost.web.packages), M(barehost.web.accounts), M(barehost.web.publish),
    M(barehost.web.units), M(barehost.web.certificates), M(barehost.web.acme) and M(barehost.web.wordpress) check their
    options on the controller and then call this module.
  - Ansible packs a module once in a run, which takes longer than most of its work on the host. One module for all
    kinds of work is packed once.
author: barehost.web contributors
options:
  work:
    description: What to do.
    type: str
    choices: [accounts, acme, certificates, packages, publish, units, wordpress]
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
    from ansible_collections.barehost.web.plugins.module_utils import (
        _accounts,
        _acme,
        _certificates,
        _packages,
        _publish,
        _units,
        _wordpress,
    )

    _PACKED = (_accounts, _acme, _certificates, _packages, _publish, _units, _wordpress)


def main() -> None:
    """Do one of these."""
    serve(("accounts", "acme", "certificates", "packages", "publish", "units", "wordpress"))


if __name__ == "__main__":
    main()
