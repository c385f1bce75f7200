#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Debian packages in one transaction."""

from __future__ import annotations

DOCUMENTATION = r"""
module: packages
short_description: Have Debian packages installed, in one transaction that survives an interrupted one
description:
  - Asks dpkg first. If all packages are there nothing else is run.
  - Otherwise repairs what an interrupted transaction left (C(dpkg --configure -a)) and installs all that is missing
    in one
    go, waiting for the lock of the package manager. The package lists are read anew if that fails, as on a host
    without any.
  - Services are not started by the installation. The role starts them when their configuration is in place.
  - Needs no python3-apt on the host.
author: barehost.web contributors
options:
  names:
    description: Names of the packages.
    type: list
    elements: str
    required: true
  lock_timeout:
    description: Seconds to wait for another run of the package manager.
    type: int
    default: 300
attributes:
  check_mode:
    description: Reports the packages that would be installed.
    support: full
  diff_mode:
    description: Lists the packages that are installed.
    support: full
"""

EXAMPLES = r"""
- name: Install nginx
  barehost.web.packages:
    names: [nginx, logrotate]
  register: __nginx_host
"""

RETURN = r"""
installed:
  description: Names of the packages that were missing and have been installed.
  returned: success
  type: list
  elements: str
versions:
  description: Version of each package that is there now, by name.
  returned: success
  type: dict
codename:
  description: Code name of the host's Debian, such as V(trixie).
  returned: success
  type: str
ipv6:
  description: Whether the host's kernel speaks IPv6.
  returned: success
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.barehost.web.plugins.module_utils import _packages
from ansible_collections.barehost.web.plugins.module_utils._lock import LockedError


def main() -> None:
    """Look, install what is missing, report."""
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "lock_timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    names = module.params["names"]
    try:
        codename = _packages.supported_codename()
        versions = _packages.installed(names)
        missing = [name for name in names if name not in versions]
        if (missing or _packages.killed_run()) and not module.check_mode:
            _packages.install(missing, lock_timeout=module.params["lock_timeout"])
            versions = _packages.installed(names)
    except (_packages.PackageError, LockedError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(missing),
        installed=missing,
        versions=versions,
        codename=codename,
        ipv6=_packages.has_ipv6(),
        diff={"prepared": "".join(f"install {name}\n" for name in missing)},
    )


if __name__ == "__main__":
    main()
