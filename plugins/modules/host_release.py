#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host's side of the actions that bring code."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_release
short_description: The host's side of the actions that bring code
description:
  - Not meant to be called from a playbook. M(barehost.web.release), M(barehost.web.releases), M(barehost.web.run) and
    M(barehost.web.wordpress_code) look at the model and at sources on the controller and then call this module. It is
    larger than M(barehost.web.host), and many runs do not need it.
author: barehost.web contributors
options:
  work:
    description: What to do.
    type: str
    choices: [release, releases, run, wordpress_code]
    required: true
  payload:
    description:
      - Base64 text of a zlib-compressed JSON document that holds the options of the action. One opaque value, so that
        no content reaches a log, and small on the wire.
    type: str
    required: true
attributes:
  check_mode:
    description: Changes nothing that lasts.
    support: full
  diff_mode:
    description: The files that differ from the live release.
    support: full
"""

EXAMPLES = r"""
# See barehost.web.release.
"""

RETURN = r"""
# See barehost.web.release.
"""

from typing import TYPE_CHECKING

from ansible_collections.barehost.web.plugins.module_utils._serve import serve

if TYPE_CHECKING:
    # Named here for Ansible, which packs what a module imports.
    from ansible_collections.barehost.web.plugins.module_utils import _release, _releases, _run, _wordpress_code

    _PACKED = (_release, _releases, _run, _wordpress_code)


def main() -> None:
    """Do one of these."""
    serve(("release", "releases", "run", "wordpress_code"))


if __name__ == "__main__":
    main()
