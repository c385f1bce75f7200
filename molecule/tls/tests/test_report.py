# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""playbooks/report.yml: what it says of a host, and when it fails."""

from __future__ import annotations

import contextlib
import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from testbed.converge import Outcome
from testbed.converge import converge as run
from testbed.podman import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from testinfra.host import Host

SITES = yaml.safe_load((ROOT / "inventory/tls/group_vars/web.yml").read_text(encoding="utf-8"))["web_sites"]
TLS = "/etc/barehost/tls"
#: A certificate of the host's authority for a name, and for so many days.
SIGN = (
    "cd /etc/barehost && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=both"
    " -CA authority.pem -CAkey authority.key -addext subjectAltName=DNS:{name} -days {days}"
    " -keyout /root/key -out /root/certificate && cat /root/key /root/certificate > tls/both.pem && rm /root/key"
)
#: Everything that a run could leave on a host.
STATE = "find /etc /srv /opt /var/lib /usr/local -xdev -newer /root/before ! -path '/var/lib/systemd/*' | sort"


@dataclass(frozen=True)
class Told:
    """What a run said: to the terminal, and in its files."""

    outcome: Outcome
    folder: Path

    @property
    def attention(self) -> list[str]:
        """What needs attention, as the file of JSON has it."""
        plain = json.loads((self.folder / "report.json").read_text(encoding="utf-8"))
        return [f"{one['subject']}: {one['reason']}" for one in plain["attention"]]

    @property
    def host(self) -> dict[str, Any]:
        """All that is told of the host."""
        found: dict[str, Any] = json.loads((self.folder / "report.json").read_text(encoding="utf-8"))["hosts"][0]
        return found

    @property
    def message(self) -> str:
        """Why the run has failed."""
        return str(self.outcome.task("See that nothing needs attention").result.get("msg", ""))


@pytest.fixture
def report(machine: Any, tmp_path: Path) -> Callable[..., Told]:
    """Run the playbook with variables on top of those of the inventory."""

    def tell(variables: dict[str, Any] | None = None, **options: bool) -> Told:
        folder = {"report_results": str(tmp_path)}
        outcome = run(machine.scenario, machine.name, {**folder, **(variables or {})}, playbook="report", **options)
        return Told(outcome, tmp_path)

    return tell


@pytest.fixture
def changed(host: Host) -> Callable[..., Any]:
    """Have something other than it is on the host for the time of a block."""

    @contextlib.contextmanager
    def change(there: str, back: str) -> Iterator[None]:
        host.check_output(there)
        try:
            yield
        finally:
            host.check_output(back)

    return change


def test_a_good_host_needs_nothing(host: Host, report: Callable[..., Told]) -> None:
    host.check_output("touch /root/before && sleep 0.1")
    told = report()
    assert told.outcome.rc == 0, told.outcome
    assert told.attention == []
    assert told.outcome.changed == 0
    assert host.check_output(STATE) == ""
    certificates = {one["site"]: one for one in told.host["certificates"]}
    assert certificates.keys() == {"main", "both", "modern", ""}
    assert certificates["main"]["names"] == ["example.test", "www.example.test", "*.wild.example.test"]
    assert certificates["main"]["days"] == 364
    services = {f"{one['kind']} {one['name']}": one for one in told.host["services"]}
    assert services.keys() == {"site main", "site both", "site modern", "site plain", "app probe"}
    assert {one["state"] for one in services.values()} == {"running"}
    assert services["site plain"]["version"].startswith("nginx 1.")
    assert services["app probe"]["unit"] == "gunicorn@probe.service"
    assert "gunicorn 2" in services["app probe"]["version"]
    assert 10 << 20 < services["app probe"]["memory"] < 200 << 20
    assert "Nothing needs attention." in told.outcome.output


def test_nothing_secret_is_told(host: Host, report: Callable[..., Told]) -> None:
    told = report(verbose=True)
    assert told.outcome.rc == 0, told.outcome
    text = told.outcome.output + "".join(file.read_text(encoding="utf-8") for file in told.folder.iterdir())
    for path in (f"{TLS}/main.pem", "/etc/barehost/authority.key"):
        key = host.file(path).content_string.partition("PRIVATE KEY-----\n")[2].partition("\n")[0]
        assert len(key) > 40
        assert key not in text
    assert "PRIVATE KEY" not in text


@pytest.mark.parametrize(
    ("name", "days", "reason"),
    [
        ("both.example.test", 5, "ends in 4 days, on "),
        ("other.example.test", 90, "is not for 'both.example.test' but for 'other.example.test'"),
    ],
)
def test_a_certificate_that_needs_attention_fails_the_run(
    report: Callable[..., Told], changed: Callable[..., Any], name: str, days: int, reason: str
) -> None:
    there, back = f"cp -p {TLS}/both.pem /root/kept", f"cp -p /root/kept {TLS}/both.pem"
    with changed(f"{there} && {SIGN.format(name=name, days=days)}", back):
        told = report()
    assert told.outcome.rc == 2
    assert len(told.attention) == 1
    assert f"certificate both: {reason}" in told.message
    assert "run the playbook site.yml, which renews it" in told.message


