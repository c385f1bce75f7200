# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How mistakes are worded and ordered."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Problem, hint, meant, report, show


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("text", "'text'"),
        (True, "true"),
        (5, "5"),
        ([1], "a list"),
        ({"a": 1}, "a mapping"),
        ("two\nlines", r"'two\nlines'"),
        ("x" * 99, f"'{'x' * 57}...'"),
        ("https://user:hush@example.test/a", "'https://***@example.test/a'"),
    ],
)
def test_a_value_is_shown_short_and_without_credentials(value: object, shown: str) -> None:
    assert show(value) == shown


@pytest.mark.parametrize(("word", "found"), [("utl", "util"), ("UTIL", "util"), ("shop", None)])
def test_a_similar_word_is_found(word: str, found: str | None) -> None:
    assert meant(word, ["util", "blog"]) == found


@pytest.mark.parametrize(
    ("word", "known", "text"),
    [
        ("utl", ["util"], "did you mean 'util'?"),
        ("shop", ["util", "blog"], "there is 'blog', 'util'"),
        ("shop", [], "there is none at all"),
    ],
)
def test_a_hint_says_what_there_is(word: str, known: list[str], text: str) -> None:
    assert hint(word, known) == text


def test_a_report_counts_sorts_and_drops_repetitions() -> None:
    ten, two = Problem("sites[10].name", "is bad", "write a good one"), Problem("sites[2].name", "is missing")
    assert report([ten, two, ten]) == (
        "The model has 2 mistakes:\nsites[2].name: is missing\nsites[10].name: is bad; write a good one"
    )
    assert report([two]) == "The model has 1 mistake:\nsites[2].name: is missing"
