# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From sites to the files of Apache, and two web servers on one host."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import jinja2
import pytest
from ansible_collections.barehost.web.plugins.plugin_utils import _nginx
from ansible_collections.barehost.web.plugins.plugin_utils._apache import (
    hosts,
    listen_directives,
    module_links,
    published,
    quote,
)
from ansible_collections.barehost.web.plugins.plugin_utils._entries import needed, part
from ansible_collections.barehost.web.plugins.plugin_utils._model import problems
from jinja2.sandbox import SandboxedEnvironment

REPOSITORY = Path(__file__).parents[4]
APPS = [
    {"name": "util", "address": "127.0.0.1:5000"},
    {"name": "shop", "address": "unix:/run/gunicorn/shop.sock"},
]


def site(*routes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"name": "main", "domains": ["main.test"], "routes": [*routes] or [{"path": "/", "app": "util"}], **changes}


def render(*routes: dict[str, Any], **changes: Any) -> list[str]:
    """Give the lines of a site's file, as publish writes it."""
    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader(REPOSITORY / "roles/apache/templates"),
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    files = published([site(*routes, **changes)], APPS)["parts"]["files"]
    file = next(file for file in files if file["dest"] == "/etc/apache2/sites-available/main.conf")
    text = environment.get_template(file["template"]).render(ansible_managed="-", **file["vars"])
    return [line.strip() for line in text.splitlines()]


def mistakes(*sites: dict[str, Any], apps: tuple[dict[str, Any], ...] = ()) -> list[str]:
    return [str(problem) for problem in problems({"web_sites": list(sites), "web_apps": list(apps)})]


@pytest.mark.parametrize(
    ("addresses", "listens", "virtual"),
    [
        (["80"], ["80"], ["*:80"]),
        (["80", "80"], ["80"], ["*:80"]),
        (["127.0.0.1:80", "80"], ["80"], ["127.0.0.1:80", "*:80"]),
        (["127.0.0.1:8080", "[::1]:8080"], ["127.0.0.1:8080", "[::1]:8080"], ["127.0.0.1:8080", "[::1]:8080"]),
        (["8080", "80"], ["80", "8080"], ["*:8080", "*:80"]),
    ],
)
def test_every_socket_is_opened_once(addresses: list[str], listens: list[str], virtual: list[str]) -> None:
    assert listen_directives(addresses) == listens
    assert hosts(addresses) == virtual


@pytest.mark.parametrize(("text", "word"), [("/a b", '"/a b"'), ('a"b', '"a\\"b"'), ("a\\.b", '"a\\\\.b"')])
def test_text_is_one_word(text: str, word: str) -> None:
    assert quote(text) == word


def test_longest_path_goes_first_and_what_is_no_app_is_kept_from_them() -> None:
    lines = render(
        {"path": "/", "app": "util"},
        {"path": "/shop", "app": "shop", "timeout": 9},
        {"path": "/shop/static", "static": "/srv/www/shop"},
    )
    assert [line for line in lines if line.startswith("ProxyPass")] == [
        'ProxyPass "/shop/static" !',
        'ProxyPass "/shop" "unix:/run/gunicorn/shop.sock|http://localhost/shop" nocanon enablereuse=off timeout=9',
        'ProxyPass "/" "http://127.0.0.1:5000/" nocanon enablereuse=off timeout=60',
    ]
    assert 'Alias "/shop/static" "/srv/www/shop"' in lines


def test_app_at_the_root_has_no_script_name_and_others_have_theirs() -> None:
    lines = render({"path": "/", "app": "util"}, {"path": "/shop", "app": "shop"})
    assert [line for line in lines if "X-Script-Name" in line] == [
        "RequestHeader unset X-Script-Name",
        'RequestHeader set X-Script-Name "/shop"',
    ]


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        ("/srv/www/.git", True),
        ("/srv/www/.git/", True),
        ("/srv/www/a/.svn/b", True),
        ("/srv/www/a.b/c", False),
        ("/srv/www/.well-known/acme-challenge", False),
        ("/srv/wwww/.git", False),
    ],
)
def test_hidden_folders_are_found(path: str, hidden: bool) -> None:
    (line,) = [line for line in render({"path": "/", "static": "/srv/www/"}) if line.startswith("<DirectoryMatch")]
    pattern = line.removeprefix('<DirectoryMatch "').removesuffix('">').replace("\\\\", "\\")
    assert bool(re.search(pattern, path)) is hidden


def test_static_folder_of_the_root_and_of_a_path() -> None:
    lines = render({"path": "/", "static": "/srv/www", "fallback": "/app.html", "index": ["a.html", "b.html"]})
    assert 'Alias "/" "/srv/www/"' in lines
    assert 'FallbackResource "/app.html"' in lines
    assert 'DirectoryIndex "a.html" "b.html"' in lines
    assert 'FallbackResource "/x/app.html"' in render({"path": "/x", "static": "/srv/www", "fallback": "/app.html"})


