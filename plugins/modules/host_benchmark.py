#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host's side of barehost.web.release."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_benchmark
short_description: The host's side of barehost.web.benchmark
description:
  - Not meant to be called from a playbook. M(barehost.web.benchmark) checks its options on the controller and then
    calls this module. Other runs than benchmarks do not need it.
author: barehost.web contributors
options:
  work:
    description: What to do.
    type: str
    choices: [benchmark]
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
    description: There is nothing to show.
    support: none
"""

EXAMPLES = r"""
# See barehost.web.benchmark.
"""

RETURN = r"""
# See barehost.web.benchmark.
"""

from typing import TYPE_CHECKING

from ansible_collections.barehost.web.plugins.module_utils._serve import serve

if TYPE_CHECKING:
    # Named here for Ansible, which packs what a module imports.
    from ansible_collections.barehost.web.plugins.module_utils import _benchmark

    _PACKED = (_benchmark,)


def main() -> None:
    """Do one of these."""
    serve(("benchmark",))


if __name__ == "__main__":
    main()
