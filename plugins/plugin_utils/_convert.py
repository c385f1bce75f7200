# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Give values the types of argument specifications. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault, show

Data: TypeAlias = Any  # whatever can be written in YAML
_TRUE = frozenset({"y", "yes", "on", "1", "true", "t"})
_FALSE = frozenset({"n", "no", "off", "0", "false", "f"})


class MismatchError(ValueError):
    """A value that is not of the wanted type."""

    def __init__(self, reason: str, way_out: str = "") -> None:
        super().__init__(reason)
        self.fault = Fault(reason, way_out)


def plain(value: object) -> Data:
    """Copy a value into ordinary lists and mappings, free of Ansible's lazy ones and of undecrypted texts."""
    if isinstance(value, Mapping):
        return {key: plain(sub) for key, sub in value.items()}
    if isinstance(value, list | tuple):
        return [plain(sub) for sub in value]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return str(value)  # a vault text of ansible-core 2.18 is a sequence but no str
    return value


def to_kind(value: object, kind: str, *, of_texts: bool = False) -> Data:
    """Give a value the wanted type, as Ansible would, or raise MismatchError. A list of texts may be one text."""
    converter = _texts if kind == "list" and of_texts else _CONVERTERS.get(kind)
    return value if converter is None else converter(value)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, bool | float):
        # 3.10 arrives as 3.1 and "on" as true: what was written is lost
        raise MismatchError(f"must be a text, not {show(value)}", "put it in quotes")
    raise MismatchError(f"must be a text, not {_named(value)}")


def _number(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        try:
            return int(value.strip())
        except ValueError:
            pass
    raise MismatchError(f"must be a whole number, not {_named(value)}")


def _boolean(value: object) -> bool:
    word = str(value).strip().lower() if isinstance(value, bool | int | str) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise MismatchError(f"must be true or false, not {_named(value)}")


def _list(value: object) -> list[Data]:
    if isinstance(value, list | tuple):
        return list(value)
    raise MismatchError(f"must be a list, not {_named(value)}", "begin every item of it with '- '")


def _texts(value: object) -> list[Data]:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return [part.strip() for part in str(value).split(",") if part.strip()]
    return _list(value)


def _mapping(value: object) -> Mapping[str, Data]:
    if isinstance(value, Mapping):
        return value
    raise MismatchError(f"must be a mapping of keys to values, not {_named(value)}")


def _named(value: object) -> str:
    return "nothing" if value is None else show(value)


_CONVERTERS: Mapping[str, Callable[[object], Data]] = {
    "str": _text,
    "int": _number,
    "bool": _boolean,
    "list": _list,
    "dict": _mapping,
}
