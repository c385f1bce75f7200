#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: acme
short_description: Have the certificates of an authority that speaks ACME, any number in one call
description:
  - Has an authority such as Let's Encrypt sign the certificates of sites, by Debian's certbot, and puts each into
    C(/etc/barehost/tls/<name>.pem). Web servers that run are asked whether they can start with it, and reloaded.
  - An authority is asked for a certificate only where a domain was added or removed, where it runs out, or where it is
    of another authority. Certbot's own timer renews them otherwise.
  - Before that, the host asks itself for a file by the name of each domain. Domains that lead elsewhere, and those that
    the authority turns down, are left out of the certificate; the task fails at its end and names them.
  - Certificates of sites that have none of an authority any more are revoked and removed, and the account with the last
    of them. Where the authority cannot be reached that is a warning.
author: barehost.web contributors
options:
  sites:
    description: The entries of C(certbot_sites) of role P(barehost.web.certbot#role), checked.
    type: list
    elements: dict
    default: []
  authority:
    description: C(certbot_acme) of that role, checked.
    type: dict
    default: {}
  purge:
    description: Whether certificates of sites that are not mentioned at all are revoked and removed as well.
    type: bool
    default: false
attributes:
  check_mode:
    description: Reports what would be asked for and removed, and asks nobody.
    support: full
  diff_mode:
    description: Lists what is asked for and removed. No key is shown.
    support: full
"""

EXAMPLES = r"""
- name: Have a certificate of Let's Encrypt
  barehost.web.acme:
    sites:
      - name: main
        domains: [example.test]
        tls: {mode: acme}
    authority: {email: admin@example.test}
"""

RETURN = r"""
changes:
  description: What was done, one sentence each.
  returned: always
  type: list
  elements: str
"""