def test_redirect_leaves_longer_paths_alone() -> None:
    lines = render({"path": "/", "redirect": "https://a.test"}, {"path": "/kept.x", "static": "/srv/www"})
    assert 'RewriteCond %{REQUEST_URI} "!^/kept\\.x(/|$)"' in lines
    assert 'RewriteCond %{THE_REQUEST} "^\\S+ (/[^\\s?]*)?[\\s?]"' in lines
    assert 'RewriteRule "^(/.*)?$" https://a.test%1 [R=302,NE,L]' in lines
    lines = render({"path": "/x", "redirect": "/100%25$1", "keep_path": False, "status": 308})
    assert 'RewriteRule "^/x(/.*)?$" /100\\%25\\$1 [R=308,QSD,NE,L]' in lines
    assert not [line for line in lines if "THE_REQUEST" in line]


def test_site_of_wildcards_only_has_a_name_that_nobody_asks_for() -> None:
    lines = render(domains=["*.main.test"])
    assert "ServerName main.invalid" in lines
    assert "ServerAlias *.main.test" in lines


SIGNED = {"mode": "self_signed"}


def hosts_of(lines: list[str]) -> list[list[str]]:
    """Cut a site's file into its virtual hosts."""
    starts = [number for number, line in enumerate(lines) if line.startswith("<VirtualHost")]
    return [lines[start:end] for start, end in pairwise([*starts, len(lines)])]


def test_http_leads_to_https_but_for_the_challenge() -> None:
    http, https = hosts_of(render(tls={**SIGNED, "listen": ["8443"]}))
    assert http[0] == "<VirtualHost *:80>"
    assert https[0] == "<VirtualHost *:8443>"
    assert 'RewriteRule "^" https://%{SERVER_NAME}:8443%1 [R=301,NE,L]' in http
    assert 'RewriteCond %{REQUEST_URI} "!^/\\.well-known/acme-challenge/"' in http
    assert not [line for line in http if line.startswith("ProxyPass")]
    assert "SSLCertificateFile /etc/barehost/tls/main.pem" in https
    assert not [line for line in http if line.startswith("SSL")]


def test_both_serve_the_same_without_a_redirect() -> None:
    http, https = hosts_of(render({"path": "/", "redirect": "https://a.test"}, tls={**SIGNED, "redirect": False}))
    wanted = [line for line in http if line.startswith("Rewrite")]
    assert [line for line in https if line.startswith("Rewrite")] == wanted
    assert 'RewriteCond %{REQUEST_URI} "!^/\\.well-known/acme-challenge/"' in wanted


def test_hsts_is_said_over_https_alone() -> None:
    http, https = hosts_of(render(tls={**SIGNED, "redirect": False, "hsts": 60}))
    said = [line for line in https if "Strict-Transport-Security" in line]
    assert said == [
        'Header always set Strict-Transport-Security "max-age=60" "expr=-z %{resp:Strict-Transport-Security}"'
    ]
    assert not [line for line in http if "Strict-Transport-Security" in line]


def test_longest_route_has_the_last_word_about_headers() -> None:
    lines = render(
        {"path": "/deep/er", "app": "util", "headers": {"frame_options": "none"}},
        {"path": "/deep", "app": "util", "headers": {"frame_options": "DENY", "permissions_policy": "a=(b%c)"}},
        {"path": "/", "app": "util"},
    )
    options = [line for line in lines if "X-Frame-Options" in line]
    said = '"expr=-z %{resp:X-Frame-Options}"'
    assert options == [
        f'Header always set X-Frame-Options "SAMEORIGIN" {said}',
        "Header always unset X-Frame-Options",
        f'Header always set X-Frame-Options "SAMEORIGIN" {said}',
        "Header always unset X-Frame-Options",
        f'Header always set X-Frame-Options "DENY" {said}',
        "Header always unset X-Frame-Options",
    ]
    assert any('"a=(b%%c)"' in line for line in lines)
    assert len([line for line in lines if "nosniff" in line]) == 1


def test_https_takes_more_modules_and_a_host_for_unknown_names() -> None:
    plain, secure = (published([site(**more)], APPS, "bookworm")["parts"] for more in ({}, {"tls": SIGNED}))
    modules = {link["dest"].rpartition("/")[2] for link in secure["links"]} - {
        link["dest"].rpartition("/")[2] for link in plain["links"]
    }
    assert modules == {"http2.load", "socache_shmcb.load", "ssl.load"}
    assert plain["files"][0]["vars"]["site"]["tls"] == {}
    assert secure["files"][0]["vars"]["site"]["tls"]["hosts"] == "*:443"
    data = {Path(file["dest"]).name: file.get("vars", {}) for file in secure["files"]}
    assert data["ports.conf"] == {"listen": ["80", "443"]}
    assert data["barehost-tls.conf"]["tls"]["curves"] == "X25519:prime256v1:secp384r1"
    assert data["apache2.conf"] == {"tls": True}
    assert "barehost-tls-modern.conf" not in data


