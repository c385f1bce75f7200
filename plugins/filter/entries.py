# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Give a role its part of the model."""

from __future__ import annotations

from collections.abc import Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.barehost.web.plugins.plugin_utils._convert import Data
from ansible_collections.barehost.web.plugins.plugin_utils._entries import ROLES, STATES, part
from ansible_collections.barehost.web.plugins.plugin_utils._problem import hint, show

DOCUMENTATION = r"""
name: entries
short_description: Give a role its part of the model
description:
  - Reduces entries to the keys that a role of this collection knows, converts values to their types and fills in
    defaults, also in nested mappings, all as the role's argument specification says.
  - The entries are expected to have been checked by M(barehost.web.model).
positional: role, state
options:
  _input:
    description: Entries of C(web_apps), of C(web_sites) for the roles C(nginx), C(apache), C(certificates) and
      C(certbot), or of C(mariadb_databases) for the role C(mariadb).
    type: list
    elements: dict
    required: true
  role:
    description: The role that takes the entries.
    type: str
    choices: [apache, app, certbot, certificates, flask, gunicorn, mariadb, mod_wsgi, nginx, supervisor, uwsgi]
    required: true
  state:
    description: Give only entries of this state. All entries when it is left out.
    type: str
    choices: [present, absent]
author: barehost.web contributors
"""

EXAMPLES = r"""
# Apps that are to be removed, as role app takes them
app_apps: "{{ web_apps | barehost.web.entries('app', state='absent') }}"

# All apps, as role gunicorn takes them; it runs those whose server it is
gunicorn_apps: "{{ web_apps | barehost.web.entries('gunicorn') }}"
"""

RETURN = r"""
_value:
  description: The entries. A key that is not given and has no default is left out.
  type: list
  elements: dict
"""


def entries(value: object, role: str, state: str | None = None) -> list[dict[str, Data]]:
    """Check the arguments and select."""
    if role not in ROLES:
        raise AnsibleFilterError(f"entries: there is no role {show(role)}; {hint(str(role), ROLES)}")
    if state is not None and state not in STATES:
        raise AnsibleFilterError(f"entries: there is no state {show(state)}; {hint(str(state), STATES)}")
    return part(value, role, state)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., list[dict[str, Data]]]]:
        """Name the filter."""
        return {"entries": entries}
