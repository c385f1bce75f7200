# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sites that are closed for a while: what may be said of that, and what web servers make of it.

Private to the collection.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._deploy import named
from ansible_collections.barehost.web.plugins.plugin_utils._entries import Entry, read
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault, Problem, show
from ansible_collections.barehost.web.plugins.plugin_utils._sources import file_fault, read_file

TEMPLATE = "maintenance.html.j2"
#: A month is for ever; more is a slip of the pen.
_LONGEST = 30 * 24 * 60 * 60
_EXAMPLE = "write one such as '192.0.2.7', '192.0.2.0/24' or '2001:db8::/32'"


def network(text: str) -> Fault | None:
    """Check an address, or a network, of those who see a site that is closed."""
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return Fault(f"{show(text)} is no address and no network", _EXAMPLE)
    first = found.network_address
    mapped = first.ipv4_mapped if isinstance(first, ipaddress.IPv6Address) else None
    if "%" in text or mapped is not None:
        return Fault(f"{show(text)} is no address that a visitor comes from", f"write {str(mapped)!r}" * bool(mapped))
    if found.prefixlen == 0:
        return Fault(f"{show(text)} is everybody", "write 'enabled: false' to let everybody in")
    address, _, length = text.partition("/")
    if length and first != ipaddress.ip_address(address):
        return Fault(f"{show(text)} is an address in a network", f"write {str(found)!r} or {address!r}")
    return None


def check(site: Entry, folders: Sequence[Path]) -> Iterator[Problem]:
    """Check what one site says of it, also while it is open: in need there is no time for mistakes.

    Without folders, the page is not looked for.
    """
    maintenance = site.mapping("maintenance") if site.present and site.knows("maintenance") else None
    if maintenance is None:
        return
    yield from maintenance.check({"allow": network})
    yield from maintenance.at_least({"retry_after": 1})
    seconds = maintenance.values.get("retry_after")
    if isinstance(seconds, int) and seconds > _LONGEST:
        reason = f"{seconds} seconds are more than a month"
        yield Problem(f"{maintenance.path}.retry_after", reason, "write 3600 for an hour")
    for path, text in maintenance.texts("page"):
        fault = file_fault(text, folders) or (_page_fault(text, folders) if folders else None)
        if fault is not None:
            yield fault.at(path)


def _page_fault(text: str, folders: Sequence[Path]) -> Fault | None:
    try:
        content = read_file(text, folders)
    except ValueError:
        return Fault(f"{show(text)} is not UTF-8", "save the page in that encoding")
    except OSError as error:
        return Fault(f"{show(text)} cannot be read: {error.strerror}")
    return None if content.strip() else Fault(f"{show(text)} is empty", "write what visitors are to read")


def closed(site: Mapping[str, Any]) -> dict[str, Any]:
    """What the template of a site needs; nothing for a site that is open."""
    maintenance = site["maintenance"]
    if not maintenance["enabled"]:
        return {}
    allowed = dict.fromkeys(str(ipaddress.ip_network(text, strict=False)) for text in maintenance["allow"])
    return {"allow": list(allowed), "retry_after": maintenance["retry_after"]}


def page(site: Mapping[str, Any], root: str) -> str:
    """Where the page of a site is on the host, below the folder of a web server."""
    return f"{root}/barehost-maintenance/{site['name']}.html"


def pages(sites: Sequence[Mapping[str, Any]], root: str) -> list[dict[str, Any]]:
    """The pages of the sites that are closed, as barehost.web.publish takes files."""
    found = []
    for site in sites:
        if site["maintenance"]["enabled"]:
            own = site["maintenance"]["page"]
            content = {"file": own} if own else {"template": TEMPLATE, "vars": {"title": _title(site)}}
            found.append({"dest": page(site, root), "entry": site["name"], **content})
    return found


def _title(site: Mapping[str, Any]) -> str:
    return next((str(domain) for domain in site["domains"] if "*" not in domain), str(site["name"]))


def switched(
    sites: Sequence[Mapping[str, Any]], names: str, *, enabled: bool, retry_after: int | None = None
) -> tuple[list[dict[str, Any]], list[str], list[Problem]]:
    """Close or open sites beside what the model says.

    :param names: names with commas between them, or ``all``.
    :returns: all sites, one line for each that is meant, and what is wrong with the words.
    """
    changed: list[dict[str, Any]] = [dict(site) for site in sites]
    present = {str(site["name"]): site for site in changed if site.get("state", "present") == "present"}
    words, problems = named(names, present, "site")
    if retry_after is not None and not enabled:
        problems.append(Problem("retry_after", "does nothing for a site that is opened", "leave it out"))
    if problems:
        return [], [], problems
    lines = []
    for name in words:
        site = present[name]
        said = dict(site.get("maintenance") or {})
        times = {} if retry_after is None else {"retry_after": retry_after}
        site["maintenance"] = {**said, **times, "enabled": enabled}
        lines.append(_line(name, closes=enabled, as_said={"enabled": False, **said} == site["maintenance"]))
    entries = [entry for entry in read("web_sites", changed) if entry.text("name") in words]
    return changed, lines, [problem for entry in entries for problem in check(entry, ())]


def _line(name: str, *, closes: bool, as_said: bool) -> str:
    now = "closed, visitors see the maintenance page" if closes else "open"
    later = "as the model says" if as_said else "until the next site.yml, which returns to what the model says"
    return f"{name}: {now}, {later}"
