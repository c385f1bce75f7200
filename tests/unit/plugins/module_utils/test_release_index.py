# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What uv and pip are told about the place that packages come from."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.web.plugins.module_utils._release_index import Index, index_from

A, B = "https://a.test/simple", "https://b.test/simple"
HOST = {"UV_DEFAULT_INDEX": "x", "UV_EXTRA_INDEX_URL": "y", "UV_FIND_LINKS": "z", "LANG": "C"}


@pytest.mark.parametrize(
    ("index", "found"),
    [
        (Index(), HOST),
        (Index(url=A), {"UV_DEFAULT_INDEX": A, "UV_FIND_LINKS": "z", "LANG": "C"}),
        (
            Index(extra=(A, B)),
            {"UV_DEFAULT_INDEX": "x", "UV_INDEX": f"{A} {B}", "UV_FIND_LINKS": "z", "LANG": "C"},
        ),
        (Index(wheels=("/srv/w", "vendor")), {**HOST, "UV_FIND_LINKS": "/srv/w,vendor"}),
        (Index(wheels=("/srv/w",), only_wheels=True), {"UV_FIND_LINKS": "/srv/w", "LANG": "C"}),
    ],
)
def test_what_an_app_says_takes_the_place_of_what_the_host_says(index: Index, found: dict[str, str]) -> None:
    assert index.for_uv(HOST) == found
    assert index.options() == (("--no-index",) if index.only_wheels else ())


def test_pip_is_told_the_same_of_what_it_can_reach() -> None:
    assert Index().for_pip() == {}
    assert Index(url=A, extra=(B, A), wheels=("/srv/w", "vendor", B)).for_pip() == {
        "PIP_INDEX_URL": A,
        "PIP_EXTRA_INDEX_URL": f"{B} {A}",
        "PIP_FIND_LINKS": f"/srv/w {B}",
    }
    assert Index(wheels=("/srv/w",), only_wheels=True).for_pip() == {"PIP_FIND_LINKS": "/srv/w", "PIP_NO_INDEX": "1"}


def test_the_index_of_an_app_goes_before_that_of_all() -> None:
    every = {"url": "https://anna:hush@a.test", "extra": [], "wheels": [], "only_wheels": False}
    assert index_from(None, every) == Index(url="https://anna:hush@a.test")
    assert index_from({"wheels": ["w"], "only_wheels": True}, every) == Index(wheels=("w",), only_wheels=True)
    assert index_from(None, None) == Index()
    assert "hush" not in repr(index_from(None, every))
