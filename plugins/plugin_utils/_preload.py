# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What many tasks of a run need, loaded once. Private to the collection.

Ansible imports the action of a task before it copies itself to run the task. What has been loaded by then is there in
every copy; what a copy loads ends with it.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil

from ansible.plugins.loader import filter_loader, test_loader
from ansible_collections.barehost.web.plugins import filter as filters
from ansible_collections.barehost.web.plugins.plugin_utils._agent import code, program
from ansible_collections.barehost.web.plugins.plugin_utils._entries import VARIABLES, spec


@functools.cache
def everything() -> None:
    """Load the schema of the model, the code of hosts, the filters that roles have, and those that are Ansible's."""
    code()
    program()
    for variable in VARIABLES:
        spec(variable)
    for module in pkgutil.iter_modules(filters.__path__, f"{filters.__name__}."):
        importlib.import_module(module.name)
    # The first that is asked for brings all of them: a third of what a task costs that only looks at its variables.
    filter_loader.get("ansible.builtin.default")
    test_loader.get("ansible.builtin.defined")
