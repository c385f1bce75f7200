# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is too much for a host is told before anything is changed."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.web.plugins.module_utils._wordpress_room import Need, Room, measure, shortages, size

MIB = 1 << 20
LARGE = Room(memory=4096 * MIB, available=2048 * MIB, free={"/srv": 9000 * MIB, "/var/lib/mysql": 9000 * MIB})


@pytest.mark.parametrize(
    ("need", "room", "expected"),
    [
        (Need("blog", "256M", fresh=True, unpacks=True), LARGE, []),
        (
            Need("blog", "8G"),
            LARGE,
            ["WordPress 'blog': memory_limit: a request may take 8G, and this host has 4096 MiB"],
        ),
        (
            Need("blog", "256M", fresh=True),
            Room(4096 * MIB, 200 * MIB),
            ["WordPress 'blog': a first installation takes 256 MiB of memory, and 200 MiB are free"],
        ),
        (Need("blog", "256M", unpacks=True), Room(4096 * MIB, 200 * MIB), []),
        (
            Need("blog", "256M", unpacks=True),
            Room(4096 * MIB, 2048 * MIB, {"/srv": 499 * MIB, "/var/lib/mysql": 500 * MIB}),
            ["WordPress 'blog': /srv: 500 MiB of disk are to be free, and 499 MiB are"],
        ),
        (
            Need("blog", "256M", fresh=True),
            Room(4096 * MIB, 2048 * MIB, {"/srv": 500 * MIB, "/var/lib/mysql": MIB}),
            ["WordPress 'blog': /var/lib/mysql: 500 MiB of disk are to be free, and 1 MiB are"],
        ),
        # A run that changes nothing needs nothing.
        (Need("blog", "256M"), Room(4096 * MIB, 0, {"/srv": 0}), []),
    ],
)
def test_what_is_missing_is_told(need: Need, room: Room, expected: list[str]) -> None:
    found = shortages([need], room)
    assert len(found) == len(expected), found
    assert all(text.startswith(start) for text, start in zip(found, expected, strict=True)), found


@pytest.mark.parametrize(
    ("text", "number"), [("256M", 256 * MIB), ("1G", 1024 * MIB), ("512K", MIB // 2), ("100", 100), ("25%", 0), ("", 0)]
)
def test_sizes_are_read(text: str, number: int) -> None:
    assert size(text) == number


def test_this_machine_is_measured() -> None:
    room = measure()
    assert 0 < room.available <= room.memory
    assert set(room.free) == {"/srv", "/var/lib/mysql"}
