# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change of a site loses nothing, a mistake changes nothing, and two web servers never fight over a port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.http import Http
    from testinfra.host import Host

SITE, FLASK = "example.test", "flask.example.test"
SITES = ("auth", "main", "secure", "both", "modern", "local")
UNITS = "systemctl show -p MainPID -p NRestarts -p ActiveEnterTimestampMonotonic apache2.service mod_wsgi@auth.service"


@pytest.fixture
def more(varied: Any) -> Any:
    """Give the sites of the inventory and further ones."""
    return lambda *sites: varied(*sites, key="apache_sites")


def test_site_comes_and_goes_without_the_others_noticing(converge: Any, host: Host, http: Http, more: Any) -> None:
    before = host.check_output(UNITS)
    second = {"name": "second", "domains": ["second.test"], "routes": [{"path": "/", "app": "auth"}]}
    with http.watch("/", host=FLASK) as seen:
        outcome = converge(more(second))
        assert outcome.task("have Apache serve").result["actions"] == ["reload apache2.service"]
        assert http("/", host="second.test").json() == {"authentication": "passed"}
        assert converge(more({"name": "second", "state": "absent"})).rc == 0
    assert http("/", host="second.test").status == 421
    assert seen.failures == []
    assert host.check_output(UNITS) == before
    assert host.run("find /etc /var/log -name '*second*'").stdout == ""


def test_directive_that_apache_refuses_changes_nothing(converge: Any, host: Host, http: Http, more: Any) -> None:
    before = host.check_output(UNITS + "; find /etc/apache2 -type f | sort | xargs md5sum")
    broken = {
        "name": "broken",
        "domains": ["b.test"],
        "extra": "Hedaer set A b",
        "routes": [{"path": "/", "app": "auth"}],
    }
    outcome = converge(more(broken))
    assert outcome.rc != 0
    assert "Invalid command 'Hedaer'" in outcome.output
    assert "entry 'broken': /etc/apache2/sites-available/broken.conf" in outcome.output
    assert host.check_output(UNITS + "; find /etc/apache2 -type f | sort | xargs md5sum") == before
    assert http("/", host=FLASK).status == 200


def test_port_that_another_program_has_is_told_before_anything_is_changed(
    converge: Any, host: Host, http: Http, more: Any, taken: Callable[[], object]
) -> None:
    second = {"name": "second", "domains": ["b.test"], "listen": ["8092"], "routes": [{"path": "/", "app": "auth"}]}
    before = host.check_output(UNITS + "; find /etc/apache2 -type f | sort | xargs md5sum")
    with http.watch("/", host=FLASK) as seen:
        outcome = converge(more(second))
    assert outcome.rc != 0
    assert "entry 'second': 0.0.0.0:8092 is taken by python3 (taken.service). End that" in outcome.output
    assert seen.failures == []
    assert host.check_output(UNITS + "; find /etc/apache2 -type f | sort | xargs md5sum") == before
    taken()
    outcome = converge(more(second))
    assert outcome.rc == 0, outcome
    assert http("/", host="b.test", port=8092).json() == {"authentication": "passed"}


@pytest.mark.usefixtures("taken")
def test_reload_that_ends_apache_is_told_and_apache_comes_back(host: Host, http: Http, soon: Any) -> None:
    host.check_output("echo 'Listen 127.0.0.1:8092' > /etc/apache2/sites-enabled/late.conf")
    refused = host.run("systemctl reload apache2")
    host.check_output("rm /etc/apache2/sites-enabled/late.conf")
    assert refused.rc != 0
    said = host.check_output("journalctl -u apache2 -o cat -n 20")
    assert "Apache has not taken up its configuration" in said
    assert "could not bind to address 127.0.0.1:8092" in said
    soon(lambda: http("/", host=FLASK).status == 200)


