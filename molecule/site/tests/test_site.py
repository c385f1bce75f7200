# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The whole stack: one nginx in front of the internal nginx with the frontend, and of a Flask app under gunicorn."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from testbed.podman import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.http import Http
    from testinfra.host import Host

SITE = "example.test"
MODEL = yaml.safe_load((ROOT / "inventory/site/group_vars/web.yml").read_text())
UNITS = "systemctl show -p MainPID -p NRestarts -p ActiveEnterTimestampMonotonic nginx.service gunicorn@util.service"


def model(**changes: Any) -> dict[str, Any]:
    """The model of the inventory; ``util={…}`` changes the app of that name, ``main={…}`` the site."""
    changed = {key: copy.deepcopy(MODEL[key]) for key in ("web_apps", "web_sites")}
    for entry in [*changed["web_apps"], *changed["web_sites"]]:
        entry.update(changes.get(entry["name"], {}))
    return changed


def test_frontend_is_served(http: Http) -> None:
    response = http("/", host=SITE)
    assert response.status == 200
    assert response.text == (ROOT / "examples/frontend/index.html").read_text()


def test_app_answers_below_its_path(http: Http) -> None:
    assert http("/util/search", host=SITE).text == "hello Elasticsearch6"
    assert http("/search", host=SITE).status == 404, "only the route reaches the app"


def test_wordpress_answers_below_its_path(http: Http) -> None:
    assert "<title>Notes</title>" in http("/blog/", host=SITE).text
    assert http("/blog/hello-world/", host=SITE).status == 200
    admin = http("/blog/wp-admin/", host=SITE)
    assert (admin.header("Location") or "").startswith("http://example.test/blog/wp-login.php")
    assert http("/blog/wp-admin/install.php", host=SITE).status == 404


def test_app_writes_addresses_of_its_place(http: Http) -> None:
    page = http("/util/", host=SITE).text
    assert 'href="/util/search"' in page
    (style,) = re.findall(r'href="(/util/static/[^"]+\.css)"', page)
    assert http(style, host=SITE).status == 200


def test_app_sees_the_client_and_its_place(http: Http) -> None:
    seen = http("/util/request?a=b", host=f"{SITE}:8080", headers={"X-Forwarded-For": "203.0.113.5"}).json()
    assert seen["script_name"] == "/util"
    assert seen["path_info"] == "/request"
    assert seen["query"] == "a=b"
    assert seen["remote_addr"] == "127.0.0.1"
    assert (seen["scheme"], seen["host"]) == ("http", f"{SITE}:8080")


@pytest.mark.parametrize("name", ["unknown.test", "127.0.0.1"])
def test_unknown_host_gets_nothing(http: Http, name: str) -> None:
    assert http("/", host=name).status == 0


def test_only_the_front_is_open_to_the_world(host: Host) -> None:
    listening = host.check_output("ss -Hltn | awk '{print $4}' | sort -u").split()
    assert listening == ["0.0.0.0:80", "127.0.0.1:8080", "[::]:80"]


def test_second_run_changes_nothing(host: Host, converge: Any) -> None:
    before = host.check_output(UNITS)
    outcome = converge()
    assert outcome.rc == 0, outcome
    assert [task.name for task in outcome.tasks if task.status == "changed"] == []
    assert host.check_output(UNITS) == before


def test_changed_site_leaves_the_app_alone(host: Host, http: Http, converge: Any) -> None:
    before = host.check_output(UNITS)
    with http.watch("/util/search", host=SITE) as seen:
        outcome = converge({"site_domains": [SITE, "other.test"]})
    assert outcome.rc == 0, outcome
    assert http("/util/search", host="other.test").status == 200
    assert host.check_output(UNITS) == before, "nothing is restarted"
    assert seen.failures == []


def test_changed_app_leaves_nginx_alone(host: Host, http: Http, converge: Any) -> None:
    nginx = "systemctl show -p MainPID -p StateChangeTimestampMonotonic nginx.service"
    before = host.check_output(nginx)
    with http.watch("/", host=SITE) as seen:
        outcome = converge(model(util={"environment": {"UTIL_GREETING": "Changed"}}))
    assert outcome.rc == 0, outcome
    assert "Changed" in http("/util/", host=SITE).text
    assert host.check_output(nginx) == before, "not even reloaded"
    assert seen.failures == []


def test_environment_is_never_shown(host: Host, converge: Any) -> None:
    outcome = converge(model(util={"environment": {"UTIL_GREETING": "s3cret-value"}}), check=True)
    assert outcome.rc == 0, outcome
    assert outcome.changed > 0
    assert "s3cret-value" not in outcome.output
    assert "s3cret-value" not in json.dumps([task.result for task in outcome.tasks])
    assert "s3cret-value" not in host.check_output("journalctl --no-pager -o cat")


def test_mistakes_are_told_together_before_anything_changes(host: Host, converge: Any) -> None:
    before = host.check_output("find /etc /srv -newer /etc/hostname -type f | sort | xargs md5sum")
    broken = model(util={"procesess": 2}, main={"routes": [{"path": "/util", "app": "utl"}]})
    outcome = converge(broken)
    assert outcome.rc != 0
    assert "web_apps[0].procesess" in outcome.output
    assert "web_sites[0].routes[0].app: no app named 'utl'; did you mean 'util'?" in outcome.output
    assert host.check_output("find /etc /srv -newer /etc/hostname -type f | sort | xargs md5sum") == before


def test_absent_app_and_site_leave_nothing(host: Host, http: Http, converge: Any) -> None:
    rest = {"routes": [{"path": "/", "proxy": "http://127.0.0.1:8080"}]}
    gone = {"web_wordpress": [{"name": "blog", "state": "absent"}], "web_remove_data": True}
    outcome = converge({**model(util={"state": "absent"}, main=rest), **gone})
    assert outcome.rc == 0, outcome
    assert http("/", host=SITE).status == 200
    assert http("/util/search", host=SITE).status == 404
    assert host.run("getent passwd util").rc != 0
    assert host.run("getent group util").rc != 0
    assert host.check_output("systemctl list-units --all --no-legend '*util*'") == ""
    named = "find / -xdev \\( -path /proc -o -path /sys -o -path /usr -o -path '/var/lib/dpkg*' \\) -prune -o"
    assert host.check_output(f"{named} -regex '.*[@/.]util\\([@/.].*\\)?' -print") == ""
    none = model(util={"state": "absent"}, main={"state": "absent"}, frontend={"state": "absent"})
    outcome = converge({**none, **gone})
    assert outcome.rc == 0, outcome
    assert http("/", host=SITE).status == 0
    assert host.check_output(f"{named} -regex '.*[@/.]\\(util\\|frontend\\|main\\|blog\\)\\([@/.].*\\)?' -print") == ""


def test_everything_is_back_after_a_reboot(host: Host, http: Http, reboot: Callable[[], None]) -> None:
    listening = "ss -Hltn | awk '{print $4}' | sort -u"
    before = host.check_output(listening)
    reboot()
    assert http("/", host=SITE).status == 200
    assert http("/util/search", host=SITE).text == "hello Elasticsearch6"
    assert http("/blog/", host=SITE).status == 200
    assert host.check_output(listening) == before
    assert host.check_output("systemctl --failed --no-legend") == ""
