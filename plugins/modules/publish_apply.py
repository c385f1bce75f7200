#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host's side of barehost.web.publish."""

from __future__ import annotations

DOCUMENTATION = r"""
module: publish_apply
short_description: The host's side of barehost.web.publish
description:
  - Not meant to be called from a playbook. M(barehost.web.publish) renders the files on the controller and calls
    this module once with all of them.
author: barehost.web contributors
options:
  payload:
    description:
      - Base64 text of a zlib-compressed JSON document that holds the options of M(barehost.web.publish), every
        template
        rendered. One opaque value, so that no content reaches a log, and small on the wire.
    type: str
    required: true
attributes:
  check_mode:
    description: Compares, and validates if the program that validates is installed; nothing that lasts is changed.
    support: full
  diff_mode:
    description: One diff a file; contents marked secret are not shown.
    support: full
"""

EXAMPLES = r"""
# See barehost.web.publish.
"""

RETURN = r"""
# See barehost.web.publish.
"""

import base64
import dataclasses
import json
import zlib

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.barehost.web.plugins.module_utils._lock import LockedError
from ansible_collections.barehost.web.plugins.module_utils._publish import PublishError, publish
from ansible_collections.barehost.web.plugins.module_utils._publish_report import orphan_sentence
from ansible_collections.barehost.web.plugins.module_utils._publish_request import request_from


def main() -> None:
    """Unpack the request, publish, report."""
    module = AnsibleModule(
        argument_spec={"payload": {"type": "str", "required": True, "no_log": True}}, supports_check_mode=True
    )
    payload = json.loads(zlib.decompress(base64.b64decode(module.params["payload"])))
    try:
        outcome = publish(request_from(payload), check=module.check_mode)
    except (PublishError, LockedError) as error:
        module.fail_json(msg=str(error))
    for note in outcome.notes:
        module.warn(note)
    for entry, paths in outcome.orphans.items():
        module.warn(orphan_sentence(entry, paths))
    result = dataclasses.asdict(outcome)
    del result["notes"]
    module.exit_json(**result)


if __name__ == "__main__":
    main()
