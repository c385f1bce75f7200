# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Code of the apps, as somebody who develops it changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from testinfra.host import Host


@pytest.fixture
def append(host: Host) -> Iterator[Callable[[str, str], None]]:
    """Add code to the module of an app, by the name of the app; afterwards all is as it was."""
    kept: dict[str, str] = {}

    def change(name: str, code: str) -> None:
        path = f"/srv/{name}/current/wsgi.py"
        kept.setdefault(path, host.file(path).content_string)
        host.run_test("printf '%%s\\n' %s >> %s", code, path)

    yield change
    for path, content in kept.items():
        host.run_test("printf %%s %s > %s", content, path)
        name = path.split("/")[2]
        host.check_output(f"systemctl restart flask@{name}.service")
