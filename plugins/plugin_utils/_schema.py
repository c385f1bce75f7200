# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The schema of the model, read from the roles' argument specifications. Private to the collection.

The specifications of the roles are the only place where keys, types, choices and defaults are written down.
Ansible checks them before a role runs, but it reports without the number of the entry and applies no default
inside an entry. _check.check() and fill() do.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.barehost.web.plugins.plugin_utils._convert import Data, MismatchError, plain, to_kind

ROLES = Path(__file__).resolve().parents[2] / "roles"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the keys of one mapping demand of each other."""

    exclusive: tuple[tuple[str, ...], ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    needed_if: tuple[tuple[str, object, tuple[str, ...]], ...] = ()
    needed_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spec:
    """One option: its type and, for lists and mappings, what is inside."""

    kind: str
    required: bool = False
    default: object = None
    choices: tuple[object, ...] = ()
    secret: bool = False
    element: Spec | None = None
    keys: Mapping[str, Spec] | None = None
    rules: Rules = field(default_factory=Rules)


def parse(option: Mapping[str, Any]) -> Spec:
    """Read one option of an argument specification."""
    kind = option.get("type", "str")
    keys = {name: parse(sub) for name, sub in option["options"].items()} if "options" in option else None
    rules = Rules(
        exclusive=_tuples(option.get("mutually_exclusive", ())),
        one_of=_tuples(option.get("required_one_of", ())),
        needed_if=tuple((key, value, tuple(needs)) for key, value, needs in option.get("required_if", ())),
        needed_by={key: tuple(needs) for key, needs in option.get("required_by", {}).items()},
    )
    element = None
    if kind == "list":
        element, keys, rules = Spec(option.get("elements", "raw"), keys=keys, rules=rules), None, Rules()
    return Spec(
        kind=kind,
        required=option.get("required", False),
        default=option.get("default"),
        choices=tuple(option.get("choices", ())),
        secret=option.get("no_log", False),
        element=element,
        keys=keys,
        rules=rules,
    )


@functools.cache
def options(role: str) -> Mapping[str, Spec]:
    """Load every option of a role of this collection."""
    loaded = yaml_load((ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    return {name: parse(option) for name, option in loaded["argument_specs"]["main"]["options"].items()}


def load(role: str, option: str) -> Spec:
    """Load one option of a role of this collection."""
    return options(role)[option]


def union(first: Spec, *others: Spec) -> Spec:
    """Join lists of entries into one whose entries may have the keys of all, also in mappings inside them."""
    elements = [spec.element for spec in (first, *others) if spec.element is not None]
    keys: dict[str, Spec] = {}
    for name, sub in (item for element in elements for item in (element.keys or {}).items()):
        keys[name] = _joined(keys[name], sub) if name in keys else sub
    rules = Rules(
        exclusive=tuple(dict.fromkeys(group for each in elements for group in each.rules.exclusive)),
        one_of=tuple(dict.fromkeys(group for each in elements for group in each.rules.one_of)),
        needed_if=tuple(dict.fromkeys(rule for each in elements for rule in each.rules.needed_if)),
        needed_by={key: needs for each in elements for key, needs in each.rules.needed_by.items()},
    )
    return Spec("list", default=[], element=Spec("dict", keys=keys, rules=rules))


def _joined(first: Spec, other: Spec) -> Spec:
    """Join what two roles say of one key: the first one's word, and in a mapping the keys of both."""
    if first.kind != "dict" or first.keys is None or other.keys is None:
        return first
    return replace(first, keys={**other.keys, **first.keys})


def convert(value: object, spec: Spec) -> Data:
    """Give a value the wanted type, as Ansible would; nothing inside lists and mappings is looked at."""
    return to_kind(value, spec.kind, of_texts=spec.element is not None and spec.element.kind == "str")


def fill(value: object, spec: Spec) -> Data:
    """Complete a value: known keys only, with their defaults, each of its type.

    What cannot be converted stays as it is: check() has a message for it.
    """
    try:
        value = convert(value, spec)
    except MismatchError:
        return value
    if isinstance(value, list) and spec.element is not None:
        return [fill(item, spec.element) for item in value]
    if isinstance(value, Mapping) and spec.keys is not None:
        filled = {}
        for key, sub in spec.keys.items():
            given = value.get(key)
            given = sub.default if given is None else given
            if given is not None:
                filled[key] = fill(given, sub)
        return filled
    return plain(value)


def _tuples(groups: Sequence[Any]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(group) for group in groups)
