# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From sites to nginx's files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._nginx import (
    headers_of,
    listen_directives,
    locations,
    prefix_of,
    published,
    quote,
)
from ansible_collections.barehost.web.plugins.plugin_utils._schema import fill, load

NOTHING = {
    "nosniff": False,
    "frame_options": "none",
    "referrer_policy": "none",
    "permissions_policy": "",
    "content_policy": "",
}
APPS = {
    "util": {"name": "util", "protocol": "http", "address": "unix:/run/gunicorn/util.sock"},
    "toy": {"name": "toy", "protocol": "uwsgi", "address": "unix:/run/uwsgi/toy.sock"},
}


def blocks(**route: Any) -> list[tuple[str, str, Any]]:
    site = {"name": "s", "domains": ["s.test"], "routes": [route]}
    (filled,) = fill([site], load("nginx", "nginx_sites"))
    found = locations(filled["routes"][0], APPS)
    wanted = dict.fromkeys(("app", "uwsgi", "proxy"), "upstream") | dict.fromkeys(("static", "files"), "folder")
    wanted |= {"slash": "prefix", "redirect": "target"}
    return [(block.match, block.kind, block.data[wanted[block.kind]]) for block in found]


TOY = "unix:/run/uwsgi/toy.sock"
SOCKET = "http://unix:/run/gunicorn/util.sock"


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ({"path": "/", "app": "util"}, [("/", "app", SOCKET)]),
        ({"path": "/util", "app": "util"}, [("/util/", "app", SOCKET), ("= /util", "app", SOCKET)]),
        ({"path": "/util/", "app": "util"}, [("/util/", "app", SOCKET), ("= /util", "app", SOCKET)]),
        ({"path": "/", "app": "toy"}, [("/", "uwsgi", TOY)]),
        ({"path": "/", "app": "toy", "files": "/srv/www"}, [("/", "files", "/srv/www/"), ("@app", "uwsgi", TOY)]),
        (
            {"path": "/util", "app": "util", "files": "/srv/www/"},
            [("/util/", "files", "/srv/www/"), ("@app/util", "app", SOCKET), ("= /util", "app", SOCKET)],
        ),
        ({"path": "/", "proxy": "http://127.0.0.1:8080"}, [("/", "proxy", "http://127.0.0.1:8080")]),
        (
            {"path": "/a", "proxy": "http://127.0.0.1:8080"},
            [("/a/", "proxy", "http://127.0.0.1:8080"), ("= /a", "proxy", "http://127.0.0.1:8080")],
        ),
        (
            {"path": "/a", "proxy": "http://b.test/base"},
            [("/a/", "proxy", "http://b.test"), ("= /a", "proxy", "http://b.test/base")],
        ),
        ({"path": "/", "proxy": "http://b.test/base"}, [("/", "proxy", "http://b.test")]),
        ({"path": "/", "proxy": "http://unix:/run/x.sock"}, [("/", "proxy", "http://unix:/run/x.sock")]),
        ({"path": "/", "static": "/srv/www"}, [("/", "static", "/srv/www/")]),
        ({"path": "/d", "static": "/srv/d/"}, [("/d/", "static", "/srv/d/"), ("= /d", "slash", "/d")]),
        (
            {"path": "/my%20files", "static": "/srv/d"},
            [('"/my files/"', "static", "/srv/d/"), ('= "/my files"', "slash", '"/my files"')],
        ),
        ({"path": "/", "redirect": "https://x.test/"}, [("/", "redirect", "https://x.test")]),
        ({"path": "/o", "redirect": "/"}, [("/o/", "redirect", "/"), ("= /o", "redirect", "/")]),
        ({"path": "/o", "redirect": "/n", "keep_path": False}, [("/o/", "redirect", "/n"), ("= /o", "redirect", "/n")]),
    ],
)
def test_locations_of_a_route(route: dict[str, Any], expected: list[tuple[str, str, Any]]) -> None:
    assert blocks(**route) == expected


@pytest.mark.parametrize(
    ("given", "ipv6", "expected"),
    [
        (["80"], True, ["80", "[::]:80"]),
        (["80"], False, ["80"]),
        (["80", "0.0.0.0:80", "[::]:80", "80"], True, ["80", "[::]:80"]),
        (["127.0.0.1:8080"], True, ["127.0.0.1:8080"]),
        (["[::1]:80"], True, ["[::1]:80"]),
    ],
)
def test_every_socket_is_named_once(given: list[str], ipv6: bool, expected: list[str]) -> None:
    assert listen_directives(given, ipv6=ipv6) == expected


@pytest.mark.parametrize(("text", "word"), [("/a/b.c", "/a/b.c"), ("/a b", '"/a b"'), ('/"', '"/\\""')])
def test_quote(text: str, word: str) -> None:
    assert quote(text) == word


@pytest.mark.parametrize(
    ("path", "prefix"), [("/", ""), ("/util", "/util"), ("/util/", "/util"), ("/caf%C3%A9", "/café")]
)
def test_prefix(path: str, prefix: str) -> None:
    assert prefix_of(path) == prefix


