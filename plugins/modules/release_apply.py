#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host's side of barehost.web.release."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_apply
short_description: The host's side of barehost.web.release
description:
  - Not meant to be called from a playbook. M(barehost.web.release) calls it once with all apps, and a second time
    only if the host asks for code that the controller has.
author: barehost.web contributors
options:
  payload:
    description:
      - Base64 text of a zlib-compressed JSON document that holds the options of M(barehost.web.release). One
        opaque value, so that no password of a source reaches a log.
    type: str
    required: true
attributes:
  check_mode:
    description: Nothing on the host is changed.
    support: full
  diff_mode:
    description: One list of files for each app.
    support: full
"""

EXAMPLES = r"""
# See barehost.web.release.
"""

RETURN = r"""
# See barehost.web.release.
"""

import base64
import json
import os
import zlib

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.barehost.web.plugins.module_utils._lock import LockedError
from ansible_collections.barehost.web.plugins.module_utils._release import described, explain, release, request_from


def main() -> None:
    """Unpack the request, release, report."""
    module = AnsibleModule(
        argument_spec={"payload": {"type": "str", "required": True, "no_log": True}}, supports_check_mode=True
    )
    payload = json.loads(zlib.decompress(base64.b64decode(module.params["payload"])))
    if os.geteuid() != 0:
        module.fail_json(msg="Releasing apps needs root on the host: set become: true.")
    os.umask(0o022)
    request = request_from(payload, check=module.check_mode)
    try:
        outcome = release(request)
    except LockedError as error:
        module.fail_json(msg=str(error))
    for warning in outcome.warnings:
        module.warn(warning)
    if outcome.failures:
        module.fail_json(msg=explain(outcome, len(request.apps) + len(request.absent)), **described(outcome))
    module.exit_json(**described(outcome))


if __name__ == "__main__":
    main()
