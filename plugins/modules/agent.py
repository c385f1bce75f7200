#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host's side of the collection's actions, where they cannot speak to it through a pipe."""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent
short_description: The host's side of the collection's actions
description:
  - Not meant to be called from a playbook. The actions of this collection check their options on the controller and
    then speak to the host through a pipe. Where that is not possible, because C(pipelining) is off or
    C(become_method) does not allow it, they call this module.
author: barehost.web contributors
options:
  message:
    description: What to do, as Base64. One opaque value, so that no content reaches a log.
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

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.barehost.web.plugins.module_utils._agent import answer


def main() -> None:
    """Do what the controller asks for."""
    module = AnsibleModule(
        argument_spec={"message": {"type": "str", "required": True, "no_log": True}}, supports_check_mode=True
    )
    result = answer(base64.b64decode(module.params["message"]))
    for warning in result.pop("warnings", ()):
        module.warn(warning)
    if result.pop("failed", False):
        module.fail_json(**{"msg": "it failed without a word", **result})
    module.exit_json(**result)


if __name__ == "__main__":
    main()
