# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sites that are closed for a while, by the verb, in front of everybody but a few."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import yaml
from testbed.http import USUAL
from testbed.podman import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from testbed.http import Http
    from testinfra.host import Host

MAIN, BOTH, PLAIN = "example.test", "both.example.test", "plain.example.test"
MODEL = yaml.safe_load((ROOT / "inventory/tls/group_vars/web.yml").read_text())
#: The machine itself, over IPv6, is allowed in; over IPv4 it is not.
INSIDE = "::1"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "MADE-UP")
PATHS = (
    *("/", "/below/x?y=1", "/files/", "/files/none.css", "/old", "/.env", "/none", "/%C3%A9"),
    *("/barehost-maintenance", "//barehost-maintenance", "/.well-known/security.txt", "/x/../files/"),
)
CHALLENGE = "/.well-known/acme-challenge/token"


def test_a_site_is_closed_and_opened_by_the_verb(
    converge: Any, http: Http, https: Callable[..., Any], host: Host, tmp_path: Path
) -> None:
    page = tmp_path / "closed.html"
    page.write_text("<p>Später: $host costs 5 $</p>\n", encoding="utf-8")
    sites = copy.deepcopy(MODEL["web_sites"])
    sites[1]["maintenance"] = {"allow": [INSIDE, "192.0.2.0/24"], "page": str(page)}
    chosen = {"web_sites": sites, "site": "both,main"}
    words = {**chosen, "enabled": True, "retry_after": 90}
    host.check_output(f"install -D -m 644 /dev/null /var/www/acme{CHALLENGE}")
    host.check_output(f"echo good > /var/www/acme{CHALLENGE}")
    master = host.check_output("cat /run/nginx.pid")
    with http.watch("/", host=PLAIN) as others:
        outcome = converge(words, playbook="maintenance")
    assert outcome.rc == 0, outcome
    assert (others.failures, host.check_output("cat /run/nginx.pid")) == ([], master)
    assert "main: closed, visitors see the maintenance page, until the next site.yml" in outcome.output
    calls = [task.action.rpartition(".")[2] for task in outcome.tasks if task.status != "skipped"]
    assert calls == ["model", "maintenance", "publish", "debug"]

    usual = USUAL | {"referrer-policy": "no-referrer"}
    del usual["permissions-policy"]
    for method, path in [*(("GET", path) for path in PATHS), *((method, "/files/x") for method in METHODS)]:
        answer = http(path, host=BOTH, method=method, body="x" * 99 if method in {"POST", "PUT", "PATCH"} else "")
        assert answer.status == 503, (method, path, answer)
        assert answer.text == ("" if method == "HEAD" else page.read_text(encoding="utf-8"))
        headers = {name: answer.header(name) for name in (*usual, "retry-after", "cache-control", "content-type")}
        told = {"retry-after": "90", "cache-control": "no-store", "content-type": "text/html; charset=utf-8"}
        assert headers == usual | told, (method, path)
    # Larger than any body of this site may be.
    large = http("/", host=BOTH, method="POST", headers={"Content-Length": str(2**40), "Expect": "100-continue"})
    assert large.status == 503

    # Those who are let in.
    inside = {"/": 200, "/old": 302, "/files/none.css": 404, "//barehost-maintenance": 200, "/status?code=503": 503}
    for path, status in inside.items():
        answer = http(path, host=BOTH, address=INSIDE)
        assert (answer.status, answer.header("retry-after")) == (status, None), path

    # https and the way to it, and an authority.
    secure = https(BOTH, "/below/")
    assert (secure.status, secure.headers["retry-after"]) == (503, "90")
    assert secure.headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
    assert (http("/x", host=MAIN).status, https(MAIN).status) == (301, 503)
    assert "<h1>Back soon</h1>" in https(MAIN).text
    assert [http(CHALLENGE, host=name).text for name in (MAIN, BOTH)] == ["good\n", "good\n"]
    assert converge(words, playbook="maintenance").changed == 0

    outcome = converge({**chosen, "enabled": False}, playbook="maintenance", check=True)
    assert outcome.rc == 0, outcome
    assert "-        return 503;" in outcome.output
    outcome = converge({**chosen, "enabled": "false"}, playbook="maintenance")
    assert outcome.rc == 0, outcome
    assert (http("/", host=BOTH).status, https(MAIN).status) == (200, 200)
    assert not host.file("/etc/nginx/barehost-maintenance/both.html").exists


def test_a_site_that_there_is_not_is_named_before_anything_is_changed(converge: Any, host: Host) -> None:
    before = host.check_output("find /etc/nginx | xargs ls -ld --time-style=full-iso")
    outcome = converge({"site": "mian", "enabled": True}, playbook="maintenance")
    assert outcome.rc != 0
    assert "site: no site named 'mian' in web_sites; did you mean 'main'?" in outcome.output
    assert host.check_output("find /etc/nginx | xargs ls -ld --time-style=full-iso") == before
