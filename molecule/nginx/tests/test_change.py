# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes of the sites: what they touch and what they leave alone."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.http import Http
    from testinfra.host import Host

STACK = yaml.safe_load(Path(__file__).parents[3].joinpath("inventory/nginx/group_vars/web.yml").read_text())
SITES: list[dict[str, Any]] = STACK["nginx_sites"]


def sites(**changes: dict[str, Any]) -> dict[str, Any]:
    """The sites of the inventory with some keys changed."""
    changed = copy.deepcopy(SITES)
    for site in changed:
        site.update(changes.get(site["name"].replace("-", "_"), {}))
    return {"nginx_sites": changed}


def nginx(host: Host) -> tuple[str, str]:
    """The master process, and how often nginx has been reloaded."""
    reloads = host.check_output("journalctl -u nginx --no-pager -o cat | grep -c '^Reloading' || true")
    return host.file("/run/nginx.pid").content_string, reloads


def test_second_run_changes_nothing(host: Host, converge: Any) -> None:
    before = nginx(host)
    outcome = converge()
    assert (outcome.rc, outcome.changed) == (0, 0), [task for task in outcome.tasks if task.status == "changed"]
    assert nginx(host) == before


def test_changed_site_reloads_once_and_restarts_nothing(host: Host, http: Http, converge: Any) -> None:
    pid, reloads = nginx(host)
    with http.watch("/", host="shop.example.test", least=11) as seen:
        outcome = converge(sites(docs={"domains": ["manual.example.test"]}))
    assert outcome.rc == 0, outcome
    assert nginx(host) == (pid, str(int(reloads) + 1))
    assert http("/", host="manual.example.test").text == "the documentation"
    assert http("/", host="docs.example.test").status == 0
    assert seen.failures == []


#: Changes what nginx answers, has it reloaded and asks right away, time and again; tells how often the answer was old.
ASK_AT_ONCE = """
import http.client, pathlib, subprocess
file = pathlib.Path("/etc/nginx/conf.d/told.conf")
old = 0
reload = ["systemctl", "reload", "nginx"]
try:
    for number in range(20):
        file.write_text(f"server {{ listen 127.0.0.1:8090; return 200 {number}; }}")
        subprocess.run(reload, check=True)
        connection = http.client.HTTPConnection("127.0.0.1", 8090)
        connection.request("GET", "/")
        old += connection.getresponse().read() != str(number).encode()
finally:
    file.unlink()
    subprocess.run(reload, check=True)
print(old)
"""


def test_new_configuration_answers_as_soon_as_a_reload_is_over(host: Host) -> None:
    assert host.check_output("python3 -c %s", ASK_AT_ONCE) == "0"


#: Has nginx reloaded while half a request has been sent.
HALF = """
import socket, subprocess
connection = socket.create_connection(("127.0.0.1", 80))
connection.sendall(b"GET / HTTP/1.1\\r\\nHost: docs.example.test\\r\\n")
subprocess.run(["systemctl", "reload", "nginx"], check=True, timeout=50)
connection.sendall(b"Connection: close\\r\\n\\r\\n")
print(connection.recv(12).decode())
"""


def test_reload_neither_waits_for_a_request_in_hand_nor_loses_it(host: Host) -> None:
    assert host.check_output("python3 -c %s", HALF) == "HTTP/1.1 200"


def test_port_that_another_program_has_is_told_before_anything_is_changed(
    host: Host, http: Http, converge: Any, taken: Callable[[], object]
) -> None:
    wanted = sites(admin={"listen": ["8092"]}, docs={"domains": ["manual.example.test"]})
    before = nginx(host)
    for check in (True, False):
        outcome = converge(wanted, check=check)
        assert outcome.rc != 0
        assert "entry 'admin': 0.0.0.0:8092 is taken by python3 (taken.service). End that" in outcome.output
        assert nginx(host) == before
        assert http("/", host="docs.example.test").text == "the documentation"
    taken()
    outcome = converge(wanted)
    assert outcome.rc == 0, outcome
    assert http("/", host="admin.example.test", port=8092).text == "the documentation"
    assert http("/", host="manual.example.test").text == "the documentation"
    assert converge(wanted).changed == 0


