# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Authorities that are away, domains that are refused, certificates that have expired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from testinfra.host import Host

SITE = "example.test"
NAMES = [SITE, "www.example.test"]
OWN_ROOT = "/etc/barehost/authority.pem"
THIRD = {"name": "third", "domains": ["third.example.test"], "tls": {"mode": "acme"}}


def with_third(model: dict[str, Any]) -> dict[str, Any]:
    """Add a site that has no certificate yet."""
    model["web_sites"].append({**THIRD, "routes": [{"path": "/", "app": "probe"}]})
    return model


def test_an_authority_that_is_away_holds_back_nothing_else(
    converge: Any, model: Any, https: Callable[..., Any], pebble: Any, reboot: Callable[[], None]
) -> None:
    host = pebble.host
    with pebble.away() as root:
        outcome = converge(with_third(model()))
        assert outcome.rc != 0
        assert "https://acme.example.test:14000/dir cannot be asked: nobody listens there" in outcome.output
        assert "'third'" in outcome.output
        assert https(SITE, root=root).status == 200
        own = host.file(OWN_ROOT).content_string
        assert https("third.example.test", root=own).status == 200
        assert https("third.example.test", root=root).error
        host.check_output("systemctl restart nginx")
        reboot()
        host.check_output("for i in $(seq 600); do systemctl is-active -q nginx && exit; sleep .1; done; exit 1")
        assert https("third.example.test", root=own).status == 200
    outcome = converge(with_third(model()))
    assert outcome.rc == 0, outcome
    assert https("third.example.test").status == 200
    assert converge(with_third(model())).changed == 0
    host.check_output("systemctl restart nginx")


def test_a_domain_that_does_not_lead_here_is_named_and_the_others_are_served(
    converge: Any, model: Any, https: Callable[..., Any], pebble: Any
) -> None:
    wanted = with_third(model(domains=[*NAMES, "lost.example.test"]))
    outcome = converge(wanted)
    assert outcome.rc != 0
    assert "site 'main': lost.example.test does not lead here" in outcome.output
    assert https("third.example.test").status == 200
    asked = pebble.asked()
    outcome = converge(wanted)
    assert outcome.rc != 0
    assert pebble.asked() == asked, "the authority is not asked again for what it would turn down"
    assert [https(name).status for name in NAMES] == [200, 200]


def test_a_domain_that_the_authority_turns_down_is_named_and_the_others_are_served(
    converge: Any, model: Any, https: Callable[..., Any], pebble: Any
) -> None:
    pebble.forget("refused.example.test")
    wanted = model(1, domains=["second.example.test", "third.example.test", "refused.example.test"])
    outcome = converge(wanted)
    assert outcome.rc != 0
    assert "site 'second': the authority refuses refused.example.test" in outcome.output
    assert https("third.example.test").status == 200
    assert https("refused.example.test").error
    pebble.remember("refused.example.test")
    outcome = converge(wanted)
    assert outcome.rc == 0, outcome
    assert https("refused.example.test").status == 200


def test_a_name_that_the_authority_forbids_is_named_and_the_others_are_served(
    converge: Any, model: Any, https: Callable[..., Any]
) -> None:
    authority = {"directory": "https://acme.example.test:14000/dir", "preflight": False}
    wanted = model(1, domains=["second.example.test", "third.example.test", "blocked.test"], authority=authority)
    outcome = converge(wanted)
    assert outcome.rc != 0
    assert "site 'second': the authority refuses blocked.test" in outcome.output
    assert https("third.example.test").status == 200


def test_an_authority_that_turns_down_good_nonces_is_asked_again(
    converge: Any, model: Any, https: Callable[..., Any], pebble: Any
) -> None:
    with pebble.changed("environment", "$ a PEBBLE_WFE_NONCEREJECT=15"):
        outcome = converge(with_third(model(1, domains=["second.example.test", "new.example.test"])))
        assert outcome.rc == 0, outcome
        assert {https(name).status for name in ("third.example.test", "new.example.test")} == {200}


def test_a_site_of_which_no_domain_leads_here_is_served_with_a_stand_in(
    converge: Any, model: Any, https: Callable[..., Any], host: Host
) -> None:
    wanted = with_third(model())
    wanted["web_sites"][-1]["domains"] = ["lost.example.test"]
    outcome = converge(wanted)
    assert outcome.rc != 0
    assert "lost.example.test does not lead here: its name has no address" in outcome.output
    assert https("lost.example.test", root=host.file(OWN_ROOT).content_string).status == 200
    assert https(SITE).status == 200


def test_an_expired_certificate_keeps_the_web_server_going_and_is_renewed(
    converge: Any, model: Any, https: Callable[..., Any], host: Host, *, pebble: Any, soon: Any
) -> None:
    with pebble.changed("config.json", "s/7776000/20/"):
        outcome = converge(with_third(model()))
        assert outcome.rc == 0, outcome
    soon(lambda: https("third.example.test").error)
    host.check_output("systemctl restart nginx")
    outcome = converge(with_third(model()))
    assert outcome.rc == 0, outcome
    assert https("third.example.test").status == 200