def test_a_certificate_may_be_given_more_or_less_time(report: Callable[..., Told], changed: Callable[..., Any]) -> None:
    there, back = f"cp -p {TLS}/both.pem /root/kept", f"cp -p /root/kept {TLS}/both.pem"
    with changed(f"{there} && {SIGN.format(name='both.example.test', days=30)}", back):
        assert report({"report_days": 29}).attention == []
        assert report({"report_days": 30}).outcome.rc == 2


def test_a_unit_that_does_not_run_fails_the_run(report: Callable[..., Told], changed: Callable[..., Any]) -> None:
    with changed("systemctl stop gunicorn@probe.service", "systemctl start gunicorn@probe.service"):
        told = report()
    assert told.outcome.rc == 2
    assert told.attention == ["gunicorn@probe.service: does not run"]
    assert "gunicorn@probe.service: does not run" in told.message


def test_a_unit_that_was_killed_and_runs_again_is_a_note(host: Host, report: Callable[..., Told], soon: Any) -> None:
    unit = "gunicorn@probe.service"
    host.check_output(f"systemctl kill --signal=KILL {unit}")
    soon(lambda: host.run(f"systemctl show -p NRestarts {unit}").stdout != "NRestarts=0\n")
    soon(lambda: host.run(f"systemctl is-active {unit}").rc == 0)
    told = report()
    host.check_output(f"systemctl restart {unit}")
    assert told.outcome.rc == 0, told.outcome
    assert [note["subject"] for note in told.host["notes"]] == [unit]


def test_a_web_server_that_does_not_start_fails_the_run(
    report: Callable[..., Told], changed: Callable[..., Any]
) -> None:
    broken = "mkdir -p /run/systemd/system/nginx.service.d && printf '[Service]\\nExecStartPre=/bin/false\\n'"
    broken += " > /run/systemd/system/nginx.service.d/broken.conf && systemctl daemon-reload"
    mended = "rm -r /run/systemd/system/nginx.service.d && systemctl daemon-reload && systemctl stop nginx"
    # So that systemd forgets how often it has tried.
    with changed(
        f"{broken} && ! systemctl restart nginx", f"{mended}; systemctl reset-failed nginx; systemctl start nginx"
    ):
        told = report()
    assert told.outcome.rc == 2
    assert told.attention == ["nginx.service: ends as soon as it is started"], "once, not for every site"


def test_a_site_that_is_not_served_fails_the_run(report: Callable[..., Told]) -> None:
    sites = [*SITES, {**SITES[-1], "name": "shop", "domains": ["shop.example.test"]}]
    told = report({"web_sites": sites})
    assert told.outcome.rc == 2
    assert told.attention == ["site shop: the host does not serve it"]
    assert "site shop: the host does not serve it; run the playbook site.yml" in told.message


def test_what_the_model_does_not_have_is_a_note(report: Callable[..., Told]) -> None:
    told = report({"web_sites": [site for site in SITES if site["name"] != "plain"]})
    assert told.outcome.rc == 0, told.outcome
    assert [note["subject"] for note in told.host["notes"]] == ["site plain"]


def test_another_authority_than_the_wanted_one_fails_the_run(report: Callable[..., Told], authority: Any) -> None:
    sites = copy.deepcopy(SITES)
    sites[1]["tls"] = authority.sign("both.example.test")
    told = report({"web_sites": sites})
    assert told.outcome.rc == 2
    assert told.attention == [
        "certificate both: is a stand-in of the host's own authority, although mode 'provided' is wanted"
    ]
    assert "PRIVATE KEY" not in told.outcome.output


def test_a_model_with_a_mistake_does_not_hide_the_host(report: Callable[..., Told]) -> None:
    told = report({"web_sites": [{**SITES[-1], "routes": [{"path": "/", "app": "prob"}]}]})
    assert told.outcome.rc == 2
    assert told.attention == ["model: web_sites[0].routes[0].app: no app named 'prob'; did you mean 'probe'?"]
    assert len(told.host["services"]) == 5


def test_what_a_killed_run_owes_fails_the_run(report: Callable[..., Told], changed: Callable[..., Any]) -> None:
    mark = "/var/lib/barehost/marks/nginx.service"
    with changed(f"printf reload > {mark}", f"rm {mark}"):
        told = report()
    assert told.attention == ["nginx.service: has still to reload for what a run has changed"]


def test_a_full_disk_fails_the_run(report: Callable[..., Told]) -> None:
    told = report({"report_disk": 1})
    assert told.outcome.rc == 2
    assert [line for line in told.attention if line.startswith("disk ") and line.endswith("% full")]


@pytest.mark.parametrize("known", [True, False])
def test_a_bare_host_is_told_to_be_one(report: Callable[..., Told], changed: Callable[..., Any], known: bool) -> None:
    nothing = {} if known else {"web_sites": [], "web_apps": []}
    with changed("mv /var/lib/barehost /root/kept.barehost", "mv /root/kept.barehost /var/lib/barehost"):
        told = report(nothing)
    line = "host: nothing of barehost.web is on this host yet"
    assert told.outcome.rc == (2 if known else 0)
    assert line in told.outcome.output
    assert told.host["services"] == []


def test_check_mode_tells_and_writes_nothing(report: Callable[..., Told]) -> None:
    told = report(check=True)
    assert told.outcome.rc == 0, told.outcome
    assert "gunicorn@probe.service" in told.outcome.output
    assert list(told.folder.iterdir()) == []
