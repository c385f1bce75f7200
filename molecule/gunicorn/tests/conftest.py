# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at the processes of an app, and vary the apps of the inventory."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from testinfra.host import Host

ROOT = Path(__file__).parents[3]
INVENTORY: dict[str, Any] = yaml.safe_load((ROOT / "inventory/gunicorn/group_vars/web.yml").read_text())


@dataclass(frozen=True)
class Unit:
    """The service of one app on a machine."""

    host: Host
    name: str

    @property
    def service(self) -> str:
        """Name it as systemd does."""
        return f"gunicorn@{self.name}.service"

    @property
    def master(self) -> int:
        """Find the process that systemd has started; 0 if there is none."""
        return int(self.host.check_output(f"systemctl show --property=MainPID --value {self.service}"))

    @property
    def workers(self) -> set[int]:
        """Find the processes that answer."""
        master = self.master
        children = self.host.run(f"cat /proc/{master}/task/{master}/children")
        return {int(pid) for pid in children.stdout.split()}

    @property
    def processes(self) -> set[int]:
        """Find all of them, to see whether they are still the same later."""
        return {self.master, *self.workers}


@pytest.fixture
def unit(host: Host) -> Callable[[str], Unit]:
    """Give the service of an app by the name of the app."""
    return lambda name: Unit(host, name)


@pytest.fixture
def varied() -> Callable[..., dict[str, Any]]:
    """Give the apps of the inventory with changes: varied(hello={"processes": 3}), or with further ones."""

    def vary(*more: dict[str, Any], key: str = "gunicorn_apps", **changes: dict[str, Any]) -> dict[str, Any]:
        return {key: [app | changes.get(app["name"], {}) for app in INVENTORY[key]] + [*more]}

    return vary


@pytest.fixture
def soon() -> Callable[[Callable[[], object]], float]:
    """Wait until something is so, 5 seconds at the most, and give the seconds that it took."""

    def wait(condition: Callable[[], object]) -> float:
        start = time.monotonic()
        while not condition():
            assert time.monotonic() - start < 5, "it did not happen within 5 seconds"
            time.sleep(0.1)
        return time.monotonic() - start

    return wait
