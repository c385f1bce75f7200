# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check a value against its schema and say by path what is wrong. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.barehost.web.plugins.plugin_utils._convert import MismatchError
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Problem, meant, show
from ansible_collections.barehost.web.plugins.plugin_utils._schema import Spec, convert


def check(value: object, spec: Spec, path: str) -> list[Problem]:
    """Find every key that is unknown, missing or contradictory and every value of a wrong type."""
    return list(_value(value, spec, path))


def _value(value: object, spec: Spec, path: str) -> Iterator[Problem]:
    try:
        converted = convert(value, spec)
    except MismatchError as mismatch:
        fault = mismatch.fault
        yield Problem(path, f"must be a {spec.kind}") if spec.secret else fault.at(path)
        return
    if spec.choices and converted not in spec.choices:
        names = [str(choice) for choice in spec.choices]
        close = meant(str(converted), names)
        way_out = f"did you mean {close!r}?" if close else f"write {_listed(names, 'or')}"
        yield Problem(path, f"{show(converted)} is not one of its values", way_out)
    elif spec.kind == "list" and spec.element is not None:
        for index, item in enumerate(converted):
            yield from _value(item, spec.element, f"{path}[{index}]")
    elif spec.kind == "dict" and spec.keys is not None:
        yield from _keys(converted, spec.keys, path)
        yield from _rules(converted, spec, path)


def _keys(value: Mapping[str, object], keys: Mapping[str, Spec], path: str) -> Iterator[Problem]:
    for key in value:
        if key not in keys:
            yield Problem(f"{path}.{key}", "there is no such key", _supported(key, keys))
    for key, spec in keys.items():
        given = value.get(key)
        if given is not None:
            yield from _value(given, spec, f"{path}.{key}")
        elif spec.required:
            yield Problem(f"{path}.{key}", "is missing")


def _supported(key: object, keys: Mapping[str, Spec]) -> str:
    close = meant(str(key), keys)
    question = f"did you mean {close!r}? " if close else ""
    return f"{question}(keys here: {', '.join(keys)})".strip()


def _rules(value: Mapping[str, object], spec: Spec, path: str) -> Iterator[Problem]:
    given = {key for key, found in value.items() if found is not None}
    for group in spec.rules.exclusive:
        found = [key for key in group if key in given]
        if len(found) > 1:
            keep = f"keep one of {_listed(group, 'and')}"
            yield Problem(path, f"has {_listed(found, 'and')} at once", keep)
    for group in spec.rules.one_of:
        if not given.intersection(group):
            yield Problem(path, f"has none of {_listed(group, 'and')}", "give one of them")
    for need, why in _needs(value, spec, given):
        if need not in given:
            yield Problem(f"{path}.{need}", "is missing", f"{why} needs it")


def _needs(value: Mapping[str, object], spec: Spec, given: set[str]) -> Iterator[tuple[str, str]]:
    for key, needs in spec.rules.needed_by.items():
        if key in given:
            yield from ((need, key) for need in needs)
    for key, wanted, needs in spec.rules.needed_if:
        actual = value[key] if key in given or spec.keys is None else spec.keys[key].default
        if actual == wanted:
            yield from ((need, f"{key} {wanted}") for need in needs)


def _listed(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
