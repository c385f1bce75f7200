# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A first run that is killed, at whatever moment, leaves nothing open, and the next one ends well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.http import Http, Response
    from testinfra.host import Host

NAME, SITE = "late", "late.example.test"
MARK, TABLES = f"/var/lib/barehost/wordpress/{NAME}", f"/var/lib/mysql/{NAME}"
AT_WORK = f"pgrep -u {NAME} -f wordpress.php"
COMMENTED = "mariadb -Ne 'SELECT 1 FROM wp_comments' late | grep 1"
#: What is there from one moment of the run on, in the order of the run.
MOMENTS = {
    "user": f"id {NAME}",
    "database": f"[ -d {TABLES} ]",
    "pool": f"[ -S /run/php_fpm/{NAME}.sock ]",
    "mark": f"[ -e {MARK} ]",
    "first table": f"{AT_WORK} && [ -e {MARK} ] && ls {TABLES}/wp_*.ibd",
    "content": f"{AT_WORK} && [ -e {MARK} ] && {COMMENTED}",
    "installed": f"[ ! -e {MARK} ] && [ -e {TABLES}/wp_posts.ibd ]",
    "site": f"[ -e /etc/nginx/sites-enabled/{NAME}.conf ]",
}
#: Processes that run the collection's modules: bare interpreters that read their program from ssh. One that has given
#: its answer already does not fail by being killed, the next one does.
MODULE = "for i in $(seq 150); do pkill -9 -fx '/usr/bin/python3 -c import sys; i = .*'; sleep .005; done"
ALL = f"pkill -9 -fx '/usr/bin/python3 -c import sys; i = .*'; pkill -9 -u {NAME}; {MODULE}"


@pytest.fixture
def late(converge: Any, varied: Any) -> Iterator[dict[str, Any]]:
    """Give the model with one WordPress more, and remove all of it in the end."""
    model = {
        **varied({"name": NAME, "title": "Better late", "admin": {"email": "late@example.test"}}, key="web_wordpress"),
        **varied(
            {"name": NAME, "domains": [SITE], "routes": [{"path": "/", "wordpress": NAME}]},
            key="web_sites",
        ),
    }
    yield model
    gone = {"name": NAME, "state": "absent"}
    assert converge(varied(gone, key="web_wordpress") | {"web_remove_data": True, "web_purge": True}).rc == 0


@pytest.fixture
def _slow_reload(host: Host) -> Iterator[None]:
    """Have nginx take a second to reload: the run must not be over before it can be killed for its last change."""
    folder = "/run/systemd/system/nginx.service.d"
    host.check_output(f"mkdir -p {folder} && printf '[Service]\\nExecReload=sleep 1\\n' > {folder}/slow.conf")
    host.check_output("systemctl daemon-reload")
    yield
    host.check_output(f"rm {folder}/slow.conf && systemctl daemon-reload")


def half_open(answer: Response) -> bool:
    """Tell whether an answer comes from an installation that is not all there; 0 is that of unknown names."""
    return answer.status not in {0, 200, 404, 503} or "install" in answer.text


@pytest.mark.usefixtures("_slow_reload")
def test_run_that_is_killed_at_one_moment_after_the_other(converge: Any, host: Host, http: Http, late: Any) -> None:
    for number, (moment, there) in enumerate(MOMENTS.items()):
        # A connection that breaks leaves what the run has started; a host that loses its power does not.
        kill = ALL if number % 2 else MODULE
        # systemd would take a plain dollar sign for a variable.
        trap = f"until {there}; do sleep .02; done >/dev/null 2>&1; {kill}".replace("$", "$$")
        host.check_output("systemd-run --unit=trap --collect --property=RuntimeMaxSec=600 sh -c %s", trap)
        outcome = converge(late)
        host.run("systemctl stop trap")
        assert outcome.rc != 0, f"the run was over before it was killed: {moment}"
        for path in ("/", "/wp-admin/install.php", "/wp-login.php"):
            answer = http(path, host=SITE)
            assert not half_open(answer), (moment, path, answer)
    assert converge(late).rc == 0
    assert "Better late" in http("/", host=SITE).text
    assert http("/wp-admin/install.php", host=SITE).status == 404
    assert host.check_output("mariadb -Ne 'SELECT user_login FROM wp_users' late") == "admin"
    posts = "SELECT post_title FROM wp_posts WHERE post_type = 'post'"
    assert host.check_output("mariadb -Ne %s late", posts) == "Hello world!"
    assert host.run(AT_WORK).rc != 0
    assert converge(late).changed == 0
