# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a web server gets from pools, and what their code can and cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

FORM = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="big.bin"\r\n\r\n%s\r\n--edge--\r\n'
MEGABYTE = 1 << 20


@pytest.mark.parametrize("name", ["hello", "shop"])
def test_every_pool_answers_as_its_own_user(ask: Any, name: str) -> None:
    assert (ask(name, "who").status, ask(name, "who").value) == (200, name)


def test_settings_arrive(ask: Any) -> None:
    wanted = {
        "memory_limit": "256M",
        "upload_max_filesize": "64M",
        "post_max_size": "66560K",
        "max_execution_time": "120",
        "date.timezone": "Europe/Berlin",
        "opcache.memory_consumption": "64",
        "opcache.max_accelerated_files": "20000",
        "pcre.jit": "0",
        "expose_php": "0",
        "display_errors": "0",
        "cgi.fix_pathinfo": "0",
        "session.save_path": "/tmp",
    }
    settings = ask("shop", "settings").value
    assert {name: settings[name] for name in wanted} == wanted
    assert ask("hello", "settings").value["memory_limit"] == "128M"


def test_code_cannot_raise_its_limit(ask: Any) -> None:
    assert ask("shop", "limit", path="memory_limit").value is False
    assert ask("shop", "limit", path="precision").value is not False


def test_extensions_are_there(ask: Any) -> None:
    assert {"mysqli", "mbstring", "curl", "Zend OPcache"} <= {*ask("shop", "extensions").value}


def test_patterns_and_the_cache_work_in_the_sandbox(ask: Any) -> None:
    assert ask("shop", "pattern").value == 1
    assert ask("shop", "cache").value is True


def test_code_sees_its_variables_and_no_others(ask: Any) -> None:
    assert ask("shop", "variable", path="SHOP_KEY").value == "not for everybody"
    for other in ("NOTIFY_SOCKET", "LISTEN_FDS", "FPM_SOCKETS", "PHP_INI_SCAN_DIR", "PATH"):
        assert ask("shop", "variable", path=other).value is False, other
    assert ask("hello", "variable", path="SHOP_KEY").value is False


def test_pool_reads_its_own_code_and_nobody_elses(ask: Any) -> None:
    assert "posix_geteuid" in ask("hello", "read", path="/srv/hello/probe.php").value
    for path in ("/srv/shop/probe.php", "/etc/php_fpm/shop.conf", "/etc/php_fpm/shop.env", "/etc/php_fpm/hello.env"):
        assert ask("hello", "read", path=path).value is False, path
    assert ask("shop", "read", path="/etc/php_fpm/shop.env").value is False


def test_secret_is_for_root_only(host: Host) -> None:
    file = host.file("/etc/php_fpm/shop.env")
    assert (file.user, file.group, file.mode) == ("root", "root", 0o600)
    units = "/etc/systemd/system /run/systemd/system /etc/php_fpm/*.conf /etc/php_fpm/*.d"
    assert host.run(f"grep -r 'not for everybody' {units}").stdout == ""


def test_pool_writes_to_its_own_tmp_only(ask: Any, host: Host) -> None:
    host.check_output("mkdir -p /srv/shop/open && chown shop /srv/shop/open")
    assert ask("shop", "write", path="/tmp/mine").value == len("written\n")
    assert not host.file("/tmp/mine").exists
    assert ask("hello", "read", path="/tmp/mine").value is False
    for path in (
        "/srv/shop/open/x.php",
        "/srv/shop/probe.php",
        "/etc/php_fpm/shop.conf",
        "/var/tmp/../lib/x",
        "/run/x",
    ):
        assert ask("shop", "write", path=path).value is False, path


@pytest.mark.parametrize(("script", "status"), [("probe.txt", 403), ("probe.txt/x.php", 404), ("none.php", 404)])
def test_only_scripts_are_run(ask: Any, script: str, status: int) -> None:
    assert ask("hello", "who", script=f"/srv/hello/{script}").status == status


@pytest.mark.parametrize(("name", "size", "error"), [("shop", 9, 0), ("hello", 7, 0), ("hello", 8.5, 1)])
def test_upload_is_limited(ask: Any, name: str, size: float, error: int) -> None:
    body = FORM % (b"x" * int(size * MEGABYTE))
    found, length, folder = ask(name, "upload", body=body).value["file"]
    assert found == error
    if not error:
        assert (length, folder) == (int(size * MEGABYTE), "/tmp")


def test_complaint_is_in_the_journal_and_not_on_the_page(ask: Any, journal: Any) -> None:
    assert ask("hello", "complain").body == "true"
    assert "the shelf is empty in /srv/hello/probe.php" in journal("hello")


def test_slow_request_is_in_the_journal(ask: Any, journal: Any) -> None:
    ask("shop", "wait", seconds=3.5)
    assert '/srv/shop/probe.php?do=wait&seconds=3.5") executing too slow' in journal("shop")


def test_nothing_of_debians_own_service_runs(host: Host, version: str) -> None:
    assert not host.service(f"php{version}-fpm.service").is_running
    assert not host.service(f"php{version}-fpm.service").is_enabled
    assert host.run("ls /run/php").stdout == ""
    assert {*host.check_output("ps -o user= -C php-fpm" + version).split()} == {"hello", "shop"}


@pytest.mark.parametrize(("user", "can"), [("www-data", True), ("nobody", False), ("hello", False), ("shop", False)])
def test_only_the_web_server_can_connect(host: Host, user: str, can: bool) -> None:
    connect = "python3 -c \"import socket; socket.socket(socket.AF_UNIX).connect('/run/php_fpm/shop.sock')\""
    assert (host.run(f"runuser -u {user} -- {connect}").rc == 0) is can


@pytest.mark.parametrize("name", ["hello", "shop"])
def test_exposure_is_at_most_what_was_reached(host: Host, name: str) -> None:
    done = host.run(f"systemd-analyze security --no-pager --threshold=12 php_fpm@{name}.service")
    assert done.rc == 0, done.stdout


def test_unit_files_are_sound(host: Host) -> None:
    done = host.run("systemd-analyze verify php_fpm@hello.service php_fpm@shop.socket")
    assert (done.rc, done.stdout + done.stderr) == (0, "")
