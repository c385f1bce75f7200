# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which apps a deploy is about, in which version, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._deploy import chosen, in_version, listing, told

APPS: list[dict[str, Any]] = [
    {"name": "util", "state": "present", "source": {"git": "https://git.example.test/util.git", "version": "v1"}},
    {"name": "shop", "state": "present", "source": {"path": "x"}},
    {"name": "old", "state": "absent"},
]


@pytest.mark.parametrize(
    ("names", "found"), [("all", ["util", "shop"]), ("shop, util,shop", ["shop", "util"]), ("util", ["util"])]
)
def test_apps_are_named(names: str, found: list[str]) -> None:
    apps, problems = chosen(APPS, names)
    assert ([app["name"] for app in apps], problems) == (found, [])


def test_an_app_may_be_called_all() -> None:
    assert chosen([*APPS, {**APPS[0], "name": "all"}], "all")[0][0]["name"] == "all"


@pytest.mark.parametrize(
    ("names", "words", "message"),
    [
        ("utl", {}, "app: no app named 'utl' in web_apps; did you mean 'util'?"),
        ("old", {}, "app: no app named 'old' in web_apps; there is 'shop', 'util'"),
        (" ,", {}, "app: names no app; there is 'shop', 'util'"),
        ("all", {"version": "v2"}, "version: this is for one app, 2 are meant; name it: -e app=NAME"),
        ("all", {"returns": True}, "app: this is for one app, 2 are meant; name it: -e app=NAME"),
        (
            "shop",
            {"version": "v2"},
            "version: the source is a path, which has no versions; change it in web_apps, or deploy without version",
        ),
    ],
)
def test_words_that_mean_nothing(names: str, words: dict[str, Any], message: str) -> None:
    found, problems = chosen(APPS, names, **words)
    assert (found, str(problems[0])) == ([], message)


def test_another_version_leaves_the_model_as_it_is() -> None:
    (app,), _problems = chosen(APPS, "util", "v2")
    assert (app["source"]["version"], APPS[0]["source"]["version"]) == ("v2", "v1")


@pytest.mark.parametrize(
    ("package", "version", "wanted"),
    [
        ("util", "1.2", "util==1.2"),
        ("util==1.1", "1.2", "util==1.2"),
        ("util[web] >=1,<2", "1.2rc1", "util[web]==1.2rc1"),
        ("util", "1.2; rm", None),
        ("util @ https://x.test/a.whl", "1.2", None),
    ],
)
def test_a_version_of_a_package(package: str, version: str, wanted: str | None) -> None:
    source, fault = in_version({"package": package}, version)
    assert (source.get("package"), fault is None) == (wanted, wanted is not None)


def test_what_became_of_each_app_is_told_in_a_line() -> None:
    app = {"name": "util", "change": "released", "release": "2", "previous": "1", "version": "abc"}
    others = [app | {"change": "unchanged", "previous": "2"}, app | {"release": "", "previous": ""}]
    assert told({"apps": [app, *others]}) == [
        "util: 2 is live, before it 1 (abc)",
        "util: 2 stays live (abc)",
        "util: a new release is live (abc)",
    ]


def test_releases_are_a_table() -> None:
    one = {
        "app": "util",
        "release": "20260102T030405Z-1a2b3c4d",
        "state": "live",
        "created": "2026-01-02T03:04:05Z",
        "by": "",
        "version": "sha256:0123456789abcdef",
        "irreversible": True,
        "barred": False,
    }
    other = one | {"state": "withdrawn", "by": "anna@laptop", "irreversible": False, "barred": True}
    live, withdrawn = listing([one, other])
    assert live.split() == [*withdrawn.split()[:2], "live", one["created"], "-", "sha256:0123456789ab", "irreversible"]
    assert withdrawn.endswith("anna@laptop  sha256:0123456789ab  older than an irreversible one")
    assert live.index("-  ") == withdrawn.index("anna")
    assert listing([]) == []
