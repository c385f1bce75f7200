# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How much memory a server gets, and what becomes of a folder of data."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.web.plugins.module_utils._database_server_plan import (
    PoolError,
    memory_of,
    pool_size,
    start,
)

GIGABYTE = 1 << 30


@pytest.mark.parametrize(
    ("asked", "total", "size"),
    [
        ("25%", 4 * GIGABYTE, "1024M"),
        ("25%", 4 * GIGABYTE - 4096, "1008M"),
        ("10%", 100 << 20, "10M"),
        ("512M", GIGABYTE, "512M"),
        ("2G", 4 * GIGABYTE, "2048M"),
        ("16777216", GIGABYTE, "16M"),
        ("80%", GIGABYTE, "816M"),
    ],
)
def test_size_of_the_pool(asked: str, total: int, size: str) -> None:
    assert pool_size(asked, total) == size


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("64G", "'64G' is more than 80% of the 1024M that this host has; write at most '819M', or a share such as"),
        ("81%", "'81%' is more than 80% of the 1024M"),
        ("4M", "'4M' is 4M on this host, which has 1024M; the least is '8M'"),
    ],
)
def test_memory_that_the_machine_has_not_got(asked: str, message: str) -> None:
    with pytest.raises(PoolError) as error:
        pool_size(asked, GIGABYTE)
    assert f"mariadb_memory: {message}" in str(error.value)


@pytest.mark.parametrize(
    ("limits", "total"),
    [([], 2 << 20), (["max\n"], 2 << 20), (["1048576\n"], 1 << 20), (["9223372036854771712\n"], 2 << 20)],
)
def test_container_may_have_less_than_the_kernel_says(limits: list[str], total: int) -> None:
    assert memory_of("MemTotal:           2048 kB\nMemFree:   1 kB\n", limits) == total


@pytest.mark.parametrize(
    ("noted", "content", "folders", "answers", "what"),
    [
        (False, (), (), False, "begin"),
        (True, (), (), False, "begin"),
        (False, (), (), True, "forget"),
        (False, ("lost+found",), ("lost+found",), False, "begin"),
        (False, ("ibdata1", "mysql"), ("mysql",), False, "leave"),
        (True, ("ibdata1", "mysql"), ("mysql",), False, "begin"),
        (True, ("ibdata1", "mysql"), ("mysql",), True, "forget"),
        (True, ("ibdata1", "mysql", "util"), ("mysql", "util"), False, "forget"),
    ],
)
def test_only_what_was_never_in_use_is_made_anew(
    noted: bool, content: tuple[str, ...], folders: tuple[str, ...], answers: bool, what: str
) -> None:
    assert start(noted=noted, content=content, folders=folders, answers=answers) == what
