# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A benchmark tells what it has measured, and leaves the machine as it was, whatever comes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._benchmark import servers
from testbed.converge import converge as run_playbook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.http import Http
    from testinfra.host import Host

MEASURED = [name for name in servers() if name != "flask"]
SITE, INTERN = "example.test", "intern.example.test"
SERVING = {
    "web_apps": [
        {"name": "util", "source": {"path": "examples/util"}, "wsgi": "wsgi:server"},
        {"name": "front", "source": {"path": "examples/frontend"}, "server": "none"},
    ],
    "web_sites": [
        {"name": "main", "domains": [SITE], "routes": [{"path": "/util", "app": "util"}]},
        {
            "name": "intern",
            "domains": [INTERN],
            "listen": ["8080"],
            "routes": [{"path": "/", "static": "/srv/front/current"}],
        },
    ],
}


@pytest.fixture
def measure(machine: Any) -> Any:
    """Run the benchmark, or another playbook; nobody converges the machine to anything afterwards."""
    return lambda variables, **more: run_playbook(machine.scenario, machine.name, variables, **more)


def differences(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, list[str]]:
    """Give what is there and was not, or the other way round."""
    return {kind: sorted({*after[kind]} ^ {*before[kind]}) for kind in before if {*after[kind]} != {*before[kind]}}


@pytest.fixture
def _occupant(host: Host) -> Iterator[None]:
    """Have somebody else on the port that nginx takes if nobody tells it otherwise."""
    host.check_output("systemd-run --quiet --unit=occupant python3 -m http.server 80")
    yield
    host.check_output("systemctl stop occupant.service")


@pytest.mark.usefixtures("_occupant")
def test_bare_machine_is_bare_again_and_the_results_are_told(
    measure: Any, short: Any, looks: Any, machine: Any
) -> None:
    before = looks()
    outcome = measure(short)
    assert outcome.rc == 0, outcome
    assert differences(before, looks()) == {}
    results = json.loads((Path(short["benchmark_results"]) / f"{machine.name}.json").read_text(encoding="utf-8"))
    assert {*results["figures"]} == {*MEASURED}
    for figures in results["figures"].values():
        assert figures["requests"]["median"] > 50
        assert 0 < figures["p50"]["median"] <= figures["p90"]["median"] <= figures["p99"]["median"]
        assert 5 < figures["memory"]["median"] < 500
        assert 0 < figures["start"]["median"] < 30
    assert results["machine"]["cores"] >= 1
    page = (Path(short["benchmark_results"]) / f"{machine.name}.html").read_text(encoding="utf-8")
    for server in MEASURED:
        assert f">{server}</text>" in page
        # In the terminal
        assert f"{server} {results['versions'][server]}" in outcome.output


def test_benchmark_that_is_killed_is_made_good_by_the_next_one_even_if_that_fails(
    measure: Any, short: Any, looks: Any
) -> None:
    before = looks()
    with pytest.raises(subprocess.TimeoutExpired):
        # So long that no machine is quick enough to be through by then.
        measure({**short, "benchmark_seconds": 20}, timeout=45)
    assert differences(before, looks()) != {}
    outcome = measure({**short, "benchmark_path": "/nowhere", "benchmark_servers": ["gunicorn"]})
    assert outcome.rc != 0
    assert "An earlier benchmark was cut off" in outcome.output
    assert "GET /gunicorn/nowhere answers status 404" in outcome.output
    assert "No round counts of: gunicorn" in outcome.output
    assert differences(before, looks()) == {}


def test_what_is_served_goes_on_while_a_benchmark_comes_to_grief(
    measure: Any, short: Any, looks: Any, http: Http, host: Host
) -> None:
    assert measure(SERVING, playbook="site").rc == 0
    before = looks()
    units = host.check_output("systemctl show --property=MainPID --value nginx.service gunicorn@util.service")
    with http.watch("/util/search", host=SITE, least=31) as seen:
        broken = {"source": {"path": "examples/hello"}, "wsgi": "missing:app"}
        outcome = measure({**short, **SERVING, "benchmark_app": broken})
    assert outcome.rc != 0
    assert "No module named 'missing'" in outcome.output
    assert seen.failures == []
    assert differences(before, looks()) == {}
    again = host.check_output("systemctl show --property=MainPID --value nginx.service gunicorn@util.service")
    assert again == units
    # The site's own playbook finds nothing to do: what the collection remembers is right as well.
    assert measure(SERVING, playbook="site").changed == 0


def test_machine_that_the_inventory_does_not_know_is_refused(measure: Any, short: Any, looks: Any, http: Http) -> None:
    assert measure(SERVING, playbook="site").rc == 0
    before = looks()
    outcome = measure(short)
    assert outcome.rc != 0
    assert "role gunicorn has made 'util' on this host, but that is not in web_apps" in outcome.output
    assert "role nginx has made 'intern', 'main' on this host" in outcome.output
    assert differences(before, looks()) == {}
    assert http("/util/search", host=SITE).status == 200


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"benchmark_servers": ["gunicon"]},
            "benchmark_servers[0]: no server named 'gunicon'; did you mean 'gunicorn'?",
        ),
        ({"benchmark_rounds": 0}, "benchmark_rounds: is 0; the least is 1"),
    ],
)
def test_mistake_is_told_before_anything_is_done(measure: Any, variables: dict[str, Any], message: str) -> None:
    outcome = measure(variables)
    assert outcome.rc != 0
    assert message in outcome.output
    assert [task.action for task in outcome.tasks] == ["barehost.web.benchmark"]
