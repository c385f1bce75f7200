# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What actions remember of a host, so that they need not ask again in the same run."""

from __future__ import annotations

import os
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.action import publish
from ansible_collections.barehost.web.plugins.plugin_utils import _memory

NOTHING: dict[str, Any] = {"files": [], "links": [], "directories": [], "units": [], "accounts": {}}


def said(*sets: str, owed: bool = False) -> dict[str, Any]:
    """What a host has said of its sets, as a later task of the same run sees it."""
    return {"ansible_facts": _memory.with_memory({"sets": [*sets], "owed": owed})["ansible_facts"]}


@pytest.mark.parametrize(
    ("variables", "spared"),
    [
        (said("nginx"), True),
        (said(), True),
        (said("nginx", "uwsgi"), False),
        (said("nginx", owed=True), False),
        ({"ansible_facts": {}}, False),
        ({}, False),
    ],
)
def test_host_is_asked_unless_it_has_said_that_it_has_nothing(variables: dict[str, Any], spared: bool) -> None:
    assert _memory.is_spared("uwsgi", variables) is spared


@pytest.mark.parametrize("kind", ["files", "links", "directories", "units", "accounts"])
def test_whatever_is_wanted_has_to_be_published(kind: str) -> None:
    assert not publish._has_content(NOTHING)
    assert publish._has_content({**NOTHING, kind: [{}]})


def test_word_of_another_run_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = said("nginx")
    monkeypatch.setattr(os, "getppid", os.getpid)
    assert not _memory.is_spared("uwsgi", kept)


def test_memory_is_no_part_of_the_result() -> None:
    result = _memory.with_memory({"changed": True, "sets": ["nginx"], "owed": False})
    assert sorted(result) == ["ansible_facts", "changed"]
    failed = {"failed": True, "msg": "no"}
    assert _memory.with_memory(dict(failed)) == failed


def told(**versions: str) -> dict[str, Any]:
    """What a host has said of its packages, as a later task of the same run sees it."""
    result = {"changed": False, "known": versions, "codename": "trixie", "ipv6": True}
    return {"ansible_facts": _memory.with_packages(result)["ansible_facts"]}


@pytest.mark.parametrize(
    ("names", "variables", "asked"),
    [
        (["nginx"], told(nginx="1.26", logrotate="3.22"), False),
        (["nginx", "php"], told(nginx="1.26"), True),
        (["nginx"], {"ansible_facts": {}}, True),
        (["nginx"], {}, True),
    ],
)
def test_host_is_asked_for_packages_that_it_has_not_said_to_have(
    names: list[str], variables: dict[str, Any], asked: bool
) -> None:
    known = _memory.packages_there(names, variables)
    assert (known is None) is asked
    if known is not None:
        assert known == {
            "changed": False,
            "installed": [],
            "versions": {"nginx": "1.26"},
            "codename": "trixie",
            "ipv6": True,
        }


def test_packages_of_another_run_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = told(nginx="1.26")
    monkeypatch.setattr(os, "getppid", os.getpid)
    assert _memory.packages_there(["nginx"], kept) is None


def test_memory_of_packages_is_no_part_of_the_result() -> None:
    result = _memory.with_packages({"changed": False, "known": {}, "codename": "trixie", "ipv6": True})
    assert sorted(result) == ["ansible_facts", "changed", "codename", "ipv6"]
    failed = {"failed": True, "msg": "no"}
    assert _memory.with_packages(dict(failed)) == failed
