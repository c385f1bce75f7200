# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What certbot has, and what it says."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.web.plugins.module_utils._acme_read import reason_of, refused, settings_of, told

CHALLENGES = """\
Saving debug log to /var/log/letsencrypt/letsencrypt.log
Requesting a certificate for a.test and 2 more domains

Certbot failed to authenticate some domains (authenticator: webroot). The Certificate Authority reported these problems:
  Domain: b.test
  Type:   dns
  Detail: DNS problem: SERVFAIL looking up A
  for b.test

  Domain: c.test
  Type:   connection
  Detail: Fetching http://c.test/: refused

Hint: The Certificate Authority failed to download the temporary challenge files created by Certbot.

Some challenges have failed.
Ask for help or search for solutions at https://community.letsencrypt.org. See the logfile for more details.
"""
ORDER = """\
Saving debug log to /var/log/letsencrypt/letsencrypt.log
Requesting a certificate for a.test and b.test
An unexpected error occurred:
Error creating new order :: Order included an identifier for which issuance is forbidden by policy: "b.test"
Ask for help or search for solutions at https://community.letsencrypt.org. See the logfile for more details.
"""


@pytest.mark.parametrize(
    ("said", "domains", "bad"),
    [
        (CHALLENGES, {"a.test", "b.test", "c.test"}, {"b.test", "c.test"}),
        (CHALLENGES, {"b.test"}, {"b.test"}),
        (ORDER, {"a.test", "b.test"}, {"b.test"}),
        (ORDER, {"a.test", "b.test", "test", "x.b.test", "b.test.example"}, {"b.test"}),
        ("An unexpected error occurred: too many requests", {"a.test", "b.test"}, set()),
        ("Cannot issue for b.test.example or b.test-x", {"a.test", "b.test"}, set()),
        # Whatever is wrong with the only one is told of the site.
        (ORDER, {"b.test"}, set()),
        ("", {"a.test"}, set()),
    ],
)
def test_the_domains_that_were_turned_down_are_found(said: str, domains: set[str], bad: set[str]) -> None:
    assert refused(said, domains).keys() == bad


def test_each_domain_has_its_own_reason() -> None:
    told = refused(CHALLENGES, {"a.test", "b.test", "c.test"})
    assert told["b.test"] == "DNS problem: SERVFAIL looking up A for b.test"
    assert told["c.test"] == "Fetching http://c.test/: refused"


def test_a_reason_has_none_of_what_certbot_always_says() -> None:
    reason = reason_of(ORDER)
    assert reason.startswith("An unexpected error occurred: Error creating new order :: Order included")
    assert "Ask for help" not in reason
    assert len(reason_of("x" * 5000)) == 400


LOG = """\
2026-11-21 03:53:38,630:DEBUG:certbot._internal.log:Exiting abnormally:
acme.messages.Error: urn:ietf:params:acme:error:badNonce :: The client sent an unacceptable anti-replay nonce :: first
acme.messages.Error: urn:ietf:params:acme:error:rejectedIdentifier :: The server will not issue :: not for "b.test"
"""


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("An unexpected error occurred:\nAttributeError: can't set attribute\n", ""),
        ("An unexpected error occurred:\nno account", "An unexpected error occurred:\nno account\n"),
    ],
)
def test_the_error_of_the_authority_is_told(said: str, shown: str) -> None:
    error = 'urn:ietf:params:acme:error:rejectedIdentifier :: The server will not issue :: not for "b.test"'
    assert told(said, LOG) == shown + error
    assert told(said, "") == said.strip()
    assert refused(told(said, LOG), {"a.test", "b.test"}).keys() == {"b.test"}


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("# a word\n\nversion = 2.1.0\n[renewalparams]\nserver = https://ca.test/dir\n", True),
        ("a = 1\n[renewalparams]\na = 2\n[[webroot_map]]\n*.a-b.test = /var/www/acme\n", True),
        ("webroot_path = /var/www/acme,\nempty =\n", True),
        ("a = 1\na = 2\n", False),
        ("a\n", False),
        ("[renewalparams\n", False),
        ("<<<<<<< HEAD\n", False),
        ("a = 1\0\0\0\n\0\0", False),
    ],
)
def test_a_renewal_file_is_taken_where_certbot_takes_it(text: str, settings: bool) -> None:
    assert (settings_of(text) is not None) is settings
