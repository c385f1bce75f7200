# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From pools to PHP-FPM's packages, files and units."""

from __future__ import annotations

from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import jinja2
import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._entries import select
from ansible_collections.barehost.web.plugins.plugin_utils._php_fpm import (
    PoolError,
    debian_php,
    fixed,
    ini,
    leaving,
    prepared,
    published,
    service_lines,
)
from jinja2.sandbox import SandboxedEnvironment

TRIXIE = {"codename": "trixie", "versions": {}}
REPOSITORY = Path(__file__).parents[4]


def pool(**options: Any) -> dict[str, Any]:
    (filled,) = select([{"name": "shop"} | options], "php_fpm")
    return filled


def render(*pools: dict[str, Any]) -> dict[str, str]:
    """Render all files, as publish does."""
    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader([REPOSITORY / "roles/php_fpm/templates", REPOSITORY / "templates"]),
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    return {
        file["dest"]: file["content"]
        if "content" in file
        else environment.get_template(file["template"]).render(ansible_managed="-", **file.get("vars", {}))
        for file in published(list(pools), TRIXIE)["parts"]["files"]
    }


def conf(**options: Any) -> dict[str, str]:
    parser = RawConfigParser(strict=True)
    parser.read_string(render({"name": "shop"} | options)["/etc/php_fpm/shop.conf"])
    return dict(parser["shop"])


def test_directives_of_a_plain_pool() -> None:
    found = conf()
    assert {name: value for name, value in found.items() if not name.startswith("php_")} == {
        "listen": "/run/php_fpm/shop.sock",
        "ping.path": "/php_fpm/ping",
        "pm": "dynamic",
        "pm.max_children": "5",
        "pm.start_servers": "3",
        "pm.min_spare_servers": "1",
        "pm.max_spare_servers": "3",
        "pm.max_requests": "0",
        "request_terminate_timeout": "60",
        "security.limit_extensions": ".php",
        "catch_workers_output": "yes",
        "decorate_workers_output": "no",
        "clear_env": "yes",
    }
    assert found["php_admin_value[memory_limit]"] == '"128M"'
    assert found["php_admin_value[display_errors]"] == '"0"'


@pytest.mark.parametrize(
    ("options", "directives"),
    [
        ({"max_requests": 500}, {"pm.max_requests": "500"}),
        ({"slow_log": 3}, {"request_slowlog_timeout": "3", "slowlog": "/dev/null"}),
        ({"timeout": 0}, {"request_terminate_timeout": "0"}),
        ({"environment": {"KEY": "secret"}}, {"env[key]": "$KEY"}),
        ({"settings": {"date.timezone": "UTC"}}, {"php_admin_value[date.timezone]": '"UTC"'}),
        ({"settings": {"display_errors": True}}, {"php_admin_value[display_errors]": '"1"'}),
        ({"options": {"pm.status_path": "/status"}}, {"pm.status_path": "/status"}),
        ({"options": {"access.suppress": True}}, {"access.suppress": "yes"}),
    ],
)
def test_directives_that_are_asked_for(options: dict[str, Any], directives: dict[str, str]) -> None:
    assert conf(**options) == conf() | directives


@pytest.mark.parametrize(
    ("processes", "least", "most"), [(1, 1, 1), (2, 1, 1), (3, 1, 2), (4, 1, 2), (5, 1, 3), (8, 2, 4), (40, 10, 20)]
)
def test_half_of_the_processes_wait(processes: int, least: int, most: int) -> None:
    assert conf(processes=processes) == conf() | {
        "pm.max_children": str(processes),
        "pm.start_servers": str(most),
        "pm.min_spare_servers": str(least),
        "pm.max_spare_servers": str(most),
    }


@pytest.mark.parametrize(
    ("upload", "post"), [("8M", "9216K"), ("64M", "66560K"), ("1G", "1049600K"), ("512K", "1536K"), ("2048", "1026K")]
)
def test_request_may_be_larger_than_its_file(upload: str, post: str) -> None:
    found = fixed(pool(upload_max=upload))
    assert (found["upload_max_filesize"], found["post_max_size"]) == (upload, post)


@pytest.mark.parametrize(
    ("name", "at_start"),
    [
        ("opcache.memory_consumption", True),
        ("apc.shm_size", True),
        ("max_execution_time", True),
        ("pcre.jit", True),
        ("pcre.backtrack_limit", False),
        ("date.timezone", False),
        ("session.save_path", False),
        ("post_max_size", False),
    ],
)
def test_setting_is_where_php_reads_it(name: str, at_start: bool) -> None:
    asked = pool(settings={name: "x"})
    assert (ini(asked).get(name) == "x") is at_start
    assert (fixed(asked).get(name) == "x") is not at_start


