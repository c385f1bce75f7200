# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What somebody else has changed on a host is found and repaired by the next run, which believes no run before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from testbed.converge import Outcome
from testbed.converge import converge as run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.http import Http
    from testinfra.host import Host

SITE = "example.test"
#: What was done behind the back of the collection, and how it is seen that it was repaired: kind, damage, look, answer.
DRIFT = {
    "file edited": (
        "echo '# edited' >> /etc/nginx/sites-available/main.conf",
        "grep -c edited /etc/nginx/sites-available/main.conf",
        "0",
    ),
    "mode changed": ("chmod 0666 /etc/gunicorn/util.conf.py", "stat -c %a /etc/gunicorn/util.conf.py", "640"),
    "owner changed": (
        "chown nobody /etc/systemd/system/gunicorn@.service",
        "stat -c %U /etc/systemd/system/gunicorn@.service",
        "root",
    ),
    "link replaced": (
        "ln -sfn /dev/null /etc/nginx/sites-enabled/frontend.conf",
        "readlink /etc/nginx/sites-enabled/frontend.conf",
        "../sites-available/frontend.conf",
    ),
    "file deleted": ("rm /etc/php_fpm/blog.d/php.ini", "stat -c %a /etc/php_fpm/blog.d/php.ini", "640"),
    "unit stopped": ("systemctl stop php_fpm@blog.service", "systemctl is-active php_fpm@blog.service", "active"),
    "unit disabled": ("systemctl disable --quiet mariadb.service", "systemctl is-enabled mariadb.service", "enabled"),
    "unit failed": (
        "echo broken >> /etc/nginx/nginx.conf; systemctl stop nginx.service; ! systemctl start nginx.service",
        "systemctl is-active nginx.service",
        "active",
    ),
    "package removed": (
        "DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes remove logrotate",
        "dpkg-query --show --showformat '${db:Status-Status}' logrotate",
        "installed",
    ),
    "folder of an app given away": ("chown nobody:nogroup /srv/util", "stat -c %U:%G /srv/util", "root:util"),
    "release touched": (
        "chown -h nobody /srv/frontend/current/",
        "stat -c %U /srv/frontend/current/",
        "root",
    ),
    "Python of a release removed": (
        "rm /srv/util/current/.venv/bin/python",
        "test -x /srv/util/current/.venv/bin/python && echo there",
        "there",
    ),
    "user of a pool's account dropped": (
        "mariadb -Ne \"DROP USER 'blog'@'localhost'\"",
        "mariadb -Ne \"SELECT COUNT(*) FROM mysql.global_priv WHERE User = 'blog'\"",
        "1",
    ),
    "table dropped": (
        'mariadb -Ne "DROP TABLE blog.wp_links"',
        "mariadb -Ne \"SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME = 'wp_links'\"",
        "1",
    ),
    "option of WordPress changed": (
        "mariadb -Ne \"UPDATE blog.wp_options SET option_value = 'Taken over' WHERE option_name = 'blogname'\"",
        "mariadb -Ne \"SELECT option_value FROM blog.wp_options WHERE option_name = 'blogname'\"",
        "Notes",
    ),
    "folder of kept pages removed": (
        "rm /srv/blog/cache/pages",
        "test -L /srv/blog/cache/pages && echo there",
        "there",
    ),
}


@pytest.fixture(scope="module")
def drifted(machine: Any, host: Host) -> Iterator[list[Outcome]]:
    """Do all of it to a host that is as it is to be, and converge it twice; what was edited is put aside by that."""
    assert run(machine.scenario, machine.name).rc == 0
    for kind, (damage, look, answer) in DRIFT.items():
        assert host.run(damage).rc == 0, kind
        assert host.run(look).stdout.strip() != answer, f"{kind}: that was no damage"
    yield [run(machine.scenario, machine.name) for _time in range(2)]
    host.check_output("rm -r /var/lib/barehost/saved")


@pytest.mark.parametrize("kind", DRIFT)
def test_drift_is_found_and_repaired(host: Host, drifted: list[Outcome], kind: str) -> None:
    assert drifted[0].rc == 0, drifted[0]
    _damage, look, answer = DRIFT[kind]
    assert host.run(look).stdout.strip() == answer, drifted[0]


def test_visitors_are_served_again(http: Http, drifted: list[Outcome]) -> None:
    assert drifted[0].rc == 0, drifted[0]
    for path in ("/", "/util/search", "/blog/"):
        assert http(path, host=SITE).status == 200


def test_repaired_host_needs_nothing_more(drifted: list[Outcome]) -> None:
    assert [task.name for task in drifted[1].tasks if task.status == "changed"] == []
