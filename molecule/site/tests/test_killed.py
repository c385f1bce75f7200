# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run that is killed is made good by the next one, and visitors notice neither."""

from __future__ import annotations

import copy
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import yaml
from testbed.converge import converge as run
from testbed.podman import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from testbed.http import Http
    from testinfra.host import Host

SITE = "example.test"
MODEL = yaml.safe_load((ROOT / "inventory/site/group_vars/web.yml").read_text(encoding="utf-8"))
KILLED = -9
PLACES = ("/", "/util/search", "/blog/")


def changed(number: int, folder: Path) -> dict[str, Any]:
    """Change the code of an app, its variables and its server, and the site, all with a number."""
    model = {key: copy.deepcopy(MODEL[key]) for key in ("web_apps", "web_sites")}
    util, code = model["web_apps"][0], folder / str(number)
    if not code.exists():
        shutil.copytree(ROOT / "examples/util", code)
        app = code / "app.py"
        app.write_text(
            app.read_text(encoding="utf-8").replace("hello Elastic", f"hello {number} Elastic"), encoding="utf-8"
        )
    util |= {"source": {"path": str(code)}, "environment": {"UTIL_GREETING": f"Greeting {number}"}}
    util["processes"] = 2 + number % 2
    model["web_sites"][0]["routes"].append({"path": f"/moved-{number}", "redirect": "/util"})
    return model


def test_run_that_is_killed_after_a_task_is_made_good(
    machine: Any, host: Host, http: Http, converge: Any, tmp_path: Path
) -> None:
    outcome = converge(changed(0, tmp_path))
    assert outcome.rc == 0, outcome
    # After the others there is nothing that was not there before.
    moments = [number for number, task in enumerate(outcome.tasks, 1) if task.status == "changed"]
    assert len(moments) >= 4
    with ExitStack() as stack:
        seen = [stack.enter_context(http.watch(place, host=SITE)) for place in PLACES]
        for moment in moments:
            model = changed(moment, tmp_path)
            outcome = run(machine.scenario, machine.name, model, kill_after=moment)
            assert (outcome.rc, len(outcome.tasks)) == (KILLED, moment), outcome
            outcome = converge(model)
            assert outcome.rc == 0, outcome
            assert http("/util/search", host=SITE).text.startswith(f"hello {moment} ")
            assert f"Greeting {moment}" in http("/util/", host=SITE).text
            assert http(f"/moved-{moment}", host=SITE).status == 302
            master = host.check_output("systemctl show --property=MainPID --value gunicorn@util.service")
            workers = host.check_output(f"cat /proc/{master}/task/{master}/children").split()
            assert len(workers) == 2 + moment % 2
    assert [watch.failures for watch in seen] == [[], [], []]
    assert converge(model).changed == 0
