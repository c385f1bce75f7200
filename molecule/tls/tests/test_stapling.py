# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The word of an authority that a certificate is not revoked comes with it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import yaml
from testbed.podman import ROOT, podman_ok

if TYPE_CHECKING:
    from collections.abc import Callable

    from testinfra.host import Host

SITE = "example.test"
NAMES = (SITE, "www.example.test", "*.wild.example.test")
ASK = f"openssl s_client -connect 127.0.0.1:443 -servername {SITE} -status </dev/null 2>/dev/null"
ANSWER = (
    "systemd-run --unit=responder --working-directory=/opt/responder openssl ocsp -port 8899 -index index "
    "-CA middle.pem -rsigner middle.pem -rkey middle.key -ndays 7"
)


def test_a_certificate_with_a_responder_comes_with_its_word(
    converge: Any, host: Host, authority: Any, soon: Callable[[Callable[[], object]], float]
) -> None:
    sites = copy.deepcopy(yaml.safe_load((ROOT / "inventory/tls/group_vars/web.yml").read_text())["web_sites"])
    sites[0]["tls"] = authority.sign(*NAMES, responder="http://127.0.0.1:8899/")
    for name, text in authority.responder().items():
        script = 'mkdir -p /opt/responder && cat > "/opt/responder/$1"'
        podman_ok("exec", "-i", host.backend.hostname, "sh", "-c", script, "put", name, data=text.encode())
    assert "OCSP response: no response sent" in host.check_output(ASK)
    host.check_output(ANSWER)
    try:
        outcome = converge({"web_sites": sites})
        assert outcome.rc == 0, outcome
        # nginx asks when the first client wants to know.
        soon(lambda: "Cert Status: good" in host.check_output(ASK))
    finally:
        host.check_output("systemctl stop responder")
