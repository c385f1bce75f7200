# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An app reads its own code and writes none; nobody else reads anything."""

from __future__ import annotations

from typing import Any

import pytest
from testinfra.host import Host

METADATA = """[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "built"
version = "1"
"""
BACKEND = """
import os, pathlib
def build_wheel(folder, *rest):
    seen = [f"uid {os.getuid()}", f"token {os.environ.get('UTIL_TOKEN')}"]
    for place in ("/etc", "/srv", "/var/lib", "/srv/built", "/opt/barehost", "/var/cache/barehost"):
        try:
            pathlib.Path(place, "touched").touch()
            seen.append(f"wrote {place}")
        except OSError:
            pass
    try:
        seen.append(pathlib.Path("/etc/barehost/apps/built.env").read_text())
    except OSError:
        pass
    raise SystemExit("SEEN " + ", ".join(seen) + " END")
"""


def test_the_environment_is_for_root_only(host: Host) -> None:
    file = host.file("/etc/barehost/apps/util.env")
    assert (file.user, file.group, file.mode) == ("root", "root", 0o600)
    assert 'UTIL_GREETING="Released by the role app"' in file.content_string
    assert host.file("/etc/barehost/apps").mode == 0o700


def test_the_environment_arrives_as_it_was_written(converge: Any, host: Host, samples: Any) -> None:
    odd = {"PLAIN": "a b", "QUOTES": "say \"hi\", 'ho'", "SIGNS": "\\ $HOME ${HOME} `id` %h # ; !", "EMPTY": ""}
    entry = {"name": "notes", "source": {"path": str(samples.code("notes"))}, "environment": odd}
    assert converge([entry]).rc == 0
    unit = "systemd-run --quiet --wait --pipe --property=EnvironmentFile=/etc/barehost/apps/notes.env"
    seen = dict(line.split("=", 1) for line in host.check_output(f"{unit} env").splitlines())
    assert {name: seen.get(name) for name in odd} == odd


@pytest.mark.parametrize(
    "command",
    [
        "touch /srv/util/x",
        "touch /srv/util/current/x",
        "touch /srv/util/current/.venv/x",
        "sh -c 'echo >> /srv/util/current/app.py'",
        "ln -sfn /tmp /srv/util/current",
        "cat /etc/barehost/apps/util.env",
        "ls /var/lib/barehost/marks",
    ],
)
def test_the_app_cannot(released: Any, command: str) -> None:
    assert released("util").run(command).rc != 0


def test_nothing_of_an_app_can_be_written_by_anybody(host: Host) -> None:
    assert host.check_output("find /srv/util /srv/frontend -not -user root") == ""
    assert host.check_output("find /srv/util /srv/frontend -not -type l -perm /g+w,o+w") == ""
    assert host.check_output("find /srv/util -not -type l -perm /o+rwx") == ""


def test_another_app_reads_nothing(released: Any) -> None:
    other = released("frontend")
    assert other.run("ls /srv/util").rc != 0
    assert other.run("ls /var/cache/barehost/util").rc != 0


def test_static_files_are_for_everybody_but_the_record(released: Any, host: Host) -> None:
    other = released("util")
    assert "<h1>" in other.run("cat /srv/frontend/current/index.html").stdout
    assert other.run("cat /srv/frontend/current/.release.json").rc != 0
    assert not host.file("/srv/frontend/current/.venv").exists
    assert not host.file("/etc/barehost/apps/frontend.env").exists


def test_builds_run_as_the_app_and_write_nowhere_else(converge: Any, released: Any, samples: Any) -> None:
    project = samples.write("built", {"pyproject.toml": METADATA, "backend.py": BACKEND})
    entry = {"name": "built", "source": {"path": str(project)}, "environment": {"UTIL_TOKEN": "hush"}}
    failed = converge([entry], app_purge=True)
    uid = released("built").run("id -u").stdout.strip()
    assert uid != "0"
    assert f"SEEN uid {uid}, token None END" in failed.message
    assert "hush" not in failed.output
