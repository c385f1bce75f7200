# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From rounds to figures, a table and a page."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._benchmark_page import page, steps
from ansible_collections.barehost.web.plugins.plugin_utils._benchmark_report import METRICS, Figure, Report, read

PLAN = {
    "servers": ["slow", "fast", "dead"],
    "processes": 2,
    "threads": 1,
    "path": "/<b>",
    "connections": 16,
    "rounds": 3,
    "seconds": 10,
    "present": {"apps": ["secret"]},
}
SIZE = {
    "cores": 2,
    "processor": "A",
    "memory": 2**31,
    "system": "Debian GNU/Linux 13",
    "kernel": "6.1",
    "python": "3.13",
}


def result(server: str, number: int, requests: float) -> dict[str, Any]:
    latency = {"50": 1 / requests, "90": 2 / requests, "99": 4 / requests}
    return {
        "server": server,
        "round": number,
        "requests": requests,
        "latency": latency,
        "memory": 2**20,
        "start": 0.5,
    }


def report() -> Report:
    rounds = [
        {
            "versions": {"fast": "1.2", "nginx": "1.26", "slow": ""},
            "load": load,
            "results": [
                result("slow", number, 100 * number),
                {"server": "fast", "round": number, "fault": "12 answers <bad>"}
                if number == 2
                else result("fast", number, 1000 * number),
                {"server": "dead", "round": number, "fault": "no answer"},
            ],
        }
        for number, load in ((1, 0.5), (2, 0.1), (3, 1.5))
    ]
    return read(PLAN, SIZE, rounds, "2026-01-02 03:04 UTC")


def test_figures_are_medians_over_the_rounds_that_count() -> None:
    assert report().figure("slow", METRICS[0]) == Figure(100, 200, 300)
    assert report().figure("fast", METRICS[0]) == Figure(1000, 2000, 3000)
    assert report().figure("dead", METRICS[0]) is None
    assert report().missing() == ["dead"]


def test_table_has_the_fastest_first_and_says_what_does_not_count() -> None:
    table = report().table()
    assert [line.split()[0] for line in table[3:6]] == ["fast", "slow", "dead"]
    assert table[3].split(maxsplit=2)[2].startswith("2 000 (1 000 to 3 000)")
    assert "not counted: round 2, fast: 12 answers <bad>" in table
    assert any("2 cores (A), 2.0 GiB" in line for line in table)
    assert all(len(line) <= 120 for line in table)


def test_markdown_is_a_table_with_the_machine_below() -> None:
    lines = report().markdown().splitlines()
    assert {line.count(" | ") for line in lines[:5]} == {len(METRICS)}
    assert lines[2].startswith("| fast 1.2 | 2 000 (1 000 to 3 000) | ")
    assert lines[-1].startswith("machine: 2 cores (A)")


def test_json_has_every_round_and_no_entries_of_the_model() -> None:
    plain = json.loads(json.dumps(report().plain()))
    assert len(plain["rounds"]) == 9
    assert plain["figures"]["fast"]["requests"] == {"unit": "1/s", "least": 1000, "median": 2000, "most": 3000}
    assert "secret" not in json.dumps(plain)


def test_page_needs_nothing_else_and_escapes() -> None:
    text = page(report())
    assert not re.search(r"<script|https?://|url\(|@import|\bsrc=|\bhref=", text)
    assert "&lt;bad&gt;" in text
    assert "/&lt;b&gt;" in text
    assert "<bad>" not in text
    assert "prefers-color-scheme: dark" in text


def test_page_has_a_bar_with_its_spread_for_every_figure() -> None:
    plots = re.findall(r"<svg.*?</svg>", page(report()), re.DOTALL)
    assert len(plots) == len(METRICS)
    bars = re.findall(r'<rect class="(\w+)" .*?width="([\d.]+)"', plots[0])
    assert [kind for kind, _width in bars] == ["best", "bar"]
    fast, slow = (float(width) for _kind, width in bars)
    assert fast == pytest.approx(10 * slow, rel=0.02)
    assert plots[0].count('<path class="spread"') == 2
    assert "fast 2 000 1/s" in plots[0]


@pytest.mark.parametrize(
    ("most", "axis"),
    [
        (6782, [0, 2000, 4000, 6000, 8000]),
        (3.7, [0, 1, 2, 3, 4]),
        (0.011, [0, 0.005, 0.01, 0.015]),
        (4000, [0, 1000, 2000, 3000, 4000]),
        (0, [0, 1]),
    ],
)
def test_axis_has_round_numbers(most: float, axis: list[float]) -> None:
    assert steps(most) == pytest.approx(axis)
