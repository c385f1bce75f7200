# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates that come, change and go."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import yaml
from testbed.podman import ROOT, podman_ok

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.http import Http
    from testinfra.host import Host

SITE = "example.test"
NAMES = (SITE, "www.example.test", "*.wild.example.test")
MODEL = yaml.safe_load((ROOT / "inventory/tls/group_vars/web.yml").read_text())
FILE = "/etc/barehost/tls/main.pem"


def model(**main: Any) -> dict[str, Any]:
    """The sites of the inventory, the first of them changed."""
    sites = copy.deepcopy(MODEL["web_sites"])
    sites[0].update(main)
    return {"web_sites": sites}


def test_every_mode_leads_to_every_other(
    converge: Any, https: Callable[..., Any], http: Http, authority: Any, host: Host
) -> None:
    root = host.file("/etc/barehost/authority.pem").content_string
    provided = authority.sign(*NAMES)
    ways = (
        provided,
        {"mode": "none"},
        provided,
        {"mode": "self_signed"},
        {"mode": "none"},
        {"mode": "self_signed"},
    )
    for number, tls in enumerate(ways):
        outcome = converge(model(tls=tls))
        assert outcome.rc == 0, outcome
        if tls["mode"] == "none":
            assert https(SITE).error
            assert http("/", host=SITE).status == 200
            assert not host.file(FILE).exists
        else:
            trusted = authority.root if tls is provided else root
            assert https(SITE, root=trusted).status == 200
            assert http("/", host=SITE).status == 301
        assert tls in ways[:number] or converge(model(tls=tls)).changed == 0


def test_a_provided_certificate_is_sent_with_its_chain_and_without_the_root(
    converge: Any, https: Callable[..., Any], authority: Any, host: Host
) -> None:
    tls = authority.sign(*NAMES)
    outcome = converge(model(tls=tls), verbose=True)
    assert outcome.rc == 0, outcome
    assert tls["key"].splitlines()[1] not in outcome.output, "the key is shown"
    assert https(SITE, root=authority.root).status == 200
    assert "certificate verify failed" in https(SITE).error
    assert host.check_output(f"grep -c 'BEGIN CERTIFICATE' {FILE}") == "2"
    assert host.file(FILE).mode == 0o600


def test_a_provided_certificate_is_replaced(converge: Any, https: Callable[..., Any], authority: Any) -> None:
    serials = []
    for _ in range(2):
        assert converge(model(tls=authority.sign(*NAMES))).rc == 0
        serials.append(https(SITE, root=authority.root).serial)
    assert serials[0] != serials[1]


def test_a_bad_certificate_changes_nothing(converge: Any, https: Callable[..., Any], authority: Any) -> None:
    # What else may be bad: tests/unit/plugins/plugin_utils/test_certificates.py.
    before = https(SITE).serial
    tls = {**authority.sign(*NAMES[:1]), "chain": "", "key": authority.sign(*NAMES)["key"]}
    outcome = converge(model(tls=tls))
    assert outcome.rc != 0
    for message in (
        "web_sites[0].tls.certificate: is not for 'www.example.test'",
        "web_sites[0].tls.chain: ends with",
        "web_sites[0].tls.key: is not the key of the certificate",
    ):
        assert message in str(outcome)
    assert "PRIVATE KEY" not in str(outcome)
    assert https(SITE).serial == before


def test_a_certificate_that_runs_out_is_renewed(converge: Any, host: Host, https: Callable[..., Any]) -> None:
    keep = host.check_output("sha256sum /etc/barehost/authority.* /etc/barehost/tls/both.pem")
    aged = (
        f"cd /tmp && openssl pkey -in {FILE} -out old.key && "
        f"openssl x509 -in {FILE} -key old.key -x509toreq -copy_extensions copy -out old.csr && "
        "openssl x509 -req -in old.csr -copy_extensions copy -CA /etc/barehost/authority.pem "
        "-CAkey /etc/barehost/authority.key -days 80 -out old.pem && "
        f"cat old.key old.pem > {FILE} && rm old.* && systemctl reload nginx"
    )
    host.check_output(aged)
    old = https(SITE)
    assert old.status == 200
    assert converge(check=True).changed > 0
    assert https(SITE).serial == old.serial
    assert converge().rc == 0
    assert https(SITE).status == 200
    assert https(SITE).serial != old.serial
    assert host.check_output("sha256sum /etc/barehost/authority.* /etc/barehost/tls/both.pem") == keep
    assert converge().changed == 0


