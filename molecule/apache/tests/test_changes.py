# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change of a site loses nothing, a mistake changes nothing, and two web servers never fight over a port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
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
