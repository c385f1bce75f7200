# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is there before Ansible copies itself for a task."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# A process that has loaded nothing yet, as Ansible's is.
LOADED = """
import sys
import ansible_collections.barehost.web.plugins.action.{action}
from ansible_collections.barehost.web.plugins.plugin_utils import _options, _schema
print(_schema.options.cache_info().misses, _options.specification.cache_info().misses, "{filter}" in sys.modules)
"""


@pytest.mark.parametrize(("action", "documentations"), [("model", 0), ("packages", 1), ("release", 1)])
def test_action_brings_the_schema_and_the_filters_along(action: str, documentations: int) -> None:
    script = LOADED.format(action=action, filter="ansible_collections.barehost.web.plugins.filter.entries")
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=surroundings)
    schemas, known, filters = done.stdout.split() or [done.stderr, "", ""]
    assert int(schemas) > 10
    assert (int(known), filters) == (documentations, "True")