def test_a_certificate_that_somebody_has_replaced_is_made_anew(
    converge: Any, host: Host, https: Callable[..., Any]
) -> None:
    before = https("both.example.test").serial
    host.check_output("cp /etc/barehost/tls/main.pem /etc/barehost/tls/both.pem && systemctl reload nginx")
    assert https("both.example.test").serial != before
    assert converge().changed > 0
    after = https("both.example.test")
    assert (after.status, after.error) == (200, "")
    assert after.serial not in {before, https("example.test").serial}
    assert converge().changed == 0


def test_a_new_domain_gets_into_the_certificate(converge: Any, https: Callable[..., Any]) -> None:
    assert "unrecognized" in https("new.example.test").error.lower()
    outcome = converge(model(domains=[*NAMES, "new.example.test"]))
    assert outcome.rc == 0, outcome
    assert https("new.example.test").status == 200


def test_a_site_that_is_to_get_https_can_be_looked_at_first(converge: Any, https: Callable[..., Any]) -> None:
    sites = [
        site | ({"tls": {"mode": "self_signed"}} if site["name"] == "plain" else {}) for site in MODEL["web_sites"]
    ]
    outcome = converge({"web_sites": sites}, check=True)
    assert outcome.rc == 0, outcome
    assert "/etc/barehost/tls/plain.pem is not there yet" in outcome.output
    assert https("plain.example.test").error


def test_a_site_that_goes_takes_its_certificate_along(converge: Any, host: Host, https: Callable[..., Any]) -> None:
    outcome = converge(model(state="absent"))
    assert outcome.rc == 0, outcome
    assert "unrecognized" in https(SITE).error.lower()
    assert not host.file(FILE).exists
    assert https("both.example.test").status == 200
    host.check_output("systemctl restart nginx")


def test_a_site_that_is_not_mentioned_stays_with_its_certificate_until_purged(
    converge: Any, host: Host, https: Callable[..., Any]
) -> None:
    rest = {"web_sites": MODEL["web_sites"][1:]}
    assert converge(rest).rc == 0
    assert https(SITE).status == 200
    assert converge({**rest, "web_purge": True}).rc == 0
    assert https(SITE).error
    assert not host.file(FILE).exists


def test_the_last_https_leaves_no_socket_behind(converge: Any, host: Host, http: Http) -> None:
    sites = [{**site, "tls": {"mode": "none"}} for site in MODEL["web_sites"]]
    outcome = converge({"web_sites": sites})
    assert outcome.rc == 0, outcome
    assert not host.socket("tcp://0.0.0.0:443").is_listening
    assert host.check_output("ls /etc/barehost/tls") == ""
    assert http("/", host=SITE).status == 200
    host.check_output("systemctl restart nginx")


def test_a_certificate_of_a_run_that_failed_is_taken_up_by_the_next(
    converge: Any, https: Callable[..., Any], authority: Any, host: Host
) -> None:
    # Nothing else changes, so that nothing else has nginx reloaded.
    wanted = model(tls={**authority.sign(*NAMES), "hsts": 63072000})
    broken = copy.deepcopy(wanted)
    broken["web_sites"][-1]["extra"] = "no_such_directive on;"
    assert converge(broken).rc != 0
    assert https(SITE).status == 200, "what nginx runs with is what it had"
    assert host.run("nginx -t").rc == 0
    outcome = converge(wanted)
    assert outcome.rc == 0, outcome
    assert https(SITE, root=authority.root).status == 200


def test_no_request_fails_while_a_certificate_changes(converge: Any, http: Http, authority: Any) -> None:
    with http.watch("/", host="plain.example.test", least=11) as seen:
        assert converge(model(tls=authority.sign(*NAMES))).rc == 0
    assert seen.failures == []


def test_a_key_is_in_no_file_that_others_read(converge: Any, host: Host, authority: Any) -> None:
    tls = authority.sign(*NAMES)
    assert converge(model(tls=tls)).rc == 0
    secret = tls["key"].splitlines()[1]
    script = 'grep -rlF -- "$1" /etc /var /run /tmp /root 2>/dev/null || true'
    found = podman_ok("exec", host.backend.hostname, "sh", "-c", script, "find", secret)
    assert found.split() == [FILE]