def test_modules_are_switched_on_by_links() -> None:
    links = {link["dest"]: link["target"] for link in module_links(["status"])}
    assert links["/etc/apache2/mods-enabled/mpm_event.load"] == "../mods-available/mpm_event.load"
    assert "/etc/apache2/mods-enabled/mpm_event.conf" not in links
    assert links["/etc/apache2/mods-enabled/status.conf"] == "../mods-available/status.conf"


def test_nothing_is_published_without_a_site() -> None:
    gone = published([site(state="absent"), site(name="other", server="nginx")], APPS)
    assert gone["units"] == []
    assert gone["parts"]["files"] == gone["parts"]["links"] == []
    assert gone["parts"]["entries"] == ["main", "other"]
    assert published([], [])["parts"] == {"files": [], "links": [], "entries": []}


def test_unit_ends_with_the_last_site() -> None:
    for files in (published([site()], APPS)["parts"]["files"], _nginx.published([], [], ipv6=True)["files"]):
        (drop_in,) = [file for file in files if file["dest"].startswith("/etc/systemd")]
        assert drop_in["stop"] == drop_in["restart"]


NGINX, APACHE = site(), site(name="front", server="apache")


@pytest.mark.parametrize(
    ("sites", "nginx", "apache"),
    [
        ([], True, False),
        ([NGINX], True, False),
        ([APACHE], False, True),
        ([NGINX, APACHE], True, True),
        ([APACHE | {"state": "absent"}], True, False),
        ([NGINX | {"state": "absent"}, APACHE], False, True),
    ],
)
def test_web_server_without_anything_to_serve_is_not_needed(
    sites: list[dict[str, Any]], nginx: bool, apache: bool
) -> None:
    assert (needed(sites, "nginx"), needed(sites, "apache")) == (nginx, apache)
    assert bool(published(part(sites, "apache"), APPS)["units"]) is apache
    assert bool(_nginx.published(part(sites, "nginx"), APPS, ipv6=True).get("files")) is nginx
    assert json.dumps(part(sites, "nginx"))


def test_each_web_server_publishes_its_own_sites_and_speaks_for_the_others() -> None:
    files = _nginx.published([NGINX, APACHE], APPS, ipv6=True)
    assert [file["entry"] for file in files["files"] if file.get("entry")] == ["main"]
    assert files["entries"] == ["main", "front"]
    own = published([NGINX, APACHE], APPS)["parts"]["files"]
    assert "/var/log/apache2/front.access.log*" in {file.get("entry"): file.get("traces") for file in own}["front"]


UTIL = {"name": "util", "source": {"package": "util"}, "wsgi": "wsgi:app"}
UWSGI = UTIL | {"server": "uwsgi"}


@pytest.mark.parametrize(
    ("sites", "app", "message"),
    [
        (
            [site(), site(name="front", domains=["b.test"], server="apache")],
            UTIL,
            (
                "web_sites[1].listen: apache would listen where nginx does for site 'main' (web_sites[0].listen); "
                "give both sites one server, or this one another port"
            ),
        ),
        (
            [site(listen=["127.0.0.1:80"]), site(name="front", domains=["b.test"], server="apache")],
            UTIL,
            (
                "web_sites[1].listen: apache would listen where nginx does for site 'main' (web_sites[0].listen); "
                "give both sites one server, or this one another port"
            ),
        ),
        (
            [site(server="apache", client_max_body_size="1m")],
            UTIL,
            (
                "web_sites[0].client_max_body_size: is something that only nginx does; "
                "leave it out, or write 'server: nginx' for the site"
            ),
        ),
        (
            [site(server="apache", tls={"mode": "self_signed", "http3": True})],
            UTIL,
            (
                "web_sites[0].tls.http3: is something that only nginx does; "
                "leave it out, or write 'server: nginx' for the site"
            ),
        ),
        (
            [site({"path": "/", "proxy": "http://127.0.0.1:8080"}, server="apache")],
            UTIL,
            (
                "web_sites[0].routes[0].proxy: is something that only nginx does; "
                "leave it out, or write 'server: nginx' for the site"
            ),
        ),
        (
            [site(server="apache")],
            UWSGI,
            (
                "web_sites[0].routes[0].app: app 'util' speaks uwsgi, which only nginx passes on (web_apps[0]); "
                "write 'protocol: http' for the app, or 'server: nginx' for the site"
            ),
        ),
    ],
)
def test_mistake_has_its_message(sites: list[dict[str, Any]], app: dict[str, Any], message: str) -> None:
    assert mistakes(*sites, apps=(app,)) == [message]


@pytest.mark.parametrize(
    ("sites", "app"),
    [
        ([site(), site(name="front", domains=["b.test"], server="apache", listen=["8080"])], UTIL),
        ([site(server="apache")], UWSGI | {"protocol": "http"}),
        ([site(server="apache")], UTIL | {"server": "mod_wsgi"}),
        ([site()], UWSGI),
    ],
)
def test_good_model_has_no_mistake(sites: list[dict[str, Any]], app: dict[str, Any]) -> None:
    assert mistakes(*sites, apps=(app,)) == []
