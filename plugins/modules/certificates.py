#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificates
short_description: Have the certificates of sites, any number in one call
description:
  - Signs certificates with the host's own authority, renews them, and puts those that users provide in place. Each is
    one file with the key, the certificate and its chain, C(/etc/barehost/tls/<name>.pem), that only root can read.
  - The root of the authority is C(/etc/barehost/authority.pem). Both it and its key are made once.
  - Units that read certificates are noted on the host before one changes; M(barehost.web.units) and
    M(barehost.web.publish) tell them, also in a later run if this one is killed.
author: barehost.web contributors
options:
  sites:
    description: The entries of C(certificates_sites) of role P(barehost.web.certificates#role), checked.
    type: list
    elements: dict
    default: []
  remove:
    description:
      - Whether the certificates of absent sites are removed, rather than those of present ones made. One that a file in
        C(/etc/nginx/sites-enabled) still names stays.
    type: bool
    default: false
  purge:
    description: Only with O(remove). Whether certificates of sites that are not mentioned at all are removed as well.
    type: bool
    default: false
  reload:
    description: Units to reload when a certificate changes.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Reports what would be made or removed.
    support: full
  diff_mode:
    description: Lists what is made or removed. No key is shown.
    support: full
"""

EXAMPLES = r"""
- name: Have a certificate of the host's own authority
  barehost.web.certificates:
    sites:
      - name: main
        domains: [example.test]
        tls: {mode: self_signed}
    reload: [nginx.service]
"""

RETURN = r"""
changes:
  description: What was done, one sentence each.
  returned: always
  type: list
  elements: str
"""
