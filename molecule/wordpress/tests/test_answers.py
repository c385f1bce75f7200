# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What visitors get, and what they do not get."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testbed.http import Http
    from testinfra.host import Host

NOTES, SHOP = "notes.example.test", "example.test"


@pytest.mark.parametrize(
    ("site", "path", "words"),
    [
        (NOTES, "/", "Notes of a gardener"),
        (NOTES, "/hello-world/", "Hello world!"),
        (NOTES, "/feed/", "<rss"),
        (NOTES, "/wp-json/", "Notes of a gardener"),
        (NOTES, "/wp-login.php", "Lost your password"),
        (NOTES, "/wp-includes/css/buttons.min.css", "button"),
        (SHOP, "/blog/", "Kleiner Laden"),
        (SHOP, "/blog/feed/", "<rss"),
        (SHOP, "/blog/wp-json/", r"http:\/\/example.test\/blog"),
        (SHOP, "/blog/wp-login.php", "Anmelden"),
        (SHOP, "/blog/wp-includes/css/buttons.min.css", "button"),
    ],
)
def test_visitor_gets_it(http: Http, site: str, path: str, words: str) -> None:
    answer = http(path, host=site)
    assert answer.status == 200
    assert words in answer.text


@pytest.mark.parametrize(
    ("site", "path", "target"),
    [
        (NOTES, "/wp-admin/", "http://notes.example.test/wp-login.php"),
        (NOTES, "/hello-world", "http://notes.example.test/hello-world/"),
        ("www.notes.example.test", "/hello-world/", "http://notes.example.test/hello-world/"),
        (SHOP, "/blog", "/blog/"),
        (SHOP, "/blog/wp-admin/", "http://example.test/blog/wp-login.php"),
        (SHOP, "/", "/blog/"),
    ],
)
def test_visitor_is_sent_on(http: Http, site: str, path: str, target: str) -> None:
    answer = http(path, host=site)
    assert answer.status in {301, 302}
    assert (answer.header("Location") or "").startswith(target)


@pytest.mark.parametrize(
    "path",
    [
        "/wp-admin/install.php",
        "/wp-admin/setup-config.php",
        "/wp-config.php",
        "/wp-config-sample.php",
        "/readme.html",
        "/xmlrpc.php",
        "/wp-cron.php",
        "/.htaccess",
        "/.git/config",
        "/wp-content/db-error.php",
        "/wp-content/mu-plugins/barehost.php",
        "/wp-content/uploads/sample.php",
        "/wp-content/uploads/sample.pHp",
        "/wp-content/uploads/sample.php/x.jpg",
        "/wp-includes/version.php",
        "/backup.sql",
        "/index.php~",
        "/wp-json/wp/v2/users",
    ],
)
@pytest.mark.parametrize(("site", "prefix", "name"), [(NOTES, "", "notes"), (SHOP, "/blog", "shop")])
def test_nobody_gets_it(host: Host, http: Http, *, site: str, prefix: str, name: str, path: str) -> None:
    for file in ("sample.php", "sample.pHp"):
        host.check_output(f"echo '<?php echo 6*7;' > /srv/{name}/media/uploads/{file}")
    answer = http(prefix + path, host=site)
    host.check_output(f"rm /srv/{name}/media/uploads/sample.*")
    assert answer.status == 404
    assert "42" not in answer.text.split()
    assert "<?php" not in answer.text


@pytest.mark.parametrize("path", ["/", "/nothing/", "/wp-login.php", "/wp-includes/css/buttons.min.css"])
def test_answers_have_headers_that_protect_visitors(http: Http, path: str) -> None:
    answer = http(path, host=NOTES)
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("X-Frame-Options") == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in (answer.header("Content-Security-Policy") or "")
    assert answer.header("X-Powered-By") is None
    assert answer.header("Server") == "nginx"
    assert 'name="generator"' not in answer.text


def test_guessing_passwords_is_slowed_down(http: Http) -> None:
    tries = [
        http("/wp-login.php", host=NOTES, method="POST", body=f"log=admin&pwd=guess{number}").status
        for number in range(12)
    ]
    assert tries[-1] == 429
    assert http("/", host=NOTES).status == 200


def test_installations_keep_apart(host: Host) -> None:
    for look in ("cat /etc/wordpress/shop.php", "cat /etc/wordpress/shop.keys.php", "ls /srv/shop/media/uploads"):
        assert host.run(f"runuser -u shop -- {look}").rc == 0
        assert host.run(f"runuser -u notes -- {look}").rc != 0
    assert host.run("runuser -u notes -- ls /etc/barehost/wordpress").rc != 0
    assert host.run("runuser -u notes -- mariadb notes -e 'SHOW TABLES'").rc == 0
    assert host.run("runuser -u notes -- mariadb shop -e 'SHOW TABLES'").rc != 0


def test_code_cannot_be_changed_from_within(host: Host) -> None:
    for path in (
        "/usr/share/wordpress/index.php",
        "/srv/notes/content/mu-plugins/barehost.php",
        "/etc/wordpress/notes.php",
    ):
        assert host.run(f"runuser -u notes -- sh -c 'echo >> {path}'").rc != 0


@pytest.mark.parametrize(("unit", "most"), [("php_fpm@notes", 14), ("php_fpm@shop", 14), ("mariadb", 17)])
def test_exposure_is_at_most_what_was_asked(host: Host, unit: str, most: int) -> None:
    done = host.run(f"systemd-analyze security --no-pager --threshold={most} {unit}.service")
    assert done.rc == 0, done.stdout


def test_nothing_of_apache_came_along(host: Host) -> None:
    assert "apache" not in host.check_output("dpkg-query --show --showformat='${Package}\\n'")
