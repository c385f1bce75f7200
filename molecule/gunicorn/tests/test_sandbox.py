# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an app, or somebody on the host, cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

SOCKET = "/run/gunicorn/notes.sock"
CONNECT = f"python3 -c \"import socket; socket.socket(socket.AF_UNIX).connect('{SOCKET}')\""


@pytest.mark.parametrize("name", ["hello", "other", "notes"])
def test_exposure_is_at_most_what_was_reached(host: Host, name: str) -> None:
    # Tenths: 1.2. A drop-in of an app is judged as well.
    done = host.run(f"systemd-analyze security --no-pager --threshold=12 gunicorn@{name}.service")
    assert done.rc == 0, done.stdout


def test_unit_files_are_sound(host: Host) -> None:
    done = host.run("systemd-analyze verify gunicorn@hello.service gunicorn@notes.socket")
    assert (done.rc, done.stdout + done.stderr) == (0, "")


def test_socket_belongs_to_the_web_server(host: Host) -> None:
    socket = host.file(SOCKET)
    assert (socket.user, socket.group, socket.mode) == ("root", "www-data", 0o660)


@pytest.mark.parametrize(("user", "can"), [("www-data", True), ("nobody", False), ("hello", False), ("notes", False)])
def test_only_the_web_server_can_connect(host: Host, user: str, can: bool) -> None:
    done = host.run(f"runuser -u {user} -- {CONNECT}")
    assert (done.rc == 0) is can
    assert can or "Permission denied" in done.stderr


def test_processes_have_no_privilege_and_cannot_get_any(host: Host, unit: Any) -> None:
    for process in unit("notes").processes:
        lines = host.file(f"/proc/{process}/status").content_string.splitlines()
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"
        assert {int(status[f"Cap{kind}"], 16) for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {0}
        assert host.user("notes").uid == int(status["Uid"].split()[0])


@pytest.mark.parametrize(
    ("path", "can"),
    [
        ("/srv/notes/current/wsgi.py", False),
        ("/srv/notes/current/new.py", False),
        ("/srv/notes/new", False),
        ("/etc/gunicorn/notes.conf.py", False),
        ("/run/gunicorn/new", False),
        ("/var/lib/new", False),
        ("/var/lib/hello/new", False),
        ("/var/lib/notes/new", True),
        ("/run/gunicorn/notes/new", True),
        ("/tmp/new", True),
    ],
)
def test_app_writes_only_where_it_may(host: Host, unit: Any, path: str, can: bool) -> None:
    inside = f"nsenter --target {unit('notes').master} --mount --"
    done = host.run(f"{inside} setpriv --reuid=notes --regid=notes --clear-groups -- sh -c ': >> {path}'")
    host.run(f"{inside} rm -f /var/lib/notes/new /run/gunicorn/notes/new /tmp/new")
    assert (done.rc == 0) is can, done.stderr


@pytest.mark.parametrize(
    ("path", "can"),
    [
        ("/srv/notes/current/wsgi.py", True),
        ("/etc/gunicorn/notes.conf.py", True),
        ("/srv/hello/current/wsgi.py", False),
        ("/etc/gunicorn/hello.conf.py", False),
        ("/etc/barehost/apps/other.env", False),
        ("/var/lib/hello", False),
    ],
)
def test_app_reads_nothing_of_the_others(host: Host, path: str, can: bool) -> None:
    assert (host.run(f"runuser -u notes -- test -r {path}").rc == 0) is can


def test_temporary_files_of_an_app_are_its_own(host: Host, unit: Any) -> None:
    host.check_output(f"nsenter --target {unit('notes').master} --mount -- touch /tmp/of-notes")
    assert not host.file("/tmp/of-notes").exists
    assert host.run(f"nsenter --target {unit('hello').master} --mount -- test -e /tmp/of-notes").rc != 0
