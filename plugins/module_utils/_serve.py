# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The frame of the modules that do the work on a host. This module is private to the collection."""

from __future__ import annotations

import base64
import importlib
import json
import os
import zlib
from collections.abc import Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.barehost.web.plugins.module_utils._host import HostError

_UTILITIES = "ansible_collections.barehost.web.plugins.module_utils"


def serve(works: Sequence[str]) -> None:
    """Unpack the options, have the utility of the wanted work do it, report.

    :param works: names of the utilities that the module has packed.
    """
    module = AnsibleModule(
        argument_spec={
            "work": {"type": "str", "required": True, "choices": list(works)},
            "payload": {"type": "str", "required": True, "no_log": True},
        },
        supports_check_mode=True,
    )
    if os.geteuid() != 0:
        module.fail_json(msg="This needs root on the host: log in as root, or set ansible_become to true.")
    os.umask(0o022)
    options = json.loads(zlib.decompress(base64.b64decode(module.params["payload"])))
    # Only what is needed is loaded: a module that Ansible has packed is compiled anew in every call.
    utility = importlib.import_module(f"{_UTILITIES}._{module.params['work']}")
    try:
        answer = utility.run(options, check=module.check_mode)
    except HostError as error:
        module.fail_json(msg=str(error), **error.details)
    for warning in answer.warnings:
        module.warn(warning)
    module.exit_json(**answer.result)
