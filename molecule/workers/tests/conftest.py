# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Jobs as visitors add them, and the processes that do them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.http import Http
    from testinfra.host import Host

SITE = "example.test"


@dataclass(frozen=True)
class Queue:
    """The jobs of an app."""

    http: Http
    name: str

    def add(self, text: str, seconds: float = 0) -> None:
        """Add one."""
        body = urlencode({"text": text, "seconds": seconds})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self.http(f"/{self.name}/", host=SITE, method="POST", body=body, headers=headers)
        assert answer.status == 202, answer

    def find(self, text: str) -> dict[str, Any]:
        """See what became of one."""
        every: list[dict[str, Any]] = json.loads(self.http(f"/{self.name}/", host=SITE).body)
        return next((job for job in every if job["text"] == text), {})

    def done(self, text: str, seconds: float = 60) -> dict[str, Any]:
        """Wait until one is done."""
        end = time.monotonic() + seconds
        while not (found := self.find(text)).get("result"):
            assert time.monotonic() < end, f"nobody does {text}: {found}"
            time.sleep(0.2)
        return found


@pytest.fixture
def queue(http: Http) -> Callable[[str], Queue]:
    """Give the jobs of an app."""
    return lambda name: Queue(http, name)


@pytest.fixture
def processes(host: Host) -> Callable[..., list[int]]:
    """Find the processes of units."""
    return lambda *units: [
        int(host.check_output("systemctl show --property=MainPID --value %s", unit)) for unit in units
    ]
