# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the sites of the scenario serve: folders with files, and an app that tells what it was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from testbed.podman import podman_ok

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

FILES = {
    "/srv/www/docs/index.html": "the documentation",
    "/srv/www/docs/page.html": "a page",
    "/srv/www/docs/.env": "SECRET=1",
    "/srv/www/docs/.well-known/security.txt": "Contact: mailto:web@example.test",
    "/srv/www/app/index.html": "the app",
    "/srv/www/app/asset.js": "1",
}

#: An HTTP server that answers with the request as it arrived; ``/slow`` streams two pieces half a second apart.
ECHO = """
import http.server, json, time

class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        size = int(self.headers.get("Content-Length") or 0)
        body = json.dumps({
            "line": self.requestline,
            "headers": {name.lower(): self.headers.get_all(name) for name in self.headers},
            "size": len(self.rfile.read(size)),
        }).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *words):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", 5001), Echo).serve_forever()
"""


def put(container: str, path: str, text: str) -> None:
    """Write a file on a machine."""
    script = 'mkdir -p "$(dirname "$1")" && cat > "$1"'
    podman_ok("exec", "-i", container, "sh", "-c", script, "put", path, data=text.encode())


@pytest.fixture(scope="session", autouse=True)
def content(host: Host) -> Iterator[None]:
    """The folders, and the app on port 5001."""
    container = host.backend.hostname
    for path, text in FILES.items():
        put(container, path, text)
    put(container, "/usr/local/bin/echo-app", ECHO)
    host.check_output("systemd-run --unit=echo-app --collect python3 /usr/local/bin/echo-app")
    host.check_output("for i in $(seq 600); do ss -ltn | grep -q 127.0.0.1:5001 && exit 0; sleep .1; done; exit 1")
    yield
    host.check_output("systemctl stop echo-app")
