# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is shown of a program's output, and how environment files are written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils._environment import (
    EnvironmentFileError,
    environment_line,
    environment_text,
    environment_values,
)
from ansible_collections.barehost.web.plugins.module_utils._release_user import Account, hide, leave_data, mask, tail


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:hush@index.test/simple", "https://***@index.test/simple"),
        ("https://hush@index.test/simple", "https://***@index.test/simple"),
        ("a https://u:p@x.test b https://u:p@y.test", "a https://***@x.test b https://***@y.test"),
        ("git+ssh://git@host/x", "git+ssh://***@host/x"),
        ("https://index.test/a@b", "https://index.test/a@b"),
        ("me@example.test", "me@example.test"),
        ("'https://u:p@x.test'", "'https://***@x.test'"),
    ],
)
def test_credentials_are_masked(text: str, shown: str) -> None:
    assert mask(text) == shown


def test_the_end_of_the_output_is_shown() -> None:
    assert tail("") == "(it printed nothing)"
    assert tail("one\n\n  two  \n") == "one\n  two"
    lines = tail("\n".join(f"line {number}" for number in range(100))).splitlines()
    assert (len(lines), lines[-1]) == (25, "line 99")


@pytest.mark.parametrize(
    ("text", "values", "shown"),
    [
        ("the key is hush-hush.", ["hush-hush"], "the key is ***."),
        ("hush-hush hush", ["hush", "hush-hush"], "*** ***"),
        ("https://u:hush-hush@x.test", ["u:hush-hush"], "https://***@x.test"),
        ("debug 1 yes", ["1", "yes", ""], "debug 1 yes"),
        ("line of-two", ["line one\nof-two"], "line ***"),
    ],
)
def test_values_of_the_environment_are_hidden(text: str, values: list[str], shown: str) -> None:
    assert hide(text, values) == shown


def test_data_of_a_removed_app_stays_unless_there_is_none(tmp_path: Path) -> None:
    mine, another = Account("util", os.getuid(), os.getgid()), Account("shop", os.getuid() + 1, os.getgid())
    empty, link = tmp_path / "empty", tmp_path / "link"
    empty.mkdir(mode=0o750)
    link.symlink_to(empty)
    for folder, who in ((tmp_path / "none", mine), (empty, another), (link, mine)):
        leave_data(folder, who)
    assert stat.S_IMODE(empty.stat().st_mode) == 0o750
    leave_data(empty, mine)
    assert not empty.exists()


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("plain", 'X="plain"'),
        ("", 'X=""'),
        (5, 'X="5"'),
        ("two words # no comment; 'quoted'", "X=\"two words # no comment; 'quoted'\""),
        ('a "b" \\ $HOME `id`', 'X="a \\"b\\" \\\\ \\$HOME \\`id\\`"'),
        ("%h", 'X="%h"'),
        ("ünïcode\ttab", 'X="ünïcode\ttab"'),
    ],
)
def test_values_are_quoted(value: object, line: str) -> None:
    assert environment_line("X", value) == line


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("1X", "v", "'1X' is not a name"),
        ("A-B", "v", "'A-B' is not a name"),
        ("", "v", "'' is not a name"),
        ("X\n", "v", "is not a name"),
        ("X", True, "the value of 'X' is not a text"),
        ("X", None, "the value of 'X' is not a text"),
        ("X", ["hush"], "the value of 'X' is not a text"),
        ("X", "hush\0", "the value of 'X' has a control character"),
        ("X", "hush\r", "the value of 'X' has a control character"),
    ],
)
def test_what_cannot_be_written(name: str, value: object, words: str) -> None:
    with pytest.raises(EnvironmentFileError, match=words) as error:
        environment_line(name, value)
    assert "hush" not in str(error.value)


def test_a_file_is_read_back() -> None:
    variables = {"A": 'say "hi" \\ $5 `id`', "B": "", "C": "two\nC=lines", "D": "x=y # z"}
    assert environment_values(f"# It's a file\n{environment_text(variables)}") == variables


def test_a_file_is_sorted() -> None:
    assert environment_text({"B": "2", "A": "1"}) == 'A="1"\nB="2"\n'
    assert environment_text({}) == ""
