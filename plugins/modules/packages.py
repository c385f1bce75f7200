#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: packages
short_description: Have Debian packages installed, in one transaction that survives an interrupted one
description:
  - Asks dpkg first. If all packages are there nothing else is run.
  - Otherwise repairs what an interrupted transaction left (C(dpkg --configure -a)) and installs all that is missing
    in one go. The package lists are read anew if that fails, as on a host without any.
  - Waits for another package manager, such as the one that Debian's timers start, also where C(apt-get) gives up at
    once (the locks of the lists and of the downloads).
  - A transfer that fails for the moment (an answer such as 503, a connection that breaks, a mirror that is being
    renewed), or a reading of the lists that hangs for 90 seconds, is begun again up to three times, after 2, 5 and 10
    seconds.
    Sources that stay away are left out, as C(apt-get update) does; what only they have cannot be installed then.
  - Services are not started by the installation. The role starts them when their configuration is in place.
  - Needs no python3-apt on the host.
  - A host that has said in a run that it has certain packages is not asked for them again in that run. The first answer
    is for every package that was ever asked for, and kept in the fact C(barehost_packages).
author: barehost.web contributors
options:
  names:
    description: Names of the packages.
    type: list
    elements: str
    required: true
  reasons:
    description:
      - What to say of a package that no package source of the host has, by its name, such as who wants it and what
        to do. All such packages are then named in one error.
    type: dict
    default: {}
  lock_timeout:
    description: Seconds to wait for another run of this module, and for another run of the package manager.
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
