# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a checker of nginx's configuration says of all that is published; every scenario with nginx links to this."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testbed.podman import podman

if TYPE_CHECKING:
    from testinfra.host import Host

#: Rules that are left out, and why.
WITHOUT = {
    "nginx_cves": "judges by the numbers of upstream's releases, while Debian brings repairs to older ones",
}


def findings(folder: Path) -> list[dict[str, Any]]:
    """Have a tree checked."""
    gixy = Path(sys.executable).with_name("gixy")
    command = [gixy, "--format=json", f"--skips={','.join(WITHOUT)}", folder / "nginx/nginx.conf"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert done.returncode == (1 if found else 0), done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return found


def test_checker_finds_nothing_in_what_is_published(host: Host, tmp_path: Path) -> None:
    tree = podman("exec", host.backend.hostname, "tar", "-C", "/etc", "-c", "nginx").stdout
    subprocess.run(["tar", "-x", "-C", tmp_path], input=tree, check=True)
    assert findings(tmp_path) == []
    # The checker reads the sites as well.
    (site,) = list((tmp_path / "nginx/sites-enabled").iterdir())[:1]
    site.write_text(site.read_text() + "server { listen 80; location /a { alias /srv/a/; } }\n")
    assert [one["plugin"] for one in findings(tmp_path)] == ["alias_traversal"]
