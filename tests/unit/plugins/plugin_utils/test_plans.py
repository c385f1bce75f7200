# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What roles install and publish, whose files are tested where they are made."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.barehost.web.plugins.modules.publish import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._options import checked_options
from ansible_collections.barehost.web.plugins.plugin_utils._plans import PLANS
from ansible_collections.barehost.web.plugins.plugin_utils._publish_action import joined, placed
from ansible_collections.barehost.web.plugins.plugin_utils._role import typed
from ansible_collections.barehost.web.plugins.plugin_utils._schema import options

APP: dict[str, Any] = {"name": "util", "source": {"path": "code"}, "wsgi": "wsgi:app"}
SITE: dict[str, Any] = {"name": "main", "domains": ["a.test"], "routes": [{"path": "/", "static": "/srv/www"}]}
TRIXIE = {"codename": "trixie", "ipv6": True, "versions": {}, "pool": "128M", "validate": {"command": ["true"]}}


def values(role: str, **given: Any) -> dict[str, Any]:
    """The options of a role with its defaults."""
    defaults = {name: option.default for name, option in options(role).items()}
    return typed(role, {**defaults, **given})


@pytest.mark.parametrize(
    ("role", "given", "packages"),
    [
        ("app", {}, []),
        ("app", {"app_apps": [{**APP, "server": "gunicorn"}]}, ["ca-certificates", "python3-pip-whl"]),
        ("app", {"app_apps": [{**APP, "server": "gunicorn"}], "app_part": "remove"}, []),
        ("app", {"app_apps": [{**APP, "server": "none"}], "app_packages": ["git"]}, ["ca-certificates", "git"]),
        ("gunicorn", {"gunicorn_apps": [{**APP, "server": "gunicorn"}]}, []),
        ("uwsgi", {"uwsgi_apps": [{**APP, "server": "gunicorn"}]}, []),
        ("uwsgi", {"uwsgi_apps": [{**APP, "server": "uwsgi"}]}, ["uwsgi-core", "uwsgi-plugin-python3"]),
        ("mod_wsgi", {"mod_wsgi_apps": [{**APP, "server": "mod_wsgi"}]}, ["apache2-bin", "libapache2-mod-wsgi-py3"]),
        ("flask", {}, []),
        ("supervisor", {"supervisor_apps": [{**APP, "server": "gunicorn", "manager": "supervisor"}]}, ["supervisor"]),
        ("supervisor", {"supervisor_apps": [{**APP, "server": "gunicorn", "manager": "systemd"}]}, []),
        ("workers", {}, []),
        ("wordpress", {}, []),
        ("mariadb", {}, ["mariadb-server"]),
        ("php_fpm", {}, []),
        ("php_fpm", {"php_fpm_pools": [{"name": "shop", "directory": "/srv/shop"}]}, ["php-fpm"]),
        ("nginx", {}, ["nginx", "logrotate"]),
        ("nginx", {"nginx_sites": [{**SITE, "server": "apache"}]}, []),
        ("apache", {}, []),
        ("apache", {"apache_sites": [{**SITE, "server": "apache"}]}, ["apache2", "logrotate"]),
        ("certbot", {}, []),
        ("certbot", {"certbot_sites": [{**SITE, "tls": {"mode": "acme"}}]}, ["certbot", "openssl"]),
    ],
)
def test_role_installs_what_its_entries_need(role: str, given: dict[str, Any], packages: list[str]) -> None:
    assert list(PLANS[role].packages(values(role, **given)).names) == packages


@pytest.mark.parametrize("role", PLANS)
def test_what_a_role_publishes_is_complete_and_its_own(role: str) -> None:
    wanted = PLANS[role].publish(values(role), TRIXIE)
    if wanted is not None:
        assert checked_options(DOCUMENTATION, placed(wanted))["set"] == role


@pytest.mark.parametrize(
    ("role", "given", "asked"),
    [
        ("app", {}, False),
        ("app", {"app_purge": "yes"}, True),
        ("app", {"app_purge": "yes", "app_part": "release"}, False),
        ("app", {"app_apps": [{**APP, "state": "absent"}]}, True),
        ("app", {"app_apps": [{**APP, "state": "absent"}], "app_part": "release"}, False),
        ("supervisor", {}, False),
        ("supervisor", {"supervisor_purge": True}, True),
        ("certbot", {}, False),
        ("nginx", {}, True),
    ],
)
def test_host_is_not_asked_about_nothing(role: str, given: dict[str, Any], *, asked: bool) -> None:
    assert (PLANS[role].publish(values(role, **given), TRIXIE) is not None) is asked


def test_nginx_leaves_the_ports_to_apache() -> None:
    wanted = PLANS["nginx"].publish(values("nginx", nginx_sites=[{**SITE, "server": "apache"}]), TRIXIE) or {}
    assert [wanted.get(key) for key in ("files", "reload", "validate")] == [None, None, None]
    assert wanted["parts"] == {"entries": ["main"]}


def test_users_of_pools_leave_with_them() -> None:
    pools = [{"name": "shop", "directory": "/srv/shop", "state": "absent"}]
    assert PLANS["php_fpm"].leaving(values("php_fpm", php_fpm_pools=pools), {"files": []}) == [
        {"name": "shop", "state": "absent"}
    ]


def test_roles_that_publish_are_documented() -> None:
    assert yaml_load(DOCUMENTATION)["options"]["role"]["choices"] == ["", *sorted(PLANS)]


def test_result_of_two_calls_tells_of_both() -> None:
    first = {"changed": True, "installed": ["nginx"], "diff": {"prepared": "install nginx\n"}, "warnings": ["old"]}
    second = {"changed": False, "actions": ["start nginx"], "diff": [{"prepared": "start\n"}]}
    assert joined(first, second) == {
        "changed": True,
        "installed": ["nginx"],
        "actions": ["start nginx"],
        "diff": [{"prepared": "install nginx\n"}, {"prepared": "start\n"}],
        "warnings": ["old"],
    }
    assert joined({"changed": False}, {"failed": True, "msg": "no"}) == {"changed": False, "failed": True, "msg": "no"}
