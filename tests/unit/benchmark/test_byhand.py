# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Both sides have the same app and as many workers, and no two sides have one port."""

from __future__ import annotations

import re

import pytest
from benchmark.byhand import ByHand, Shape, nginx, ways
from benchmark.servers import SHAPES, hands, model, sides


def test_every_side_has_a_port_of_its_own() -> None:
    ports = [side.port for side in sides()]
    assert len({*ports}) == len(ports)
    assert {site["listen"][0] for site in model()["web_sites"]} < {f"127.0.0.1:{port}" for port in ports}


def test_ways_by_hand_run_the_code_of_an_app_of_ours_with_as_many_workers() -> None:
    apps = {app["name"]: app for app in model()["web_apps"]}
    for hand in hands():
        app, command = apps[hand.app], hand.command()
        assert app["server"] == hand.server
        said = " ".join([*command, *hand.files().values()])
        assert re.search(r"(workers|processes)=(\d)", said)[2] == str(app["processes"])
        assert f"threads={app['threads']}" in said


def test_ours_comes_before_the_ways_of_its_kind() -> None:
    kinds = [(side.server, side.shape) for side in sides()]
    assert kinds == sorted(kinds, key=kinds.index)
    first = {kind: next(side.way for side in sides() if (side.server, side.shape) == kind) for kind in kinds}
    assert {*first.values()} == {"ours"}


@pytest.mark.parametrize("server", ["gunicorn", "uwsgi"])
@pytest.mark.parametrize("shape", SHAPES)
def test_nginx_asks_where_the_server_listens(server: str, shape: Shape) -> None:
    for way in ways(server, shape):
        hand = ByHand(server, shape, way, "app", 9100)
        listening = next(part for part in hand.command() if part.startswith(("--bind=", "--uwsgi-socket=")))
        text = nginx([hand])
        assert f"server {hand.address} fail_timeout=0;" in text
        assert listening.partition("=")[2] == hand.address.removeprefix("unix:" if server == "uwsgi" else "")
        assert ("keepalive 32;" in text) is ('Connection "";' in text) is way.kept
        assert ("uwsgi_pass" in text) is (server == "uwsgi")
        assert text.count("{") == text.count("}")
