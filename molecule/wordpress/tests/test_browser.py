# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real browser: somebody writes a post with a picture, somebody else reads it and comments."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from testbed.patience import install
from testbed.podman import ROOT, podman_ok

if TYPE_CHECKING:
    from testinfra.host import Host

PACKAGES = ("chromium", "chromium-driver", "python3-selenium")
PROGRAM = Path(__file__).with_name("visit.py").read_text(encoding="utf-8")
PICTURES = ROOT / "test-results" / "wordpress"


@pytest.fixture(scope="session")
def chromium(machine: Any) -> str:
    """Have Debian's Chromium in the machine, and give the name of its container."""
    name: str = machine.container
    install(name, *PACKAGES)
    return name


def test_post_is_written_read_and_commented(chromium: str, host: Host, machine: Any) -> None:
    password = host.check_output("cat /etc/barehost/wordpress/notes.password")
    wanted = {"site": "notes.example.test", "password": password, "title": "First snow"}
    told = json.loads(podman_ok("exec", "-i", chromium, "python3", "-c", PROGRAM, data=json.dumps(wanted).encode()))
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, picture in told["pictures"].items():
        (PICTURES / f"{machine.name}-{name}.png").write_bytes(base64.b64decode(picture))
    seen = told["seen"]
    assert seen["title"].startswith("First snow")
    assert seen["address"] == "http://notes.example.test/first-snow/"
    assert seen["text"]
    # The browser has decoded the picture.
    assert seen["width"] == 10
    assert not seen["bar"]
    assert seen["awaits"]
