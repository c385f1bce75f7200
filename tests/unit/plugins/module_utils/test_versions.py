# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which version of a server runs an app."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils._versions import own_version


@pytest.mark.parametrize(("server", "version"), [("gunicorn", "27.0.1"), ("flask", "3.1.3"), ("uwsgi", "")])
def test_the_version_is_that_of_the_live_release(tmp_path: Path, server: str, version: str) -> None:
    packages = tmp_path / "util/releases/one/.venv/lib/python3.13/site-packages"
    for name in ("gunicorn-27.0.1", "werkzeug-3.1.3", "flask-3.0.0", "uwsgi_tools-1.0"):
        (packages / f"{name}.dist-info").mkdir(parents=True)
    (tmp_path / "util/current").symlink_to("releases/one")
    assert own_version(server, "util", tmp_path) == version
