# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading argument specifications, checking values against them, filling in defaults."""

from __future__ import annotations

from collections import UserList
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._check import check
from ansible_collections.barehost.web.plugins.plugin_utils._convert import plain
from ansible_collections.barehost.web.plugins.plugin_utils._schema import (
    Spec,
    fill,
    load,
    options,
    parse,
    union,
)

THINGS = parse(
    {
        "type": "list",
        "elements": "dict",
        "mutually_exclusive": [["left", "right"]],
        "required_one_of": [["left", "right", "middle"]],
        "required_by": {"left": ["speed"]},
        "required_if": [["state", "present", ["words"]]],
        "options": {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "left": {"type": "str"},
            "right": {"type": "str"},
            "middle": {"type": "str"},
            "speed": {"type": "int"},
            "open": {"type": "bool", "default": False},
            "words": {"type": "list", "elements": "str"},
            "token": {"type": "dict", "no_log": True},
            "depth": {"type": "dict", "default": {}, "options": {"level": {"type": "int", "default": 3}}},
        },
    }
)
GOOD = {"name": "a", "middle": "m", "words": ["w"]}
KEYS = "(keys here: name, state, left, right, middle, speed, open, words, token, depth)"


def problems(value: object, spec: Spec = THINGS) -> list[str]:
    return [str(problem) for problem in check(value, spec, "things")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stat": "absent"}, f"things[0].stat: there is no such key; did you mean 'state'? {KEYS}"),
        ({"colour": "red"}, f"things[0].colour: there is no such key; {KEYS}"),
        ({True: "yaml reads a bare on so"}, f"things[0].True: there is no such key; {KEYS}"),
        ({"name": None}, "things[0].name: is missing"),
        ({"name": 3.1}, "things[0].name: must be a text, not 3.1; put it in quotes"),
        ({"name": True}, "things[0].name: must be a text, not true; put it in quotes"),
        ({"name": ["a"]}, "things[0].name: must be a text, not a list"),
        ({"name": {"a": 1}}, "things[0].name: must be a text, not a mapping"),
        ({"state": "presnt"}, "things[0].state: 'presnt' is not one of its values; did you mean 'present'?"),
        ({"state": "gone"}, "things[0].state: 'gone' is not one of its values; write present or absent"),
        ({"speed": "fast"}, "things[0].speed: must be a whole number, not 'fast'"),
        ({"speed": 1.5}, "things[0].speed: must be a whole number, not 1.5"),
        ({"speed": True}, "things[0].speed: must be a whole number, not true"),
        ({"open": "perhaps"}, "things[0].open: must be true or false, not 'perhaps'"),
        ({"open": 2}, "things[0].open: must be true or false, not 2"),
        ({"words": {"a": 1}}, "things[0].words: must be a list, not a mapping; begin every item of it with '- '"),
        ({"words": ["w", ["v"]]}, "things[0].words[1]: must be a text, not a list"),
        ({"words": None}, "things[0].words: is missing; state present needs it"),
        ({"token": "hush"}, "things[0].token: must be a dict"),
        ({"depth": 5}, "things[0].depth: must be a mapping of keys to values, not 5"),
        ({"depth": {"level": "x"}}, "things[0].depth.level: must be a whole number, not 'x'"),
        (
            {"depth": {"levl": 1}},
            "things[0].depth.levl: there is no such key; did you mean 'level'? (keys here: level)",
        ),
        ({"right": "r", "left": "l", "speed": 1}, "things[0]: has left and right at once; keep one of left and right"),
        ({"middle": None}, "things[0]: has none of left, right and middle; give one of them"),
        ({"left": "l"}, "things[0].speed: is missing; left needs it"),
    ],
)
def test_a_mistake_has_its_message(changes: dict[Any, Any], message: str) -> None:
    assert problems([{**GOOD, **changes}]) == [message]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"name": "a"}, "things: must be a list, not a mapping; begin every item of it with '- '"),
        ("a", "things: must be a list, not 'a'; begin every item of it with '- '"),
        (None, "things: must be a list, not nothing; begin every item of it with '- '"),
        (["a"], "things[0]: must be a mapping of keys to values, not 'a'"),
        ([None], "things[0]: must be a mapping of keys to values, not nothing"),
    ],
)
def test_a_list_that_is_none_has_its_message(value: object, message: str) -> None:
    assert problems(value) == [message]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"speed": "2"},
        {"speed": 2.0},
        {"name": 7},
        {"open": "yes"},
        {"open": 0},
        {"words": "w,v"},
        {"words": 80},
        {"words": None, "state": "absent"},
        {"left": None, "right": "r"},
    ],
)
def test_what_ansible_accepts_is_accepted(changes: dict[str, Any]) -> None:
    assert problems([{**GOOD, **changes}]) == []


def test_all_mistakes_are_found_at_once() -> None:
    assert len(problems([{**GOOD, "stat": 1, "speed": "x"}, {"nam": "a"}])) == 6


def test_fill_converts_and_completes_everywhere() -> None:
    given = {"name": 7, "speed": "2", "open": "yes", "words": "w, v", "unknown": 1, "left": None}
    assert fill([given], THINGS) == [
        {"name": "7", "state": "present", "speed": 2, "open": True, "words": ["w", "v"], "depth": {"level": 3}}
    ]


def test_fill_leaves_alone_what_has_the_wrong_type() -> None:
    assert fill([{"name": "a", "speed": "fast", "depth": 5}], THINGS)[0]["speed"] == "fast"
    assert fill("nonsense", THINGS) == "nonsense"


def test_fill_copies_defaults() -> None:
    spec = parse({"type": "dict", "options": {"names": {"type": "list", "elements": "str", "default": []}}})
    fill({}, spec)["names"].append("a")
    assert fill({}, spec) == {"names": []}


def test_union_has_the_keys_and_rules_of_all() -> None:
    other = parse(
        {"type": "list", "elements": "dict", "options": {"name": {"required": True}, "size": {"type": "int"}}}
    )
    both = union(THINGS, other)
    assert problems([{**GOOD, "size": "3"}], both) == []
    assert problems([{"name": "a", "words": []}], both) == [
        "things[0]: has none of left, right and middle; give one of them"
    ]
    assert both.element is not None
    assert list(both.element.keys or ())[-2:] == ["depth", "size"]


def test_plain_copies_into_ordinary_containers() -> None:
    vaulted = UserList("secret")  # a sequence that is no str, as a vault text of ansible-core 2.18
    vaulted_text = type("Vaulted", (UserList,), {"__str__": lambda _self: "secret"})(vaulted)
    assert plain({"a": ({"b": vaulted_text},)}) == {"a": [{"b": "secret"}]}


def test_the_roles_are_loaded() -> None:
    assert load("nginx", "nginx_sites").element is not None
    assert options("gunicorn")["gunicorn_purge"].kind == "bool"


def test_union_joins_mappings_that_two_roles_know() -> None:
    first, other = (
        parse(
            {
                "type": "list",
                "elements": "dict",
                "options": {"tls": {"type": "dict", "options": {"mode": {"default": role}, role: {}}}},
            }
        )
        for role in ("nginx", "certificates")
    )
    assert fill([{"tls": {"nginx": "a", "certificates": "b"}}], union(first, other)) == [
        {"tls": {"mode": "nginx", "nginx": "a", "certificates": "b"}}
    ]
