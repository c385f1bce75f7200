# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who is to blame for what a checker says."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.web.plugins.module_utils._publish_plan import Item
from ansible_collections.barehost.web.plugins.module_utils._validate import blame, find_program, rejected_line

SITE = Item(
    "/etc/nginx/sites-available/shop.conf",
    "file",
    b"server {\n    listen 80;\n    bogus on;\n}\n",
    entry="shop",
    template="site.conf.j2",
)
LINK = Item("/etc/nginx/sites-enabled/shop.conf", "link", target="../sites-available/shop.conf", entry="shop")
OTHER = Item("/etc/nginx/sites-available/shop.conf.old", "file", b"x")
SECRET = Item("/etc/app/secret.ini", "file", b"a\npassword=hunter2\n", secret=True, entry="app")


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ('nginx: [emerg] unknown directive "bogus" in /etc/nginx/sites-enabled/shop.conf:3', 3),
        ('nginx: [emerg] unknown directive "bogus" in /etc/nginx/sites-available/shop.conf:3', 3),
        ("AH00526: Syntax error on line 3 of /etc/nginx/sites-available/shop.conf:", 3),
        ('File "/etc/nginx/sites-available/shop.conf", line 3', 3),
    ],
)
def test_line_is_found_in_the_words_of_each_program(output: str, line: int) -> None:
    (text,) = blame(output, [SITE, LINK, OTHER])
    assert text.startswith(f"entry 'shop': {SITE.path}, line {line} (from template site.conf.j2)")
    assert ">    3 |     bogus on;" in text


def test_file_that_is_named_without_a_line() -> None:
    (text,) = blame("cannot open /etc/nginx/sites-available/shop.conf!", [SITE, LINK])
    assert text == "entry 'shop': /etc/nginx/sites-available/shop.conf (from template site.conf.j2)"


def test_longer_name_is_another_file() -> None:
    assert blame("error in /etc/nginx/sites-available/shop.conf.old:1", [SITE]) == []


def test_lines_of_a_secret_are_not_shown() -> None:
    (text,) = blame("/etc/app/secret.ini:2: bad", [SECRET])
    assert "hunter2" not in text
    assert "entry 'app'" in text


def test_nobody_is_blamed_for_other_files() -> None:
    assert blame("error in /etc/nginx/conf.d/mine.conf:4", [SITE, LINK]) == []


@pytest.mark.parametrize(
    ("pattern", "found"), [("", ""), ("nothing like it", ""), ("conflicting .* name", "b: conflicting server name")]
)
def test_warning_that_counts_as_refusal(pattern: str, found: str) -> None:
    assert rejected_line("a: fine\nb: conflicting server name\n", pattern) == found


def test_program_is_looked_for() -> None:
    assert find_program(["sh", "-c", "true"])
    assert find_program(["no-such-program-anywhere"]) is None


OPTIONS = Item("/etc/mysql/mariadb.conf.d/own.cnf", "file", b"[mariadbd]\nmax-connections = 5\nlog_slwo = 2\n")


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("[ERROR] mariadbd: unknown variable 'log-slwo=2'", 3),
        ("[ERROR] Unknown suffix 'a' used for variable 'max_connections' (value 'abc')", 2),
    ],
)
def test_setting_that_is_quoted_without_its_file(output: str, line: int) -> None:
    (text,) = blame(output, [SITE, OPTIONS])
    assert text.startswith(f"{OPTIONS.path}, line {line}\n")


def test_quoted_setting_is_not_looked_for_where_a_file_is_named() -> None:
    assert len(blame('unknown directive "max-connections" in /etc/nginx/sites-enabled/shop.conf:3', [SITE, LINK])) == 1
    assert blame('"max-connections" in /etc/nginx/sites-enabled/shop.conf:3', [SITE, LINK, OPTIONS])[0].startswith(
        "entry"
    )
