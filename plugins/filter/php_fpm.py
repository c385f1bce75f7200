# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter of role php_fpm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.barehost.web.plugins.plugin_utils._php_fpm import PoolError, leaving, prepared, published

DOCUMENTATION = r"""
name: php_fpm
short_description: What has to be installed, published and started for pools of PHP processes
description:
  - Turns the entries of C(php_fpm_pools) into what the steps of role P(barehost.web.php_fpm#role) take.
  - The entries are expected to have been checked by M(barehost.web.model).
positional: host, outcome
options:
  _input:
    description: The entries of C(php_fpm_pools).
    type: list
    elements: dict
    required: true
  host:
    description:
      - What M(barehost.web.packages) said of the host. With it the result is what has to be published, without it what
        the host needs before.
    type: dict
  outcome:
    description: What M(barehost.web.publish) said. With it the result is what has to be cleaned up afterwards.
    type: dict
author: barehost.web contributors
"""

EXAMPLES = r"""
packages: "{{ (php_fpm_pools | barehost.web.php_fpm).packages }}"
parts: "{{ (php_fpm_pools | barehost.web.php_fpm(__php_fpm_host)).parts }}"
users: "{{ (php_fpm_pools | barehost.web.php_fpm(outcome=__php_fpm_outcome)).users }}"
"""

RETURN = r"""
_value:
  description:
    - C(packages), C(reasons) and C(accounts) before anything is published; C(parts), C(validations) and C(units) for
      M(barehost.web.publish); C(users) that are to be removed afterwards.
  type: dict
"""


def php_fpm(
    pools: object, host: Mapping[str, Any] | None = None, outcome: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Give what the next step of the role takes."""
    try:
        if outcome is not None:
            return {"users": leaving(pools, outcome)}
        return prepared(pools) if host is None else published(pools, host)
    except PoolError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        """Name the filter."""
        return {"php_fpm": php_fpm}
