# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kernel says of processes, read."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils._processes import (
    family,
    groups,
    in_group,
    memory,
    parse_pss,
    processes,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("55d0-7ffe ---p 00000000 00:00 0  [rollup]\nRss:  30000 kB\nPss:  12345 kB\nPss_Dirty: 1 kB\n", 12345 * 1024),
        ("", 0),
    ],
)
def test_proportional_size_is_read(text: str, size: int) -> None:
    assert parse_pss(text) == size


UNIT = "/system.slice/system-gunicorn.slice/gunicorn@a.service"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"0::{UNIT}\n", True),
        (f"5:memory:/\n1:name=systemd:{UNIT}\n", True),
        (f"0::{UNIT}/worker\n", True),
        (f"1:name=systemd:/machine.slice/libpod-1{UNIT}\n", True),
        (f"0::{UNIT.replace('@a', '@ab')}\n", False),
        ("0::/system.slice/system-gunicorn.slice/gunicorn@a.service.d\n", False),
        ("0::/\n", False),
    ],
)
def test_process_belongs_to_the_unit_in_whose_group_it_is(text: str, found: bool) -> None:
    assert in_group(text, UNIT) is found


def test_memory_is_that_of_all_processes_of_the_group(tmp_path: Path) -> None:
    for pid, group, size in ((1, "/init.scope", 5), (20, UNIT, 100), (21, UNIT, 10)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "cgroup").write_text(f"0::{group}\n")
        (tmp_path / str(pid) / "smaps_rollup").write_text(f"Pss: {size} kB\n")
    (tmp_path / "22").mkdir()  # Has ended meanwhile.
    (tmp_path / "sys").mkdir()
    assert memory(processes(UNIT, groups(tmp_path))) == 110 * 1024


def test_family_is_a_process_with_all_below_it(tmp_path: Path) -> None:
    for pid, children in ((1, "2 5"), (2, "3 4 "), (3, ""), (4, "99"), (5, "")):
        (tmp_path / f"{pid}/task/{pid}").mkdir(parents=True)
        (tmp_path / f"{pid}/task/{pid}/children").write_text(children)
    found = {path.name for path in family(2, tmp_path)}
    assert found == {"2", "3", "4", "99"}
    assert memory(family(2, tmp_path)) == 0, "those that have ended meanwhile take nothing"