#: Changes what Apache answers, has it reloaded and asks right away, time and again; tells how often the answer was old.
ASK_AT_ONCE = """
import http.client, pathlib, subprocess
file = pathlib.Path("/etc/apache2/sites-enabled/told.conf")
place, old = "127.0.0.1:8090", 0
reload = ["systemctl", "reload", "apache2"]
try:
    for number in range(10):
        target = f"http://b.test/{number}/"
        file.write_text(f"Listen {place}\\n<VirtualHost {place}>\\nRedirect 302 / {target}\\n</VirtualHost>\\n")
        subprocess.run(reload, check=True)
        connection = http.client.HTTPConnection("127.0.0.1", 8090)
        connection.request("GET", "/")
        old += connection.getresponse().getheader("Location") != target
finally:
    file.unlink()
    subprocess.run(reload, check=True)
print(old)
"""


def test_new_configuration_answers_as_soon_as_a_reload_is_over(host: Host) -> None:
    assert host.check_output("python3 -c %s", ASK_AT_ONCE) == "0"


def test_one_address_takes_the_place_of_all_and_back(
    converge: Any, host: Host, http: Http, more: Any, own_address: str
) -> None:
    second = {"name": "second", "domains": ["b.test"], "routes": [{"path": "/", "app": "auth"}]}
    for listen, reached in (("8093", True), ("127.0.0.1:8093", False), ("8093", True)):
        outcome = converge(more({**second, "listen": [listen]}))
        assert outcome.rc == 0, outcome
        answers = [http("/", host="b.test", port=8093, address=at) for at in ("127.0.0.1", own_address)]
        assert [answer.status for answer in answers] == [200, 200 if reached else 0]
        before = host.check_output(UNITS)
        assert converge(more({**second, "listen": [listen], "domains": ["b.test", "c.test"]})).rc == 0
        assert host.check_output(UNITS) == before, "it could be reloaded"


def test_servers_take_turns_at_the_port(converge: Any, host: Host, http: Http) -> None:
    app = {"name": "auth", "server": "mod_wsgi", "source": {"path": "examples/auth"}, "wsgi": "myapp:app"}
    site = {"name": "auth", "domains": [FLASK], "routes": [{"path": "/", "app": "auth"}]}
    ports = "ss -Hltnp 'sport = :80'"
    # By default nginx serves; Apache's last site is gone, and so is Apache.
    model: dict[str, Any] = {"web_apps": [app], "web_sites": [site], "web_purge": True}
    for server, other in (("nginx", "apache2"), ("apache2", "nginx")):
        model["web_sites"] = [site | {"server": server.removesuffix("2")}]
        outcome = converge(model, playbook="site")
        assert outcome.rc == 0, outcome
        assert server in host.check_output(ports)
        assert other not in host.check_output(ports)
        assert host.run(f"systemctl is-enabled {other}.service").stdout.strip() == "disabled"
        assert http("/", host=FLASK).json() == {"authentication": "passed"}
        assert converge(model, playbook="site").changed == 0
    both = model | {"web_sites": [*model["web_sites"], {**site, "name": "second", "domains": ["second.test"]}]}
    outcome = converge(both, playbook="site")
    assert outcome.rc != 0
    assert "web_sites[1].listen: nginx would listen where apache does for site 'auth'" in outcome.output
    both["web_sites"][1]["listen"] = ["8082"]
    outcome = converge(both, playbook="site")
    assert outcome.rc == 0, outcome
    assert http("/", host="second.test", port=8082).json() == {"authentication": "passed"}
    assert http("/", host=FLASK).json() == {"authentication": "passed"}
    alone = {"web_sites": [model["web_sites"][0], {"name": "second", "state": "absent"}]}
    assert converge(model | alone, playbook="site").rc == 0
    assert "nginx" not in host.check_output("ss -Hltnp")


def test_last_site_ends_apache(converge: Any, host: Host) -> None:
    gone = {"apache_sites": [{"name": name, "state": "absent"} for name in SITES]}
    outcome = converge(gone)
    assert outcome.rc == 0, outcome
    assert not host.service("apache2.service").is_running
    assert not host.service("apache2.service").is_enabled
    assert host.run("ls /etc/apache2/sites-enabled").stdout == ""
    assert converge(gone).changed == 0