def test_secret_is_in_the_environment_file_only() -> None:
    files = render({"name": "shop", "environment": {"KEY": 'a "b" $c'}})
    assert [dest for dest, text in files.items() if "a " in text and "b" in text and "$c" in text] == [
        "/etc/php_fpm/shop.env"
    ]
    (file,) = (
        file
        for file in published([{"name": "shop", "environment": {"KEY": "x"}}], TRIXIE)["parts"]["files"]
        if file["dest"].endswith(".env")
    )
    assert (file["mode"], file["secret"], file["restart"]) == ("0600", True, ["php_fpm@shop.service"])


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ({}, []),
        ({"php": "8.4"}, []),
        (
            {"php": "8.2"},
            [
                "ExecStart=",
                "ExecStart=/usr/sbin/php-fpm8.2 --nodaemonize --force-stderr --fpm-config /etc/php_fpm/%i.conf",
            ],
        ),
        ({"user": "www"}, ["User=www"]),
        ({"graceful_timeout": 40}, ["TimeoutStopSec=45"]),
        ({"graceful_timeout": 100}, ["TimeoutStopSec=105", "TimeoutStartSec=105"]),
        ({"memory_max": "1G"}, ["MemoryMax=1G"]),
        ({"processes": 50}, ["TasksMax=432"]),
        ({"writable": ["/srv/a", "/srv/b"]}, ["ReadWritePaths=/srv/a /srv/b"]),
        ({"binds": ["/srv/a:/opt/a"]}, ["BindReadOnlyPaths=/srv/a:/opt/a"]),
        ({"binds": ["/home/a:/opt/a"]}, ["BindReadOnlyPaths=/home/a:/opt/a"]),
        ({"directory": "/home/shop/www"}, ["ProtectHome=read-only"]),
        ({"directory": "/homes/shop"}, []),
    ],
)
def test_service_differs_where_the_pool_does(options: dict[str, Any], lines: list[str]) -> None:
    assert service_lines(pool(**options), options.get("php", "8.4"), "8.4") == lines


@pytest.mark.parametrize(
    ("host", "version"),
    [
        ({"codename": "bookworm", "versions": {}}, "8.2"),
        (TRIXIE, "8.4"),
        ({"codename": "trixie", "versions": {"php-fpm": "2:8.4+96"}}, "8.4"),
        ({"codename": "bookworm", "versions": {"php-fpm": "2:8.5+97~deb12"}}, "8.5"),
        ({"codename": "bookworm", "versions": {"php8.3-fpm": "8.3.1"}}, "8.2"),
    ],
)
def test_version_is_that_of_the_hosts_package(host: dict[str, Any], version: str) -> None:
    assert debian_php(host) == version


def test_host_that_nobody_asked_is_an_error() -> None:
    with pytest.raises(PoolError, match="php_fpm_install"):
        published([{"name": "shop"}], {})


@pytest.mark.parametrize(
    ("options", "packages"),
    [
        ({}, ["php-fpm"]),
        ({"php": "8.2"}, ["php8.2-fpm"]),
        ({"extensions": ["mysql", "gd"]}, ["php-fpm", "php-mysql", "php-gd"]),
        ({"extensions": ["mysqli", "pdo_mysql", "dom", "json", "opcache"]}, ["php-fpm", "php-mysql", "php-xml"]),
        ({"php": "8.3", "extensions": ["imagick"]}, ["php8.3-fpm", "php8.3-imagick"]),
    ],
)
def test_packages_of_a_pool(options: dict[str, Any], packages: list[str]) -> None:
    assert prepared([{"name": "shop"} | options])["packages"] == packages


def test_packages_of_all_pools_are_each_named_once_with_who_wants_them() -> None:
    pools = [
        {"name": "shop", "extensions": ["gd"]},
        {"name": "old", "php": "5.6"},
        {"name": "blog", "extensions": ["gd"]},
    ]
    found = prepared([*pools, {"name": "gone", "state": "absent", "extensions": ["imap"]}])
    assert found["packages"] == ["php-fpm", "php-gd", "php5.6-fpm"]
    assert found["reasons"]["php5.6-fpm"].startswith("pool 'old' wants PHP 5.6; ")
    assert found["reasons"]["php-gd"].startswith("pool 'shop' wants extension 'gd' of PHP of Debian; ")


def test_user_is_made_for_a_pool_that_names_none() -> None:
    pools = [{"name": "shop"}, {"name": "blog", "user": "www"}, {"name": "gone", "state": "absent"}]
    assert prepared(pools)["accounts"]["users"] == [{"name": "shop"}]


def test_every_file_is_checked_by_the_php_that_will_read_it() -> None:
    found = published([{"name": "shop"}, {"name": "old", "php": "8.2"}], TRIXIE)
    assert [(one["command"][0], one["each"]) for one in found["validations"]] == [
        ("php-fpm8.4", "/etc/php_fpm/shop.conf"),
        ("php-fpm8.2", "/etc/php_fpm/old.conf"),
    ]


def test_debians_own_services_are_stopped_and_the_pools_asked() -> None:
    found = published([{"name": "shop"}, {"name": "old", "php": "8.2"}], TRIXIE)["units"]
    assert [unit["name"] for unit in found if unit.get("state") == "stopped"] == [
        "php8.2-fpm.service",
        "php8.4-fpm.service",
    ]
    ready = {unit["entry"]: unit["ready"] for unit in found if "ready" in unit}
    assert ready["old"] == {
        "protocol": "fastcgi",
        "address": "unix:/run/php_fpm/old.sock",
        "path": "/php_fpm/ping",
        "timeout": 30,
    }


def test_absent_pools_leave_nothing() -> None:
    assert published([{"name": "gone", "state": "absent"}], {}) == {
        "parts": {"files": [], "links": [], "entries": ["gone"]},
        "validations": [],
        "units": [],
    }


@pytest.mark.parametrize(
    ("pools", "removed", "users"),
    [
        ([{"name": "shop"}], [], []),
        ([{"name": "shop", "state": "absent"}], [], ["shop"]),
        ([{"name": "shop", "state": "absent", "user": "www"}], ["shop"], []),
        ([{"name": "shop"}], ["blog", "blog", ""], ["blog"]),
        ([{"name": "shop"}], ["shop"], []),
    ],
)
def test_user_goes_with_its_pool(pools: list[dict[str, Any]], removed: list[str], users: list[str]) -> None:
    files = [{"change": "remove", "entry": entry} for entry in removed] + [{"change": "update", "entry": "x"}]
    assert leaving(pools, {"files": files}) == [{"name": name, "state": "absent"} for name in users]
