# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter barehost.web.entries."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.barehost.web.plugins.filter.entries import FilterModule

entries = FilterModule().filters()["entries"]


def test_it_gives_a_role_its_entries() -> None:
    assert [site["listen"] for site in entries([{"name": "main"}], "nginx", state="present")] == [["80"]]


@pytest.mark.parametrize(
    ("role", "state", "message"),
    [
        ("ngnix", None, "there is no role 'ngnix'; did you mean 'nginx'?"),
        ("nginx", "gone", "there is no state 'gone'; there is 'absent', 'present'"),
    ],
)
def test_an_argument_that_it_does_not_know_is_refused(role: str, state: str | None, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        entries([], role, state)