def test_reload_that_nginx_does_not_take_up_is_told(host: Host, http: Http, taken: Callable[[], object]) -> None:
    host.check_output("echo 'server { listen 127.0.0.1:8092; return 200; }' > /etc/nginx/conf.d/late.conf")
    refused = host.run("systemctl reload nginx")
    host.check_output("rm /etc/nginx/conf.d/late.conf")
    assert refused.rc != 0
    said = host.check_output("journalctl -u nginx -o cat -n 20")
    assert "goes on with the configuration of before" in said
    assert "bind() to 127.0.0.1:8092 failed (98: Address already in use)" in said
    assert http("/", host="docs.example.test").text == "the documentation"
    taken()
    host.check_output("systemctl reload nginx")


def test_one_address_takes_the_place_of_all_and_back(host: Host, http: Http, converge: Any, own_address: str) -> None:
    for listen, reached in ((["8093"], True), (["127.0.0.1:8093"], False), (["8093"], True)):
        wanted = sites(admin={"listen": listen})
        outcome = converge(wanted)
        assert outcome.rc == 0, outcome
        answers = [http("/", host="admin.example.test", port=8093, address=at) for at in ("127.0.0.1", own_address)]
        assert [answer.status for answer in answers] == [200, 200 if reached else 0]
        pid = nginx(host)[0]
        assert converge(sites(admin={"listen": listen}, docs={"domains": ["manual.example.test"]})).rc == 0
        assert nginx(host)[0] == pid, "it could be reloaded"


def test_check_mode_tells_and_changes_nothing(host: Host, http: Http, converge: Any) -> None:
    before = nginx(host)
    outcome = converge(sites(docs={"domains": ["manual.example.test"]}), check=True)
    assert outcome.rc == 0, outcome
    assert "+    server_name manual.example.test;" in outcome.output
    assert nginx(host) == before
    assert http("/", host="manual.example.test").status == 0


def test_check_mode_asks_nginx(converge: Any) -> None:
    outcome = converge(sites(docs={"extra": "no_such_directive on;"}), check=True)
    assert outcome.rc != 0
    assert 'unknown directive "no_such_directive"' in outcome.output


def test_absent_site_leaves_nothing(host: Host, http: Http, converge: Any) -> None:
    http("/", host="docs.example.test")
    outcome = converge(sites(docs={"state": "absent"}))
    assert outcome.rc == 0, outcome
    assert http("/", host="docs.example.test").status == 0
    found = host.check_output("find / -xdev -path /proc -prune -o -name 'docs.*' -path '*nginx*' -print")
    assert found == ""


def test_site_that_left_the_model_is_listed_and_purged_on_request(http: Http, converge: Any) -> None:
    rest = {"nginx_sites": [site for site in SITES if site["name"] != "docs"]}
    outcome = converge(rest)
    assert "'docs' is no longer in the model" in outcome.output
    assert http("/", host="docs.example.test").status == 200
    outcome = converge({**rest, "web_purge": True})
    assert outcome.rc == 0, outcome
    assert http("/", host="docs.example.test").status == 0


def test_renamed_site_is_refused_until_the_old_one_goes(http: Http, converge: Any) -> None:
    renamed = sites(docs={"name": "manual"})
    outcome = converge(renamed)
    assert outcome.rc != 0
    assert "conflicting server name" in outcome.output
    assert http("/", host="docs.example.test").status == 200
    assert converge({**renamed, "web_purge": True}).rc == 0
    assert http("/", host="docs.example.test").status == 200


def test_listen_address_can_be_added_under_load(http: Http, converge: Any) -> None:
    with http.watch("/", host="docs.example.test") as seen:
        assert converge(sites(docs={"listen": ["80", "8082"]})).rc == 0
    assert http("/", host="docs.example.test", port=8082).status == 200
    assert seen.failures == []


def test_mistakes_are_told_together_before_the_host_is_touched(host: Host, converge: Any) -> None:
    before = nginx(host)
    broken = sites(docs={"routes": [{"path": "/", "app": "shpo"}]}, shop={"domains": ["docs.example.test"]})
    outcome = converge(broken)
    assert outcome.rc != 0
    assert "nginx_sites[0].routes[0].app: no app named 'shpo'; did you mean 'shop'?" in outcome.output
    assert "docs.example.test" in outcome.output
    assert nginx(host) == before
