# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Constants of PHP: names and values that cannot become anything else in the file."""

from __future__ import annotations

import re

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils import _installations, _php
from testbed.podman import ROOT

TEMPLATE = ROOT / "roles/wordpress/templates/wp-config.php.j2"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (None, "null"),
        (3, "3"),
        (-2.5, "-2.5"),
        ("x", "'x'"),
        ("", "''"),
        ("it's", r"'it\'s'"),
        ("a\\b", r"'a\\b'"),
        ("a\\'); system('id'); //", r"'a\\\'); system(\'id\'); //'"),
        ("a\n?>$x{$y}", "'a\n?>$x{$y}'"),
        ([1, "a'b", [None]], r"[1, 'a\'b', [null]]"),
        ([], "[]"),
    ],
)
def test_values_are_written_as_php_does(value: object, text: str) -> None:
    assert _php.value(value) is None
    assert _php.literal(value) == text


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("X', 'y'); system('id'); //", "x", "constants.\"X', 'y'); system('id'); //\": "),
        ("it's", "x", 'constants."it\'s": "it\'s" is no name of a constant; use letters, digits'),
        ("a\nb", "x", r"constants.'a\nb': 'a\nb' is no name of a constant"),
        ("9LIVES", 1, "constants.'9LIVES': '9LIVES' is no name of a constant"),
        ("", 1, "constants.'': '' is no name of a constant"),
        ("True", 1, "constants.True: 'True' is a word of PHP itself"),
        ("__halt_compiler", 1, "constants.__halt_compiler: '__halt_compiler' is a word of PHP itself"),
        ("OK", {"a": 1}, "constants.OK: is a mapping; write a text"),
        ("OK", [1, {"a": 1}], "constants.OK: is a mapping; write a text"),
        ("OK", float("inf"), "constants.OK: is inf, which PHP cannot be told"),
        ("OK", 2**63, "constants.OK: is 9223372036854775808, which PHP would round"),
        ("OK", "\ud800", "constants.OK: has a character that no file can hold"),
        ("DB_NAME", "other", "constants.DB_NAME: is defined by the role; leave it out"),
        ("WP_HOME", "https://x.test", "constants.WP_HOME: is defined by the role; write 'url'"),
        ("NONCE_SALT", "x", "constants.NONCE_SALT: is defined by the role; leave it out"),
    ],
)
def test_what_is_no_constant_is_named(key: str, value: object, expected: str) -> None:
    (problem,) = _php.problems("constants", {"GOOD": 1, key: value}, _installations._TAKEN)
    assert str(problem).startswith(expected), str(problem)


def test_what_the_template_defines_for_good_is_refused() -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    ours = set(re.findall(r"^ *define\('(\w+)'", text, re.MULTILINE))
    assert len(ours) > 10
    assert ours <= _installations._TAKEN.keys()


def test_what_the_template_defines_otherwise_may_be_chosen() -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    begins = text.index("wordpress.constants")
    for name in re.findall(r"^defined\('(\w+)'\) \|\|", text, re.MULTILINE):
        assert name not in _installations._TAKEN
        assert text.index(f"define('{name}'") > begins
