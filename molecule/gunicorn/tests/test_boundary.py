# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an app cannot have root do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(("service", "user"), [("gunicorn@hello.service", "hello")])
def test_root_runs_no_program_of_an_app(leads_root: Callable[[str, str], bool], service: str, user: str) -> None:
    assert leads_root(service, user) is False
