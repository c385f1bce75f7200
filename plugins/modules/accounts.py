#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""System users and folders of many entries in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: accounts
short_description: Make or remove system users and folders, any number in one call
description:
  - A user made here carries a mark in its comment field. A user without the mark is never changed or removed.
author: barehost.web contributors
options:
  users:
    description: System users without a password and without a shell, each with a group of the same name.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the user and of its group.
        type: str
        required: true
      home:
        description: Home folder that is noted for the user. It is not made.
        type: str
        default: /nonexistent
      state:
        description: Whether the user is to be there. Removing one leaves its files.
        type: str
        choices: [present, absent]
        default: present
  directories:
    description: Folders.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path of the folder.
        type: str
        required: true
      owner:
        description: User who owns the folder.
        type: str
        default: root
      group:
        description: Group of the folder.
        type: str
        default: root
      mode:
        description: Permissions, octal.
        type: str
        default: "0755"
      state:
        description: Whether the folder is to be there. V(absent) removes it with all that is in it.
        type: str
        choices: [present, absent]
        default: present
attributes:
  check_mode:
    description: Reports what would be made or removed.
    support: full
  diff_mode:
    description: Lists what is made or removed.
    support: full
"""

EXAMPLES = r"""
- name: Make the user and the folder of an application
  barehost.web.accounts:
    users:
      - {name: util, home: /srv/util}
    directories:
      - {path: /srv/util, group: util, mode: "0750"}
"""

RETURN = r"""
changes:
  description: What was done, one sentence each.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.barehost.web.plugins.module_utils._accounts import AccountError, Accounts

_USER = {
    "name": {"type": "str", "required": True},
    "home": {"type": "str", "default": "/nonexistent"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
_DIRECTORY = {
    "path": {"type": "str", "required": True},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str", "default": "0755"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Users before folders, because folders belong to them; removals the other way round."""
    module = AnsibleModule(
        argument_spec={
            "users": {"type": "list", "elements": "dict", "default": [], "options": _USER},
            "directories": {"type": "list", "elements": "dict", "default": [], "options": _DIRECTORY},
        },
        supports_check_mode=True,
    )
    accounts = Accounts(check=module.check_mode)
    try:
        accounts.ensure(module.params["users"], module.params["directories"])
    except AccountError as error:
        module.fail_json(msg=str(error), changes=accounts.changes)
    diff = {"prepared": "".join(f"{change}\n" for change in accounts.changes)}
    module.exit_json(changed=bool(accounts.changes), changes=accounts.changes, diff=diff)


if __name__ == "__main__":
    main()
