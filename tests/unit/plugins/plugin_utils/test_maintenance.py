# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sites that are closed: what may be said, what nginx and Apache are told, and the verb."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jinja2
import pytest
from ansible_collections.barehost.web.plugins.plugin_utils import _apache, _nginx
from ansible_collections.barehost.web.plugins.plugin_utils._maintenance import network, switched
from ansible_collections.barehost.web.plugins.plugin_utils._model import problems
from jinja2.sandbox import SandboxedEnvironment

REPOSITORY = Path(__file__).parents[4]
CLOSED: dict[str, Any] = {"enabled": True, "allow": ["192.0.2.7", "2001:db8::/32", "192.0.2.7/32"], "retry_after": 90}


def site(**changes: Any) -> dict[str, Any]:
    return {"name": "main", "domains": ["main.test"], "routes": [{"path": "/", "static": "/srv/main"}], **changes}


def mistakes(maintenance: object, folders: tuple[Path, ...] = ()) -> list[str]:
    return [str(problem) for problem in problems({"web_sites": [site(maintenance=maintenance)]}, folders)]


def rendered(role: str, *sites: dict[str, Any]) -> dict[str, str]:
    """Give the text of all files of a web server, as publish writes them."""
    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader([REPOSITORY / "roles" / role / "templates", REPOSITORY / "templates"]),
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    parts = _nginx.published(sites, [], ipv6=True) if role == "nginx" else _apache.published(sites, [])["parts"]
    data = {"ansible_managed": "-", "apache_max_request_workers": 400}
    return {
        file["dest"]: environment.get_template(file["template"]).render(**data, **file.get("vars", {}))
        for file in parts["files"]
        if "template" in file
    }


@pytest.mark.parametrize(
    "text", ["192.0.2.7", "192.0.2.0/24", "192.0.2.7/32", "192.0.2.0/255.255.255.0", "2001:db8::1", "2001:db8::/32"]
)
def test_addresses_and_networks_are_taken(text: str) -> None:
    assert network(text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("office", "'office' is no address and no network; write one such as '192.0.2.7', '192.0.2.0/24' or"),
        ("", "'' is no address and no network"),
        ("192.0.2.7-9", "is no address and no network"),
        ("192.0.2.0/33", "is no address and no network"),
        ("192.0.2.7/24", "'192.0.2.7/24' is an address in a network; write '192.0.2.0/24' or '192.0.2.7'"),
        ("0.0.0.0/0", "'0.0.0.0/0' is everybody; write 'enabled: false' to let everybody in"),
        ("::/0", "'::/0' is everybody"),
        ("fe80::1%eth0", "'fe80::1%eth0' is no address that a visitor comes from"),
        ("::ffff:192.0.2.7", "is no address that a visitor comes from; write '192.0.2.7'"),
        ("192.0.2.7;", "is no address and no network"),
    ],
)
def test_anything_else_has_its_message(text: str, message: str) -> None:
    (found,) = mistakes({"allow": ["192.0.2.1", text]})
    assert found.startswith("web_sites[0].maintenance.allow[1]: ")
    assert message in found


@pytest.mark.parametrize(
    ("maintenance", "message"),
    [
        ({"retry_after": 0}, "web_sites[0].maintenance.retry_after: is 0; the least is 1"),
        (
            {"retry_after": 2592001},
            "web_sites[0].maintenance.retry_after: 2592001 seconds are more than a month; write 3600 for an hour",
        ),
        (
            {"page": "gone.html"},
            "web_sites[0].maintenance.page: there is no file 'gone.html' on the control node, looked for in {folder}",
        ),
        (
            {"page": "latin.html"},
            "web_sites[0].maintenance.page: 'latin.html' is not UTF-8; save the page in that encoding",
        ),
        (
            {"page": "empty.html"},
            "web_sites[0].maintenance.page: 'empty.html' is empty; write what visitors are to read",
        ),
        (
            {"enable": True},
            "web_sites[0].maintenance.enable: there is no such key; did you mean 'enabled'? (keys here: ",
        ),
    ],
)
def test_mistake_has_its_message_also_while_the_site_is_open(
    maintenance: dict[str, Any], message: str, tmp_path: Path
) -> None:
    (tmp_path / "latin.html").write_bytes("später".encode("latin-1"))
    (tmp_path / "empty.html").write_text("\n")
    (found,) = mistakes(maintenance, (tmp_path,))
    assert found.startswith(message.format(folder=tmp_path))


