#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wordpress_code
short_description: Have the code of WordPresses, their plugins and their themes on a host
description:
  - Archives are fetched by the host, or sent where the controller has them, and compared with their checksums. They are
    unpacked for root, so that PHP cannot write them, into C(/srv/<name>/code), each in a folder called after its
    checksum. A server that cannot answer for the moment is asked again, as by M(barehost.web.release).
  - Everything is fetched and looked at before anything is put in its place. A wrong checksum, an archive that is
    something else, a WordPress that is older than the installed one, a language that it lacks, and too little memory or
    disk are named together, and nothing is changed then.
  - Nothing is fetched that is there. M(barehost.web.wordpress) makes the code the live one when the tables are ready
    for it.
author: barehost.web contributors
options:
  installations:
    description: The installations that are present, as role P(barehost.web.wordpress#role) writes them.
    type: list
    elements: dict
    default: []
  role:
    description: V(wordpress) in the tasks of that role, whose options say then which installations there are.
    type: str
    default: ""
    choices: ["", wordpress]
attributes:
  check_mode:
    description: Fetches nothing, and tells what would be.
    support: full
  diff_mode:
    description: Lists what is unpacked.
    support: full
"""

EXAMPLES = r"""
- name: Have the code of all WordPresses
  barehost.web.wordpress_code:
    installations: "{{ (wordpress_installations | barehost.web.wordpress).code }}"
"""

RETURN = r"""
idle:
  description: Whether there is no installation, and never was.
  returned: success
  type: bool
changes:
  description: What was done, one sentence each.
  returned: success
  type: list
  elements: str
"""
