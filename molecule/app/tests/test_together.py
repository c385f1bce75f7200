# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one run does on several hosts."""

from __future__ import annotations

import os
from typing import Any

from testbed.converge import converge as run
from testbed.podman import podman_ok

HOSTS = ("debian12", "debian13")


def test_a_release_has_one_name_on_all_hosts_of_a_run(samples: Any) -> None:
    scenario = os.environ["MOLECULE_SCENARIO_NAME"]
    entry = {"name": "notes", "source": {"path": str(samples.code("notes"))}}
    outcome = run(scenario, ",".join(HOSTS), {"app_apps": [entry]})
    assert outcome.rc == 0, outcome
    containers = [f"barehost-{scenario}-{host}" for host in HOSTS]
    pythons = {podman_ok("exec", one, "readlink", "-f", "/srv/notes/current/.venv/bin/python") for one in containers}
    live = {podman_ok("exec", one, "readlink", "/srv/notes/current") for one in containers}
    assert (len(pythons), len(live)) == (2, 1)
    assert run(scenario, ",".join(HOSTS), {"app_purge": True}).rc == 0
