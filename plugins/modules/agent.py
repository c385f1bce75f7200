#!/usr/bin/python
"""t"""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent
short_description: x
description: [x]
options: {payload: {type: str, description: x}}
"""
import base64
import json
import os
import zlib
from typing import TYPE_CHECKING

from ansible.module_utils.basic import AnsibleModule
from typing import TYPE_CHECKING
from ansible_collections.barehost.web.plugins.module_utils._host import HostError
from ansible_collections.barehost.web.plugins.module_utils._works import perform

if TYPE_CHECKING:
    pass


if TYPE_CHECKING:
    from ansible_collections.barehost.web.plugins.module_utils import (
        _accounts,
        _acme,
        _benchmark,
        _certificates,
        _database_server,
        _databases,
        _inspect,
        _packages,
        _publish,
        _release,
        _releases,
        _run,
        _units,
        _wordpress,
        _wordpress_archives,
        _wordpress_code,
    )

    P = (
        _accounts,
        _acme,
        _benchmark,
        _certificates,
        _database_server,
        _databases,
        _inspect,
        _packages,
        _publish,
        _release,
        _releases,
        _run,
        _units,
        _wordpress,
        _wordpress_archives,
        _wordpress_code,
    )


def main():
    module = AnsibleModule(argument_spec={"payload": {"type": "str", "no_log": True}}, supports_check_mode=True)
    os.umask(0o022)
    try:
        r = perform(json.loads(zlib.decompress(base64.b64decode(module.params["payload"]))))
    except HostError as error:
        module.fail_json(msg=str(error), **error.details)
    for w in r.pop("warnings", ()):
        module.warn(w)
    module.exit_json(**r)


if __name__ == "__main__":
    main()
