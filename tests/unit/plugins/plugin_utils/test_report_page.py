# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A report as text, as JSON and as a page."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from html.parser import HTMLParser

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._report import (
    Certificate,
    Disk,
    Finding,
    Host,
    Report,
    Service,
    Timer,
    host_from,
)
from ansible_collections.barehost.web.plugins.plugin_utils._report_page import page
from ansible_collections.barehost.web.plugins.plugin_utils._report_text import size, text

ENDS = Finding("certificate main", "ends in 5 days", "renew it")
EVIL = "<img src=x onerror=alert(1)>\"'&"
GOOD = Host(
    "web1",
    system="Debian",
    uptime=200000,
    certificates=(Certificate("main", "/m.pem", "R11", ("a.test", "b.test", "c.test", "d.test"), "2027-02-01", 45),),
    services=(
        Service("site", "main", "nginx.service", "running", "nginx 1.26", 10 << 20),
        Service("app", "util", "gunicorn@util.service", "running", "r1", 40 << 20),
        Service("app", "pages", "", "released"),
    ),
    timers=(Timer("wordpress-cron@blog.timer", "running", "2026-11-21 02:00 UTC"),),
    disks=(Disk("/", 25 << 30, 100 << 30, 25),),
    notes=(Finding("app old", "is left over"),),
)
BAD = Host(
    EVIL,
    system=EVIL,
    certificates=(Certificate(EVIL, EVIL, EVIL, (EVIL,), "2026-11-26", 5, (ENDS,)),),
    services=(
        Service(EVIL, EVIL, EVIL, EVIL, EVIL, 1, (Finding(EVIL, EVIL, EVIL), ENDS)),
        Service("site", "main", "nginx.service", "running", findings=(ENDS,)),
    ),
    timers=(Timer(EVIL, EVIL, EVIL, EVIL),),
    disks=(Disk(EVIL, 1, 1, 100, (Finding("disk /", "is full"),)),),
    findings=(Finding("model", "has a mistake"),),
    notes=(Finding(EVIL, EVIL),),
)
GONE = Host("gone", fault="no route to it")
REPORT = Report("2026-11-21 03:00 UTC", (GOOD, BAD, GONE))


class Page(HTMLParser):
    """Reads a page: its elements with their attributes, and the texts of cells by row."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(source)
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "br"}:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "tr" in self.open and self.rows[-1]:
            self.rows[-1][-1] += data


@pytest.fixture
def seen() -> Page:
    """Read the page of all kinds of hosts."""
    return Page(page(REPORT))


def test_page_needs_nothing_else_and_shows_foreign_texts_as_they_are(seen: Page) -> None:
    source = page(REPORT)
    assert not re.search(r"https?://|url\(|@import", source)
    known = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "section", "ul", "li", "strong"}
    known |= {"table", "thead", "tbody", "tr", "th", "td", "span", "small", "br", "div"}
    assert {tag for tag, _ in seen.elements} <= known
    attributes = {name for _, found in seen.elements for name in found}
    assert not {name for name in attributes if name in {"src", "href"} or name.startswith("on")}
    assert any(EVIL in cell for row in seen.rows for cell in row)


def test_page_says_first_what_needs_attention() -> None:
    source = page(REPORT)
    assert "5 things need attention." in source
    assert source.index("5 things need") < source.index("<table")
    assert "Nothing needs attention." in page(Report("now", (GOOD,)))


def test_page_tells_in_words_what_it_tells_by_colours(seen: Page) -> None:
    rows = [found for tag, found in seen.elements if tag == "tr"]
    marked = [row for row, found in zip(seen.rows, rows, strict=True) if found.get("class") == "fault"]
    assert len(marked) == 5
    assert [row for row in marked if not re.search("needs attention|could not be asked", " ".join(row))] == []
    hosts = seen.rows[1:4]
    assert ["is full" in row[2] and "has a mistake" in row[1] for row in hosts] == [False, True, False]


def test_tables_can_be_read_aloud_and_as_cards(seen: Page) -> None:
    heads = [found for tag, found in seen.elements if tag == "th"]
    assert heads
    assert all(found["scope"] == "col" and found["role"] == "columnheader" for found in heads)
    cells = [found for tag, found in seen.elements if tag == "td"]
    assert all(found["data-label"] and found["role"] == "cell" for found in cells)
    assert all(found.get("aria-label") for tag, found in seen.elements if tag == "table")
    assert {found.get("lang") for tag, found in seen.elements if tag == "html"} == {"en"}
    source = page(REPORT)
    assert "prefers-color-scheme: dark" in source
    assert "@media (max-width: 45rem)" in source
    assert 'name="viewport"' in source


def test_bars_are_as_long_as_what_they_show(seen: Page) -> None:
    bars = [int(style[7:-1]) for tag, found in seen.elements if tag == "span" and (style := found.get("style") or "")]
    # Disks of 25 and 100 %, 45 and 5 of 90 days, 10, 40 and nearly no MiB.
    assert bars == [25, 100, 50, 6, 25, 100, 0]


def test_page_of_a_bare_host_has_no_empty_table() -> None:
    host = Host("web1", system="Debian", notes=(Finding("host", "nothing is on this host yet"),))
    found = Page(page(Report("now", (host,))))
    assert [tag for tag, _ in found.elements].count("table") == 1
    assert "nothing is on this host yet" in page(Report("now", (host,)))


def test_text_has_all_hosts_in_one_table() -> None:
    lines = text(Report("now", (GOOD, GONE)))
    assert lines[:2] == ["web1: Debian, up 2 days, / is 25 % full", "gone: could not be asked"]
    assert "web1  main  R11     2027-02-01  45         a.test, b.test and 2 more  good" in lines
    assert "web1  app   util   gunicorn@util.service  running   40.0 MiB  r1" in lines
    assert "web1  app   pages  -                      released  -         -" in lines
    assert "- web1: app old: is left over" in lines
    assert "- gone: host: could not be asked: no route to it; see that Ansible reaches it as root" in lines
    assert lines[-1] == "1 thing needs attention."


def test_what_several_rows_share_is_told_once() -> None:
    assert [str(finding) for finding in BAD.attention()].count("certificate main: ends in 5 days; renew it") == 1


def test_json_has_everything_and_a_host_survives_it() -> None:
    plain = json.loads(json.dumps(REPORT.plain()))
    assert [one["host"] for one in plain["attention"]] == [EVIL] * 4 + ["gone"]
    assert plain["hosts"][0]["certificates"][0]["days"] == 45
    assert tuple(host_from(one) for one in plain["hosts"]) == REPORT.hosts
    assert host_from(asdict(GOOD)) == GOOD


@pytest.mark.parametrize(
    ("count", "written"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (1 << 50, "1024.0 TiB")]
)
def test_sizes_are_for_people(count: int, written: str) -> None:
    assert size(count) == written
