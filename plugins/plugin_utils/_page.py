# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The frame of a page that needs nothing else, no script either, in light and in dark. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_STYLE = """
:root { color-scheme: light dark; --text: #1c2330; --dim: #5b6577; --back: #fff; --panel: #f5f7fa; --line: #d5dbe5;
  --bar: #3b6fd4; --best: #1f8a5b; --spread: #1c2330; --fault: #c0392b; }
@media (prefers-color-scheme: dark) { :root { --text: #e6eaf2; --dim: #9aa5b8; --back: #12161d; --panel: #1a2029;
  --line: #333d4c; --bar: #6e9bf0; --best: #4cc38a; --spread: #e6eaf2; --fault: #ff8a75; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 72rem; background: var(--back); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
p { margin: 0 0 1rem; color: var(--dim); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .9rem; }
"""


def page(title: str, style: str, parts: Iterable[str]) -> str:
    """Write a page.

    :param style: what it has besides the colours and the type of all pages.
    :param parts: HTML, with everything escaped that comes from elsewhere.
    """
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{escape(title)}</title>\n<style>{_STYLE}{style.lstrip()}</style>\n</head>\n<body>\n",
            f"<h1>{escape(title)}</h1>\n",
            *parts,
            "</body>\n</html>\n",
        ]
    )
