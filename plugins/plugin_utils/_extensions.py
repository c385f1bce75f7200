# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be wrong with the code of a WordPress entry, its plugins and its themes. Private to the collection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ansible_collections.barehost.web.plugins.plugin_utils import _values
from ansible_collections.barehost.web.plugins.plugin_utils._entries import Entry
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault, Problem, hint, show
from ansible_collections.barehost.web.plugins.plugin_utils._sources import file_fault

#: Languages of Debian's package wordpress-l10n that both Debians have.
_LANGUAGES = """
    en_US ar bg_BG bn_BD bs_BA ca ckb cs_CZ cy da_DK de_DE el en_CA eo es_CL es_ES es_PE et eu fa_IR fi fr_FR gd gl_ES
    he_IL hr hu_HU id_ID it_IT ja jv_ID ka_GE ko_KR mk_MK ms_MY my_MM nb_NO nl_NL pl_PL pt_BR pt_PT ro_RO ru_RU si_LK
    sk_SK sl_SI sq sr_RS su_ID sv_SE sw ta_LK th tr_TR ug_CN uk vi zh_CN zh_HK zh_TW
"""
LANGUAGES = frozenset(_LANGUAGES.split())
_LOCALE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?(_[a-z0-9]+)?")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")


def language(text: str) -> Fault | None:
    """Check a language that Debian's package is to have."""
    return None if text in LANGUAGES else Fault(f"no language {show(text)}", hint(text, sorted(LANGUAGES)))


def locale(text: str) -> Fault | None:
    """Check a language that an archive is to have, which the host sees."""
    way_out = "write it as WordPress does, such as 'de_DE'"
    return None if _LOCALE.fullmatch(text) else Fault(f"{show(text)} is no language", way_out)


def folder_name(text: str) -> Fault | None:
    """Check the name of a theme or a plugin."""
    way_out = "write the name of its folder, such as 'akismet'"
    return None if re.fullmatch(r"[A-Za-z0-9_-]+", text) else Fault(f"{show(text)} is no name of a folder", way_out)


def package(text: str) -> Fault | None:
    """Check the name of a package of Debian."""
    way_out = "write one such as 'wordpress-theme-twentytwentythree'"
    return None if _PACKAGE.fullmatch(text) else Fault(f"{show(text)} is no name of a package", way_out)


def check_code(entry: Entry, folders: Sequence[Path]) -> Iterator[Problem]:
    """Check where the code of an installation comes from.

    :param folders: where relative archives on the control node are looked for; without any, nobody looks.
    """
    source = entry.mapping("source")
    if source is not None:
        yield from _archive(source, folders)
    yield from entry.check({"language": locale if source else language, "theme": folder_name})
    for key in ("plugins", "themes"):
        first: dict[str, Entry] = {}
        for item in entry.mappings(key):
            yield from item.check({"name": folder_name, "package": package})
            yield from _archive(item, folders)
            if item.has("checksum") and not item.has("archive"):
                yield Problem(f"{item.path}.checksum", "belongs to archive, which is not given")
            other = first.setdefault(item.text("name"), item)
            if other is not item:
                yield Problem(
                    f"{item.path}.name", f"{show(item.text('name'))} is {other.path} already", "leave out one"
                )


def _archive(item: Entry, folders: Sequence[Path]) -> Iterator[Problem]:
    yield from item.check({"archive": _values.archive, "checksum": _values.checksum})
    for path, text in item.texts("archive"):
        fault = None if "://" in text else file_fault(text, folders)
        if fault is not None and _values.archive(text) is None:
            yield fault.at(path)
