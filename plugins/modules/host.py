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
    M(barehost.web.units) and M(barehost.web.release) check their options on the controller and then call this module.
  - Ansible packs a module once in a run, which takes longer than most of its work on the host. One module for all
    kinds of work is packed once.
author: barehost.web contributors
options:
  work:
    description: What to do.
    type: str
    choices: [accounts, packages, publish, release, units]
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

import base64
import importlib
import json
import os
import zlib
from typing import TYPE_CHECKING

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.barehost.web.plugins.module_utils._host import HostError

if TYPE_CHECKING:
    # Named here for Ansible, which packs what a module imports; loaded below, only the one that is needed.
    from ansible_collections.barehost.web.plugins.module_utils import (
        _accounts,
        _packages,
        _publish,
        _release,
        _units,
    )

    _PACKED = (_accounts, _packages, _publish, _release, _units)

_WORK = ("accounts", "packages", "publish", "release", "units")
_UTILITIES = "ansible_collections.barehost.web.plugins.module_utils"


def main() -> None:
    """Unpack the options, do the work, report."""
    module = AnsibleModule(
        argument_spec={
            "work": {"type": "str", "required": True, "choices": list(_WORK)},
            "payload": {"type": "str", "required": True, "no_log": True},
        },
        supports_check_mode=True,
    )
    if os.geteuid() != 0:
        module.fail_json(msg="This needs root on the host: log in as root, or set ansible_become to true.")
    os.umask(0o022)
    options = json.loads(zlib.decompress(base64.b64decode(module.params["payload"])))
    utility = importlib.import_module(f"{_UTILITIES}._{module.params['work']}")
    try:
        answer = utility.run(options, check=module.check_mode)
    except HostError as error:
        module.fail_json(msg=str(error), **error.details)
    for warning in answer.warnings:
        module.warn(warning)
    module.exit_json(**answer.result)


if __name__ == "__main__":
    main()