def site(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "domains": [f"{name}.test"], "routes": [{"path": "/", "static": "/srv/x"}], **more}


def test_every_address_has_a_default_server_and_sites_leave_no_log() -> None:
    sites = [site("a"), site("b", listen=["127.0.0.1:8080", "80"]), {"name": "gone", "state": "absent"}]
    parts = published(sites, [], ipv6=False)
    assert parts["files"][0]["vars"] == {"site": {"listen": ["80", "127.0.0.1:8080"], "tls": []}}
    assert [file.get("entry", "") for file in parts["files"]] == ["", "a", "b", "", ""]
    assert parts["entries"] == ["a", "b", "gone"]
    assert parts["units"][0]["listen"] == [
        {"address": "0.0.0.0:80", "entry": "a"},
        {"address": "[::]:80", "entry": "a"},
        {"address": "127.0.0.1:8080", "entry": "b"},
    ]
    traces = [file["traces"] for file in parts["files"] if "traces" in file]
    assert traces[:2] == [[], ["/var/log/nginx/a.access.log*", "/var/log/nginx/a.error.log*"]]
    assert parts["links"][1]["target"] == "../sites-available/a.conf"


def test_host_without_sites_still_refuses_unknown_names() -> None:
    data = published([], [], ipv6=True)["files"][0]["vars"]
    assert data["site"]["listen"] == ["80", "[::]:80"]


@pytest.mark.parametrize(("folder", "home"), [("/home/me/www", True), ("/root/www", True), ("/srv/home", False)])
def test_home_folders_are_noticed(folder: str, home: bool) -> None:
    parts = published([site("a", routes=[{"path": "/", "static": folder}])], [], ipv6=True)
    (unit,) = (file for file in parts["files"] if file["dest"].endswith("nginx.service.d/barehost.conf"))
    assert unit["vars"] == {"home": home}


TEMPLATES = Path(__file__).parents[4] / "roles" / "nginx" / "templates" / "routes"


def read_by(template: Path) -> set[str]:
    text = template.read_text(encoding="utf-8")
    included = [TEMPLATES.parent / name for name in re.findall(r'include "([^"]+)"', text)]
    return set(re.findall(r"location\.(\w+)", text)).union(*map(read_by, included))


@pytest.mark.parametrize(
    "route",
    [
        {"path": "/a", "app": "util"},
        {"path": "/a", "app": "toy", "files": "/srv/a"},
        {"path": "/a", "proxy": "http://127.0.0.1:8080"},
        {"path": "/a", "static": "/srv/a"},
        {"path": "/a", "redirect": "/b"},
    ],
)
def test_template_of_a_location_gets_what_it_reads_and_no_more(route: dict[str, Any]) -> None:
    (_, file, *_) = published([site("a", routes=[route])], [*APPS.values()], ipv6=True)["files"]
    for location in file["vars"]["site"]["locations"]:
        read = read_by(TEMPLATES / f"{location['kind']}.conf.j2")
        assert set(location) == read | {"match", "kind", "headers"}


def test_app_whose_connections_are_kept_has_an_upstream_in_each_site() -> None:
    apps = [{"name": "util", "address": "unix:/run/gunicorn/util.sock", "keepalive": 60}]
    routes = [{"path": "/", "app": "util"}, {"path": "/again", "app": "util"}]
    files = published([site(name, routes=routes) for name in ("a", "b")], apps, ipv6=True)["files"]
    sites = [file["vars"]["site"] for file in files if file.get("entry") in {"a", "b"}]
    for variables in sites:
        name = f"barehost.{variables['name']}.util"
        address = "unix:/run/gunicorn/util.sock"
        assert variables["upstreams"] == [{"name": name, "address": address, "keepalive": 60}]
        assert {location["upstream"] for location in variables["locations"]} == {f"http://{name}"}


@pytest.mark.parametrize(
    ("codename", "listen", "curves", "http2"),
    [
        ("bookworm", "443 ssl http2", "X25519:prime256v1:secp384r1", False),
        ("trixie", "443 ssl", "?X25519MLKEM768:X25519:prime256v1:secp384r1", True),
        ("", "443 ssl", "?X25519MLKEM768:X25519:prime256v1:secp384r1", True),
    ],
)
def test_https_is_written_as_the_release_of_debian_reads_it(
    codename: str, listen: str, curves: str, http2: bool
) -> None:
    parts = published([site("a", tls={"mode": "self_signed"})], [], ipv6=False, codename=codename)
    files = {Path(file["dest"]).name: file.get("vars", {}) for file in parts["files"]}
    assert files["a.conf"]["site"]["tls"] == {
        "listen": [listen],
        "profile": "intermediate",
        "certificate": "/etc/barehost/tls/a.pem",
        "key": "/etc/barehost/tls/a.pem",
        "redirect": True,
        "port": "",
        "staples": False,
    }
    assert files["000-unknown-hosts"]["site"]["tls"] == [{"profile": "intermediate", "listen": [listen], "quic": []}]
    shared = files["barehost-tls-intermediate.conf"]["tls"]
    assert (shared["curves"], shared["http2"]) == (curves, http2)
    assert "barehost-tls-modern.conf" not in files


