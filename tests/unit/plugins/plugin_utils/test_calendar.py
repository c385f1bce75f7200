# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Calendar events that systemd takes are taken, others are not."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._calendar import calendar

RIGHT = [
    "daily",
    "Weekly",
    "daily UTC",
    "Mon",
    "Mon,Thu",
    "Mon..Fri 04:00",
    "Mon..Fri,Sun 04:00:30",
    "Saturday *-*-* 03:00:00 Europe/Berlin",
    "*-*-* 02:30:00",
    "*-*-1,15 02:30",
    "*-*~01 00:00",
    "2027-01-01",
    "01-01 00:00",
    "04:00",
    "*:0/15",
    "*:*:0/5",
    "0..6/2:30",
    "*-1..6-01 12:00 UTC",
]
WRONG = [
    "",
    " ",
    "dayly",
    "daily daily",
    "at night",
    "Mon Tue",
    "04",
    "25:00",
    "04:61",
    "04:00 Mon",
    "*-13-01 00:00",
    "*-*-32",
    "*-*-* 02:30:00 Europe/Berlim",
    "6..2:00",
    "*:0/0",
    "daily\nUnit=x.service",
    "*-*-* 02:30:00; rm -rf /",
    "UTC",
]


@pytest.mark.parametrize("text", RIGHT)
def test_calendar_event_is_taken(text: str) -> None:
    assert calendar(text) is None


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_calendar_event_is_refused(text: str) -> None:
    fault = calendar(text)
    assert fault is not None
    assert "is no calendar event" in fault.reason
    assert "'daily'" in fault.way_out


@pytest.mark.parametrize("text", [*RIGHT, *(text for text in WRONG if "\n" not in text)])
def test_systemd_agrees(text: str) -> None:
    program = shutil.which("systemd-analyze")
    if program:
        done = subprocess.run([program, "calendar", "--", text], capture_output=True, check=False)
        assert (done.returncode == 0) == (calendar(text) is None), done.stderr
