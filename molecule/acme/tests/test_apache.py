# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates of an authority where Apache serves the sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from testinfra.host import Host

SITE, SECOND = "example.test", "second.example.test"


def test_apache_serves_what_the_authority_has_signed_and_renewed(
    converge: Any, model: Any, https: Callable[..., Any], load: Any, host: Host
) -> None:
    wanted = model(domains=[SITE, "www.example.test", "third.example.test"])
    for site in wanted["web_sites"]:
        site["server"] = "apache"
    outcome = converge(wanted)
    assert outcome.rc == 0, outcome
    assert [https(name).status for name in (SITE, "third.example.test", SECOND)] == [200, 200, 200]
    assert host.service("apache2").is_running
    assert converge(wanted).changed == 0
    before = https(SITE).serial
    with load(SITE) as seen:
        host.check_output("certbot renew --no-random-sleep-on-renew --force-renewal --cert-name barehost-main 2>&1")
    after = https(SITE)
    assert (after.status, after.serial != before) == (200, True)
    assert seen.failures == []
