# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What clients get from apps under supervisord, and what nobody else gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testbed.http import Http
    from testinfra.host import Host

SITE = "example.test"
GREETING = '100% "good" morning, it\'s $5'


@pytest.mark.parametrize(
    ("path", "text"),
    [("/", "Hello World!"), ("/other/", GREETING), ("/toy/", "Hello World!"), ("/beside/", "Hello World!")],
)
def test_every_app_answers_through_nginx(http: Http, path: str, text: str) -> None:
    answer = http(path, host=SITE)
    assert (answer.status, answer.text) == (200, text)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_app_on_every_address_answers_on_its_port(http: Http, address: str) -> None:
    assert http("/", address=address, port=5000).text == GREETING


@pytest.mark.parametrize("path", ["/other/request", "/toy/request"])
def test_app_is_told_where_it_is_mounted(http: Http, path: str) -> None:
    told = http(path, host=SITE, headers={"X-Script-Name": "/claimed", "X-Real-IP": "203.0.113.66"}).json()
    assert told["environ"] == {
        "SCRIPT_NAME": path.removesuffix("/request"),
        "PATH_INFO": "/request",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": SITE,
        "SERVER_NAME": SITE,
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
    }


def test_environment_is_shown_to_nobody(host: Host, program: Any) -> None:
    assert "morning" not in host.check_output("ps -eo args")
    assert host.run("grep -rl morning /etc --exclude-dir=barehost").stdout == ""
    assert host.run("runuser -u nobody -- grep -r morning /etc/barehost /var/log/supervisor").stdout == ""
    assert host.run(f"runuser -u hello -- cat /proc/{program('other').master}/environ").rc != 0


@pytest.mark.parametrize(("user", "can"), [("www-data", True), ("nobody", False), ("hello", False), ("toy", False)])
@pytest.mark.parametrize("socket", ["/run/gunicorn/hello.sock", "/run/uwsgi/toy.sock"])
def test_only_the_web_server_can_connect(host: Host, socket: str, user: str, can: bool) -> None:
    connect = f"python3 -c \"import socket; socket.socket(socket.AF_UNIX).connect('{socket}')\""
    assert (host.run(f"runuser -u {user} -- {connect}").rc == 0) is can


@pytest.mark.parametrize("socket", ["/run/supervisor.sock", "/run/barehost-sockets.sock"])
def test_only_root_can_speak_with_supervisord(host: Host, socket: str) -> None:
    file = host.file(socket)
    assert (file.is_socket, file.user) == (True, "root")
    assert file.mode & 0o077 == 0
    listening = host.check_output("ss -Hltn | awk '{print $4}'").split()
    assert {address.rpartition(":")[2] for address in listening} == {"80", "5000"}


@pytest.mark.parametrize("name", ["hello", "toy"])
def test_processes_have_no_privilege_and_cannot_get_any(host: Host, program: Any, name: str) -> None:
    for process in program(name).processes:
        lines = host.file(f"/proc/{process}/status").content_string.splitlines()
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        assert status["NoNewPrivs"] == "1"
        assert {int(status[f"Cap{kind}"], 16) for kind in ("Inh", "Prm", "Eff", "Amb")} == {0}
        assert {int(uid) for uid in status["Uid"].split()} == {host.user(name).uid}
        assert status["Groups"].split() in ([], [str(host.user(name).gid)])


def test_exposure_is_at_most_what_was_reached(host: Host) -> None:
    # Tenths: 2.3. Without the drop-in it is 9.6.
    done = host.run("systemd-analyze security --no-pager --threshold=23 supervisor.service")
    assert done.rc == 0, done.stdout


def test_unit_file_is_sound(host: Host) -> None:
    done = host.run("systemd-analyze verify supervisor.service")
    assert (done.rc, done.stdout + done.stderr) == (0, "")