def test_https_elsewhere_with_files_of_somebody_else() -> None:
    tls = {"mode": "provided", "certificate_file": "/c.pem", "key_file": "/k.pem", "listen": ["127.0.0.1:8443", "443"]}
    parts = published([site("a", tls=tls)], [], ipv6=False)
    data = parts["files"][1]["vars"]["site"]["tls"]
    assert (data["certificate"], data["key"], data["port"]) == ("/c.pem", "/k.pem", ":8443")


@pytest.mark.parametrize(("codename", "spoken"), [("trixie", True), ("", True), ("bookworm", False)])
def test_http3_is_spoken_where_nginx_knows_it(codename: str, spoken: bool) -> None:
    sites = [site(name, tls={"mode": "self_signed", "http3": name == "a"}) for name in ("a", "b")]
    files = published(sites, [], ipv6=False, codename=codename)["files"]
    shown = {Path(file["dest"]).name: file.get("vars", {}) for file in files}
    quic = ["443 quic"] if spoken else []
    assert shown["000-unknown-hosts"]["site"]["tls"][0]["quic"] == quic
    assert shown["a.conf"]["site"]["tls"]["listen"][1:] == quic
    assert len(shown["b.conf"]["site"]["tls"]["listen"]) == 1
    told = {name: [header["name"] for header in shown[f"{name}.conf"]["site"]["headers"]] for name in ("a", "b")}
    assert ("Alt-Svc" in told["a"], "Alt-Svc" in told["b"]) == (spoken, False)


def sent(**changes: Any) -> dict[str, str]:
    """The headers of a site as nginx gets them: the variable of each, and what it holds where an app says nothing."""
    (filled,) = fill([site("a", **changes)], load("nginx", "nginx_sites"))
    return {header.variable: header.value for header in headers_of(filled)}


def test_headers_of_a_site_are_shared_unless_it_says_otherwise() -> None:
    usual = sent()
    assert usual["$barehost_nosniff"] == "nosniff"
    assert usual["$barehost_content_policy"] == "\"frame-ancestors 'self'; base-uri 'self'; object-src 'none'\""
    changed = sent(
        headers={"frame_options": "DENY", "nosniff": False, "permissions_policy": "", "referrer_policy": "none"}
    )
    assert [name.rpartition("_")[0] for name in changed] == ["$barehost_frame_options", "$barehost_content"]
    assert changed.popitem() == usual.popitem()
    assert set(changed.values()) == {"DENY"}


@pytest.mark.parametrize(
    ("tls", "variable", "value"),
    [
        ({"hsts": 300}, "$barehost_hsts_300", "max-age=300"),
        ({"hsts": 9, "hsts_subdomains": True}, "$barehost_hsts_9_includesubdomains", "max-age=9; includeSubDomains"),
        (
            {"hsts": 31536000, "hsts_subdomains": True, "hsts_preload": True},
            "$barehost_hsts_31536000_includesubdomains_preload",
            "max-age=31536000; includeSubDomains; preload",
        ),
    ],
)
def test_hsts_says_what_it_was_asked_for(tls: dict[str, Any], variable: str, value: str) -> None:
    assert sent(tls={"mode": "self_signed", **tls})[variable].strip('"') == value


def test_a_route_has_headers_only_where_they_differ_and_then_all_of_them() -> None:
    routes = [
        {"path": "/", "static": "/srv/a"},
        {"path": "/same", "static": "/srv/a", "headers": {"frame_options": "SAMEORIGIN"}},
        {"path": "/deny", "static": "/srv/a", "headers": {"frame_options": "DENY"}},
        {"path": "/bare", "static": "/srv/a", "headers": NOTHING},
    ]
    files = published([site("a", routes=routes)], [], ipv6=True)["files"]
    found = {one["match"]: one["headers"] for one in files[1]["vars"]["site"]["locations"]}
    assert found["/"] == found["/same/"] == []
    assert [header["name"] for header in found["/deny/"]] == [
        "X-Content-Type-Options",
        "X-Frame-Options",
        "Referrer-Policy",
        "Permissions-Policy",
        "Content-Security-Policy",
    ]
    # Without any directive of its own the site's would hold.
    assert {header["name"] for header in found["/bare/"]} == {header["name"] for header in found["/deny/"]}
    assert {header["variable"] for header in found["/bare/"]} == {'""'}
    (own,) = files[1]["vars"]["site"]["maps"]
    assert (own["variable"].startswith("$barehost_frame_options_"), own["value"]) == (True, "DENY")


def test_what_decides_about_headers_is_there_for_sites_that_have_left_the_model() -> None:
    shared = [
        file["vars"]
        for sites in ([], [site("a", headers=NOTHING)], [site("a", tls={"mode": "self_signed", "hsts": 9})])
        for file in published(sites, [], ipv6=True)["files"]
        if file["template"] == "headers.conf.j2"
    ]
    assert shared[0] == shared[1] == shared[2]
    assert len(shared[0]["headers"]) == len(NOTHING)
