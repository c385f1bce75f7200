# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files that the sites of the scenario serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from testbed.podman import podman_ok

if TYPE_CHECKING:
    from testinfra.host import Host

FILES = {
    "/srv/www/main/index.html": "the frontend",
    "/srv/www/main/page.html": "a page",
    "/srv/www/main/.env": "SECRET=1",
    "/srv/www/main/.git/config": "SECRET=1",
    "/srv/www/main/.well-known/security.txt": "Contact: mailto:web@example.test",
    "/srv/www/flask/style.css": "body {}",
}


@pytest.fixture(scope="session", autouse=True)
def content(host: Host) -> None:
    """The folders."""
    script = 'mkdir -p "$(dirname "$1")" && cat > "$1"'
    for path, text in FILES.items():
        podman_ok("exec", "-i", host.backend.hostname, "sh", "-c", script, "put", path, data=text.encode())
