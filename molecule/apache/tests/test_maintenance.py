# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sites that are closed for a while, and folders that an app shares, under Apache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from testbed.http import USUAL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from testbed.http import Http
    from testinfra.host import Host

MAIN, BOTH, SECURE, FLASK = "example.test", "both.example.test", "secure.example.test", "flask.example.test"
#: The machine itself, over IPv6, is allowed in; over IPv4 it is not.
INSIDE = "::1"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "MADE-UP")
PATHS = (
    *("/", "/page.html", "/auth/", "/auth", "/old", "/old/kept/style.css", "/elsewhere", "/.env", "/none", "/%C3%A9"),
    *("/.barehost-maintenance", "//.barehost-maintenance", "/.well-known/security.txt", "/x/../page.html", "/a%2Fb"),
)
CHALLENGE = "/.well-known/acme-challenge/token"


def test_a_site_is_closed_but_for_a_few(
    *, converge: Any, http: Http, https: Callable[..., Any], host: Host, varied: Any, tmp_path: Path
) -> None:
    page = tmp_path / "closed.html"
    page.write_text("<p>Später: %{HTTP_HOST} $1</p>\n", encoding="utf-8")
    closed = {"enabled": True, "allow": [INSIDE, "192.0.2.0/24"], "retry_after": 90, "page": str(page)}
    host.check_output(f"install -D -m 644 /dev/null /var/www/acme{CHALLENGE}")
    host.check_output(f"echo good > /var/www/acme{CHALLENGE}")
    plain = {"maintenance": {"enabled": True}}
    with http.watch("/", host=FLASK) as others:
        outcome = converge(varied(key="apache_sites", main={"maintenance": closed}, both=plain, secure=plain))
    assert outcome.rc == 0, outcome
    assert others.failures == []

    for method, path in [*(("GET", path) for path in PATHS), *((method, "/page.html") for method in METHODS)]:
        answer = http(path, host=MAIN, method=method, body="x" * 99 if method in {"POST", "PUT", "PATCH"} else "")
        assert answer.status == 503, (method, path, answer)
        assert answer.text == ("" if method == "HEAD" else page.read_text(encoding="utf-8")), (method, path)
        headers = {name: answer.header(name) for name in (*USUAL, "retry-after", "cache-control", "content-type")}
        told = {"retry-after": "90", "cache-control": "no-store", "content-type": "text/html; charset=utf-8"}
        assert headers == USUAL | told, (method, path)

    # Those who are let in see the site, and its own errors.
    for path, status in (("/", 200), ("/old", 301), ("/auth/", 200)):
        answer = http(path, host=MAIN, address=INSIDE)
        assert (answer.status, answer.header("retry-after")) == (status, None), path
    assert http("/.barehost-maintenance", host=MAIN, address=INSIDE).status == 403, "it is for Apache alone"
    host.check_output("systemctl stop mod_wsgi@auth.service")
    answer = http("/auth/", host=MAIN, address=INSIDE)
    host.check_output("systemctl start mod_wsgi@auth.service")
    assert (answer.status, answer.header("retry-after")) == (503, None)
    assert "Später" not in answer.text

    # https and the way to it, a site that is nothing but a redirect, and an authority.
    assert (http("/x", host=SECURE).status, https(SECURE, "/files/").status) == (301, 503)
    for answer in (https(SECURE), https(BOTH, "/x")):
        assert (answer.status, answer.headers["retry-after"]) == (503, "600")
        assert "<h1>Back soon</h1>" in answer.text
        assert answer.headers["strict-transport-security"].startswith("max-age=63072000")
    assert http("/x", host=BOTH).status == 503
    assert [http(CHALLENGE, host=name).text for name in (SECURE, BOTH)] == ["good\n", "good\n"]


def test_a_folder_that_releases_share_is_served_and_a_link_leads_nowhere_else(
    converge: Any, host: Host, http: Http, varied: Any
) -> None:
    routes = [{"path": "/", "app": "auth"}, {"path": "/media", "static": "/srv/auth/current/media"}]
    outcome = converge(
        {
            **varied(key="app_apps", auth={"shared": [{"path": "media", "public": True}]}),
            **varied(key="apache_sites", auth={"routes": routes}),
        }
    )
    assert outcome.rc == 0, outcome
    media = "/var/lib/auth/shared/media"
    host.check_output(f"runuser -u auth -- sh -c 'umask 027; echo photo > {media}/photo.txt'")
    host.check_output("install -o www-data -m 400 /dev/null /srv/of-the-web-server")
    for target, name in (("photo.txt", "own.txt"), ("/srv/of-the-web-server", "theirs.txt")):
        host.check_output(f"runuser -u auth -- ln -s {target} {media}/{name}")
    found = [http(f"/media/{name}", host=FLASK).status for name in ("photo.txt", "own.txt", "theirs.txt")]
    host.check_output(f"rm /srv/of-the-web-server {media}/*")
    assert found == [200, 200, 403]