def test_good_page_has_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("später", encoding="utf-8")
    assert mistakes({**CLOSED, "page": "page.html"}, (tmp_path,)) == []
    assert mistakes({"page": "gone.html"}) == [], "without folders nothing is looked for"


@pytest.mark.parametrize("role", ["nginx", "apache"])
def test_a_site_that_is_open_has_no_trace_of_it(role: str) -> None:
    plain = rendered(role, site(server=role))
    assert rendered(role, site(server=role, maintenance={**CLOSED, "enabled": False})) == plain
    assert not any("503" in text or "maintenance" in place for place, text in plain.items())


def test_nginx_closes_a_site_for_all_but_some() -> None:
    text = rendered("nginx", site(maintenance=CLOSED))["/etc/nginx/sites-available/main.conf"]
    geo = text[text.index("geo") : text.index("# An authority")]
    assert " ".join(geo.split()) == "geo $barehost_stranger_main { default 1; 192.0.2.7/32 0; 2001:db8::/32 0; }"
    assert "default $barehost_stranger_main;" in text
    assert re.search(r"if \(\$barehost_closed_main\) \{\s+return 503;\s+\}", text)
    assert "add_header Retry-After 90 always;" in text
    assert text.count("add_header X-Content-Type-Options") == 2, "the page has the headers of the site as well"


def test_nginx_closes_a_site_for_everybody() -> None:
    text = rendered("nginx", site(maintenance={"enabled": True}))["/etc/nginx/sites-available/main.conf"]
    assert "geo " not in text
    assert "    default 1;" in text


def test_two_sites_never_share_a_variable() -> None:
    names = ("a-b", "a_b", "a--b", "ab")
    files = rendered("nginx", *(site(name=name, domains=[f"{name}.test"], maintenance=CLOSED) for name in names))
    found = [re.findall(r"map \$uri (\$\w+) ", files[f"/etc/nginx/sites-available/{name}.conf"]) for name in names]
    assert len({variable for (variable,) in found}) == len(names)


def test_a_redirect_to_https_goes_on() -> None:
    tls = {"mode": "self_signed"}
    nginx = rendered("nginx", site(maintenance=CLOSED, tls=tls))["/etc/nginx/sites-available/main.conf"]
    plain, secure = nginx.split("\nserver {")[1:]
    assert ("return 301" in plain, "return 503" in plain, "return 503" in secure) == (True, False, True)
    apache = rendered("apache", site(maintenance=CLOSED, tls=tls, server="apache"))
    plain, secure = apache["/etc/apache2/sites-available/main.conf"].split("<VirtualHost")[1:]
    assert ("R=301" in plain, "R=503" in plain, "R=503" in secure) == (True, False, True)


def test_apache_closes_a_site_before_any_route() -> None:
    routes = [{"path": "/", "redirect": "/new"}, {"path": "/old", "static": "/srv/old"}]
    files = rendered("apache", site(maintenance=CLOSED, server="apache", routes=routes))
    lines = [line.strip() for line in files["/etc/apache2/sites-available/main.conf"].splitlines()]
    rules = [line for line in lines if line.startswith("RewriteRule")]
    assert rules[0] == 'RewriteRule "^/\\.barehost-maintenance$" "-" [END]'
    assert rules[1] == 'RewriteRule "^" "-" [R=503,L]'
    conditions = lines[lines.index(rules[0]) + 1 : lines.index(rules[1])]
    assert [line for line in conditions if "expr" in line] == [
        "RewriteCond expr \"! -R '192.0.2.7/32'\"",
        "RewriteCond expr \"! -R '2001:db8::/32'\"",
    ]
    assert "<If \"-R '192.0.2.7/32' || -R '2001:db8::/32'\">" in lines
    assert lines.index("ProxyPass /.barehost-maintenance !") < lines.index('ProxyPass "/" !')
    everybody = rendered("apache", site(maintenance={"enabled": True}, server="apache"))
    assert "<If" not in everybody["/etc/apache2/sites-available/main.conf"]


