# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check the options of an action plugin against the documentation of its module: one text is manual and rule.

This module is private to the collection.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.yaml import yaml_load

_KEPT = ("type", "elements", "default", "choices", "required", "no_log", "aliases")


def _spec(options: Mapping[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    for name, option in options.items():
        spec[name] = {key: option[key] for key in _KEPT if key in option}
        if "suboptions" in option:
            spec[name]["options"] = _spec(option["suboptions"])
    return spec


@functools.cache
def specification(documentation: str) -> dict[str, Any]:
    """Read the options out of the ``DOCUMENTATION`` text of a module, as Ansible's checks want them."""
    return _spec(yaml_load(documentation)["options"])


def checked_options(documentation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The ``arguments`` of a task with types converted and defaults filled in, also in nested options.

    :param documentation: the ``DOCUMENTATION`` text of the module.
    :raises AnsibleActionFail: naming every argument that is unknown, missing or of the wrong type.
    """
    result = ArgumentSpecValidator(specification(documentation)).validate(dict(arguments))
    if result.error_messages:
        raise AnsibleActionFail("\n".join(result.error_messages))
    validated: dict[str, Any] = result.validated_parameters
    return validated
