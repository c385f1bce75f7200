#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: databases
short_description: Have databases and accounts on a MariaDB server, any number in one call
description:
  - Asks the server first, over its unix socket as root, and changes only what differs.
  - An account has all rights on the databases whose entries name it, and no other right at all.
  - Root is let in over the socket alone. Anonymous accounts are removed, and so is a database C(test) without tables.
  - The host remembers the accounts that were made here. The one of an entry that has another O(databases[].user) or
    O(databases[].host) now is removed. An account with rights on the whole server that was not made here is never taken
    over.
author: barehost.web contributors
options:
  databases:
    description: The databases, each with its account.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the database.
        type: str
        required: true
      state:
        description: Whether database and account are to be there. The data of an V(absent) one stays unless
          O(remove_data) is set.
        type: str
        choices: [present, absent]
        default: present
      user:
        description: Name of the account. Empty for that of the database.
        type: str
        default: ""
      host:
        description: Where clients with a password come from. Empty to let in the system user of that name, without one.
        type: str
        default: ""
      password:
        description: Password of an account with a host. The host is given a hash of it.
        type: str
      charset:
        description: Character set of new tables.
        type: str
        default: utf8mb4
      collation:
        description: Collation of new tables. Empty for the server's own for the character set.
        type: str
        default: ""
  purge:
    description: Whether accounts of entries that are not mentioned any more are removed. They are only listed
      otherwise.
    type: bool
    default: false
  remove_data:
    description: Whether databases of absent entries are removed, and with O(purge) those of entries that are not
      mentioned any more.
    type: bool
    default: false
  timeout:
    description: Seconds to wait for the server to answer.
    type: int
    default: 30
attributes:
  check_mode:
    description: Reports what would be changed. Where there is no server yet, that is all that would be made.
    support: full
  diff_mode:
    description: Lists what is changed, without any password.
    support: full
seealso:
  - module: barehost.web.database_server
"""

EXAMPLES = r"""
- name: Have two databases
  barehost.web.databases:
    databases:
      - {name: util}
      - {name: reports, user: reader, host: 192.0.2.20, password: "{{ vault_reports }}"}
"""

RETURN = r"""
changes:
  description: What was done, one sentence each.
  returned: success
  type: list
  elements: str
orphans:
  description: Entries whose accounts stay although they are not mentioned any more.
  returned: success
  type: list
  elements: str
"""
