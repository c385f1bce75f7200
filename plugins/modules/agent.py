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
import subprocess
import sys

from ansible.module_utils.basic import AnsibleModule

#: Reads the text of a program of so many bytes, and runs it; what follows is left for that. Python would look for
#: modules in the folder of whoever has logged in, also when sudo has made it root's.
READER = "import sys; i = sys.stdin.buffer; sys.path = [p for p in sys.path if p]; exec(i.read(int(i.readline())))"


def main() -> None:
    """Start what the controller would start itself."""
    module = AnsibleModule(
        argument_spec={"message": {"type": "str", "required": True, "no_log": True}}, supports_check_mode=True
    )
    message = base64.b64decode(module.params["message"])
    done = subprocess.run([sys.executable, "-c", READER], input=message, capture_output=True, check=False)
    said, errors = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
    module.exit_json(changed=False, status=done.returncode, said=said, errors=errors)


if __name__ == "__main__":
    main()