@pytest.mark.parametrize("role", ["nginx", "apache"])
def test_the_page_is_plain_or_somebodys_own(role: str) -> None:
    place = f"/etc/{'apache2' if role == 'apache' else role}/barehost-maintenance/main.html"
    domains = ["*.main.test", "main.test"]
    text = rendered(role, site(server=role, domains=domains, maintenance={"enabled": True}))[place]
    assert "<title>main.test: back soon</title>" in text
    own = site(server=role, maintenance={"enabled": True, "page": "files/page.html"})
    parts = _nginx.published([own], [], ipv6=True) if role == "nginx" else _apache.published([own], [])["parts"]
    (file,) = [file for file in parts["files"] if file["dest"] == place]
    assert file == {"dest": place, "entry": "main", "file": "files/page.html"}


def findings(file: Path, **changes: Any) -> list[str]:
    """Have a checker of nginx's configuration look at a site, without what is in other files."""
    text = rendered("nginx", site(**changes))["/etc/nginx/sites-available/main.conf"]
    text = re.sub(r"^\s*(include|ssl_certificate).*\n", "", text, flags=re.MULTILINE)
    file.write_text(f"events {{}}\nhttp {{\n{text}\n}}\n")
    command = [Path(sys.executable).with_name("gixy"), "--format=json", "--skips=nginx_cves", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return sorted(one["plugin"] for one in json.loads(done.stdout))


def test_the_checker_of_nginx_finds_no_more_in_a_site_that_is_closed(tmp_path: Path) -> None:
    tls = {"mode": "self_signed", "hsts": 300}
    assert findings(tmp_path / "a.conf", maintenance=CLOSED, tls=tls) == findings(tmp_path / "b.conf", tls=tls)


CLOSES, AS_SAID = "closed, visitors see the maintenance page", "as the model says"
FOR_NOW = "until the next site.yml, which returns to what the model says"
SITES = [site(), site(name="shop", domains=["shop.test"], maintenance={"enabled": True, "allow": ["192.0.2.7"]})]


@pytest.mark.parametrize(
    ("names", "enabled", "retry_after", "expected", "told"),
    [
        (
            "main",
            True,
            None,
            [{"enabled": True}, SITES[1]["maintenance"]],
            [f"main: {CLOSES}, {FOR_NOW}"],
        ),
        (
            "all",
            True,
            30,
            [{"enabled": True, "retry_after": 30}, {"enabled": True, "allow": ["192.0.2.7"], "retry_after": 30}],
            [f"main: {CLOSES}, {FOR_NOW}", f"shop: {CLOSES}, {FOR_NOW}"],
        ),
        (
            " shop, shop",
            False,
            None,
            [None, {"enabled": False, "allow": ["192.0.2.7"]}],
            [f"shop: open, {FOR_NOW}"],
        ),
        ("main", False, None, [{"enabled": False}, SITES[1]["maintenance"]], [f"main: open, {AS_SAID}"]),
        (
            "shop",
            True,
            None,
            [None, SITES[1]["maintenance"]],
            [f"shop: {CLOSES}, {AS_SAID}"],
        ),
    ],
)
def test_the_verb_changes_what_it_names(
    names: str, enabled: bool, retry_after: int | None, expected: list[Any], told: list[str]
) -> None:
    sites, lines, wrong = switched(SITES, names, enabled=enabled, retry_after=retry_after)
    assert ([one.get("maintenance") for one in sites], lines, wrong) == (expected, told, [])
    assert "maintenance" not in SITES[0], "the model is what it was"


@pytest.mark.parametrize(
    ("names", "enabled", "retry_after", "message"),
    [
        ("mian", True, None, "site: no site named 'mian' in web_sites; did you mean 'main'?"),
        ("", True, None, "site: names no site; there is 'main', 'shop'"),
        ("main", False, 30, "retry_after: does nothing for a site that is opened; leave it out"),
        ("shop", True, 0, "web_sites[1].maintenance.retry_after: is 0; the least is 1"),
    ],
)
def test_the_verb_says_what_is_wrong(names: str, enabled: bool, retry_after: int | None, message: str) -> None:
    _, _, wrong = switched(SITES, names, enabled=enabled, retry_after=retry_after)
    assert [str(problem) for problem in wrong] == [message]
