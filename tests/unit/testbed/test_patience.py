# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What needs the network is tried again, and not for ever."""

from __future__ import annotations

import pytest
from testbed.patience import patiently
from testbed.podman import BedError


@pytest.mark.parametrize("fault", [BedError("the mirror is away"), AssertionError("exit status 100")])
def test_what_fails_once_is_tried_again(fault: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    """The reason of the first failure is told."""
    faults = [fault]

    def fetch() -> str:
        if faults:
            raise faults.pop()
        return "lists"

    assert patiently(fetch, pauses=(0,)) == "lists"
    assert str(fault) in capsys.readouterr().out


@pytest.mark.parametrize(("fault", "tries"), [(BedError("gone"), 3), (ValueError("a slip of the program"), 1)])
def test_what_goes_on_failing_fails(fault: Exception, tries: int) -> None:
    """After the last pause the failure is raised; one that no network has made is raised at once."""
    tried = []

    def fetch() -> None:
        tried.append(1)
        raise fault

    with pytest.raises(type(fault)) as raised:
        patiently(fetch, pauses=(0, 0))
    assert raised.value is fault
    assert len(tried) == tries
