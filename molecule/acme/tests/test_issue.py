# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates that come, are renewed, and follow the domains of their site."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.http import Http
    from testinfra.host import Host

SITE = "example.test"
FILE = "/etc/barehost/tls/main.pem"


@pytest.mark.parametrize("name", [SITE, "www.example.test", "second.example.test"])
def test_a_bare_host_ends_with_a_certificate_of_the_authority(https: Callable[..., Any], name: str) -> None:
    seen = https(name)
    assert (seen.error, seen.status) == ("", 200)


def test_each_site_has_one_certificate_for_all_of_its_domains(https: Callable[..., Any]) -> None:
    assert https(SITE).serial == https("www.example.test").serial != https("second.example.test").serial


def test_keys_are_for_root_alone(host: Host) -> None:
    found = host.check_output("stat -Lc '%U %a' /etc/barehost/tls/*.pem /etc/letsencrypt/archive/*/privkey*.pem")
    assert set(found.splitlines()) == {"root 600"}


def test_http_leads_to_https(http: Http) -> None:
    assert http("/", host=SITE).status == 301
    assert http("/", host="second.example.test").status == 200


def test_the_timer_of_debian_renews(host: Host) -> None:
    assert host.check_output("systemctl is-enabled certbot.timer") == "enabled"
    assert host.check_output("systemctl is-active certbot.timer") == "active"


def test_a_forced_renewal_is_served_and_loses_no_request(
    https: Callable[..., Any], http: Http, load: Any, host: Host
) -> None:
    before = https(SITE).serial
    with http.watch("/", host="second.example.test", least=11) as plain, load(SITE) as secure:
        host.check_output("certbot renew --no-random-sleep-on-renew --force-renewal --cert-name barehost-main 2>&1")
    after = https(SITE)
    assert (after.status, after.serial != before) == (200, True)
    assert (plain.failures, secure.failures) == ([], [])


def test_the_timer_renews_what_runs_out_and_nothing_else(
    https: Callable[..., Any], host: Host, converge: Any, run_out: Callable[[str], None]
) -> None:
    before = [https(name).serial for name in (SITE, "second.example.test")]
    host.check_output("systemctl start certbot.service")
    assert [https(name).serial for name in (SITE, "second.example.test")] == before
    run_out("main")
    assert https(SITE).serial != before[0]
    assert https("second.example.test").serial == before[1]
    assert converge().changed == 0


def test_a_renewal_that_the_web_server_refuses_is_made_good(https: Callable[..., Any], host: Host) -> None:
    before = https(SITE).serial
    host.check_output("echo 'no_such_directive on;' > /etc/nginx/conf.d/broken.conf")
    try:
        said = host.run("certbot renew --no-random-sleep-on-renew --force-renewal --cert-name barehost-main")
        assert "no_such_directive" in said.stdout + said.stderr
        assert https(SITE).serial == before
    finally:
        host.check_output("rm /etc/nginx/conf.d/broken.conf")
    host.check_output("nginx -t -q && systemctl start certbot.service")
    seen = https(SITE)
    assert (seen.status, seen.serial != before) == (200, True)


def test_domains_come_and_go(converge: Any, model: Any, https: Callable[..., Any], pebble: Any) -> None:
    before = https(SITE).serial
    outcome = converge(model(domains=[SITE, "www.example.test", "third.example.test"]))
    assert outcome.rc == 0, outcome
    assert {https(name).status for name in (SITE, "www.example.test", "third.example.test")} == {200}
    assert https(SITE).serial != before
    assert converge(model(domains=[SITE, "www.example.test", "third.example.test"])).changed == 0
    outcome = converge(model(domains=[SITE]))
    assert outcome.rc == 0, outcome
    assert https(SITE).status == 200
    assert https("www.example.test").error
    assert pebble.status(https(SITE).serial) == "Valid"


def test_the_order_and_the_case_of_domains_mean_nothing(converge: Any, model: Any) -> None:
    outcome = converge(model(domains=["WWW.example.test", SITE]))
    assert outcome.rc == 0, outcome
    assert "asked for" not in outcome.output


def test_an_interrupted_request_is_made_good(converge: Any, model: Any, https: Callable[..., Any], host: Host) -> None:
    wanted = model(1, domains=["second.example.test", "third.example.test"])
    kill = "for i in $(seq 6000); do pkill -9 -x certbot && exit; sleep .05; done; exit 1"
    killer = threading.Thread(target=lambda: host.check_output(f"sh -c '{kill}'"))
    killer.start()
    outcome = converge(wanted)
    killer.join()
    assert outcome.rc != 0
    assert "site 'second'" in outcome.output
    assert https("second.example.test").status == 200
    host.check_output("systemctl restart nginx")
    outcome = converge(wanted)
    assert outcome.rc == 0, outcome
    assert https("third.example.test").status == 200
    assert converge(wanted).changed == 0


@pytest.mark.parametrize(
    "damage",
    [
        "rm renewal/barehost-main.conf; rm -r live/barehost-second",
        "sed -i 1p renewal/barehost-main.conf; rm live/barehost-second/chain.pem",
        "rm archive/barehost-main/privkey*; truncate -s 0 renewal/barehost-second.conf",
        "rm /etc/barehost/tls/main.pem /etc/barehost/authority.pem; truncate -s 100 /etc/barehost/tls/second.pem",
    ],
)
def test_what_a_killed_run_may_leave_is_repaired(
    converge: Any, https: Callable[..., Any], host: Host, damage: str
) -> None:
    host.check_output(f"cd /etc/letsencrypt && {damage}")
    outcome = converge()
    assert outcome.rc == 0, outcome
    assert [https(name).status for name in (SITE, "second.example.test")] == [200, 200]
    assert converge().changed == 0
    assert host.check_output("ls /etc/letsencrypt/live").split() == ["README", "barehost-main", "barehost-second"]
    host.check_output("systemctl restart nginx")
