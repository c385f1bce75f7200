# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has left the model leaves nothing on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from testbed.podman import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.http import Http

SERVERS = ("gunicorn", "uwsgi", "mod_wsgi")
NAMES = {server: f"passing-{server.replace('_', '-')}" for server in SERVERS}


def test_apps_and_sites_that_left_the_model_leave_nothing(
    converge: Any, http: Http, looks: Callable[[], dict[str, list[str]]]
) -> None:
    model = yaml.safe_load((ROOT / "inventory/servers/group_vars/web.yml").read_text(encoding="utf-8"))
    # What many runs leave is there before: a cache, a list of packages.
    assert converge({"web_purge": True}).rc == 0
    before = looks()
    for server, name in NAMES.items():
        environment = {"PROBE_APP": name}
        app = {"name": name, "server": server, "source": {"path": "examples/probe"}, "wsgi": "wsgi:app"}
        model["web_apps"].append({**app, "environment": environment, "commands": ["touch made"]})
        routes = [{"path": "/", "app": name}, {"path": "/moved", "redirect": "/"}]
        model["web_sites"].append({"name": name, "domains": [f"{name}.example.test"], "routes": routes})
    outcome = converge(model)
    assert outcome.rc == 0, outcome
    with_them = looks()
    assert all(with_them[kind] != before[kind] for kind in ("files", "accounts", "units"))
    assert {http("/", host=f"{name}.example.test").status for name in NAMES.values()} == {200}

    listed = converge({"web_purge": True}, check=True)
    assert listed.rc == 0, listed
    for name in NAMES.values():
        assert f"--- before: {name}: /srv/{name}\n+++ after: (removed)" in listed.output
    assert looks() == with_them, "so far it is a list"
    assert converge().rc == 0
    assert {http("/", host=f"{name}.example.test").status for name in NAMES.values()} == {200}, "nobody said so yet"

    outcome = converge({"web_purge": True})
    assert outcome.rc == 0, outcome
    after = looks()
    for kind, lines in before.items():
        assert sorted(set(after[kind]) ^ set(lines)) == [], kind
