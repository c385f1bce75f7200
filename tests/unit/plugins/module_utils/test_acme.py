# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When certbot is asked for what, with one that does as it is told."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _acme
from ansible_collections.barehost.web.plugins.module_utils._acme import Acme
from ansible_collections.barehost.web.plugins.module_utils._acme_read import Lineage

SERVER = "https://ca.test/dir"
AUTHORITY = {"server": SERVER, "email": "", "preflight": True, "dns": {"plugin": "rfc2136", "propagation_seconds": 7}}
TURNED_DOWN = "\n  Domain: {}\n  Type:   dns\n  Detail: no such host\n"


class World:
    """A host with a certbot, and an authority that signs everything but what it is told to turn down."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.letsencrypt, self.tls = folder / "letsencrypt", folder / "tls"
        self.calls: list[tuple[str, ...]] = []
        self.away = ""
        self.lost: dict[str, str] = {}
        self.turned_down: set[str] = set()
        self.said: list[str] = []
        self.accounts = 0
        self.tls.mkdir()
        (self.letsencrypt / "renewal").mkdir(parents=True)
        hook = self.letsencrypt / "renewal-hooks/deploy/barehost"
        hook.parent.mkdir(parents=True)
        live = self.letsencrypt / "live"
        hook.write_text(
            "#!/bin/sh\nfor site; do "
            f"cat {live}/barehost-$site/privkey.pem {live}/barehost-$site/fullchain.pem > {self.tls}/$site.pem; done\n"
        )
        hook.chmod(0o755)

    def certbot(self, *words: str, trusted: Path | None, server: str = SERVER) -> str:
        assert trusted is None
        self.calls.append(words)
        if self.said:
            return self.said.pop(0)
        if words[0] != "certonly":
            return ""
        domains = [words[at + 1] for at, word in enumerate(words) if word == "--domain"]
        bad = self.turned_down & set(domains)
        if bad:
            return TURNED_DOWN.format(sorted(bad)[0])
        authenticator = words[words.index("--authenticator") + 1]
        self.lineage(words[words.index("--cert-name") + 1], domains, server=server, authenticator=authenticator)
        return ""

    def lineage(
        self, name: str, domains: list[str], *, server: str = SERVER, authenticator: str = "webroot", days: int = 90
    ) -> None:
        live, archive = (self.letsencrypt / kind / name for kind in ("live", "archive"))
        for folder in (live, archive):
            folder.mkdir(parents=True, exist_ok=True)
        names = ",".join(f"DNS:{domain}" for domain in domains)
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
                *("-subj", "/CN=x", "-addext", f"subjectAltName={names}", "-days", str(days)),
                *("-keyout", archive / "privkey1.pem", "-out", archive / "fullchain1.pem"),
            ],
            check=True,
            capture_output=True,
        )
        lines = []
        for kind in ("cert", "privkey", "chain", "fullchain"):
            (archive / f"{kind}1.pem").touch()
            link = live / f"{kind}.pem"
            link.unlink(missing_ok=True)
            link.symlink_to(f"../../archive/{name}/{kind}1.pem")
            lines.append(f"{kind} = {link}\n")
        lines.append(f"[renewalparams]\naccount = {self.account(server)}\n")
        text = f"{''.join(lines)}server = {server}\nauthenticator = {authenticator}\n"
        (self.letsencrypt / "renewal" / f"{name}.conf").write_text(text)

    def account(self, server: str) -> str:
        """Give the account of the host there, which it may not have yet."""
        folder = self.letsencrypt / "accounts" / server.removeprefix("https://")
        if not folder.is_dir():
            self.accounts += 1
            (folder / str(self.accounts)).mkdir(parents=True)
        return next(folder.iterdir()).name

    def bring(
        self, *sites: dict[str, Any], purge: bool = False, check: bool = False, **authority: Any
    ) -> tuple[list[str], list[str]]:
        """Gives what was done, and what was not."""
        self.calls.clear()
        acme = Acme({**AUTHORITY, **authority}, self.letsencrypt, self.folder / "etc", self.tls, self.folder / "www")
        acme.bring(sites, purge=purge, check=check)
        self.warnings = acme.warnings
        return acme.changes, acme.faults

    def asked(self) -> list[list[str]]:
        """The domains of each request."""
        return [
            [words[at + 1] for at, word in enumerate(words) if word == "--domain"]
            for words in self.calls
            if words[0] == "certonly"
        ]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    one = World(tmp_path)

    def certbot(acme: Acme, *words: str, trusted: Path | None, server: str = "") -> str:
        return one.certbot(*words, trusted=trusted, server=server or acme.authority["server"])

    def directory_fault(_url: str, _trusted: Path | None, *, bound: bool = True) -> str:
        assert bound in {True, False}
        return one.away

    def lost(domains: list[str], _webroot: Path) -> dict[str, str]:
        return {domain: reason for domain, reason in one.lost.items() if domain in domains}

    monkeypatch.setattr(_acme.Acme, "_certbot", certbot)
    monkeypatch.setattr(_acme, "directory_fault", directory_fault)
    monkeypatch.setattr(_acme, "lost", lost)
    return one


def site(name: str = "main", *domains: str, mode: str = "acme") -> dict[str, Any]:
    return {"name": name, "mode": mode, "domains": list(domains) or ["a.test"]}


def test_a_certificate_is_asked_for_once(world: World) -> None:
    looked = world.bring(site(), check=True)
    assert looked == (["certificate of main asked for, for a.test"], [])
    assert world.calls == []
    changes, faults = world.bring(site())
    assert changes == [*looked[0], "certificate of main put in place"]
    assert faults == []
    assert (world.tls / "main.pem").is_file()
    assert world.bring(site()) == ([], [])
    assert world.calls == []


def test_where_nothing_is_wanted_or_there_nothing_comes_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_acme._marks, "STATE", tmp_path / "state")
    options = {"authority": AUTHORITY, "sites": [site(mode="none")], "purge": True}
    answer = _acme.run(options, check=False)
    assert answer.result["changed"] is False
    assert _acme.kept(options) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("domains", [["a.test", "b.test"], ["b.test"]])
def test_other_domains_take_another_certificate(world: World, domains: list[str]) -> None:
    world.bring(site())
    assert world.bring(site("main", *domains))[1] == []
    assert world.asked() == [domains]
    assert "--renew-with-new-domains" in world.calls[0]


@pytest.mark.parametrize(("lasted", "left", "asked"), [(60, 30.5, 0), (61, 29, 1), (89, -1, 1), (3, 3, 0), (5, 1, 1)])
def test_what_runs_out_is_asked_for_in_time(
    world: World, monkeypatch: pytest.MonkeyPatch, lasted: float, left: float, asked: int
) -> None:
    days = 24 * 60 * 60
    begins, ends = time.time() - lasted * days, time.time() + left * days
    known = Lineage(SERVER, world.account(SERVER), "webroot", frozenset({"a.test"}), begins, ends, "")
    monkeypatch.setattr(_acme, "lineages", lambda _folder: {"main": known})
    (world.tls / "main.pem").touch()
    world.bring(site())
    assert len(world.asked()) == asked


def test_another_authority_takes_another_certificate(world: World) -> None:
    world.lineage("barehost-main", ["a.test"], server="https://other.test/dir")
    world.bring(site())
    assert "--force-renewal" in world.calls[0]
    world.bring(site())
    assert world.calls == []


def test_a_star_is_proven_by_dns(world: World) -> None:
    world.bring(site("main", "*.a.test", "a.test"))
    words = " ".join(world.calls[0])
    assert f"--authenticator dns-rfc2136 --dns-rfc2136-credentials {world.folder}/etc/dns.ini" in words
    assert "--dns-rfc2136-propagation-seconds 7" in words
    world.bring(site("main", "*.a.test", "a.test"))
    assert world.calls == []


def test_another_way_of_proof_takes_another_certificate(world: World) -> None:
    world.bring(site("main", "*.a.test"))
    world.lineage("barehost-main", ["*.a.test"], authenticator="dns-cloudflare")
    world.bring(site("main", "*.a.test"))
    assert "--force-renewal" in world.calls[0]


def test_a_domain_that_leads_elsewhere_holds_back_no_other(world: World) -> None:
    world.lost = {"b.test": "its name has no address"}
    changes, faults = world.bring(site("main", "a.test", "b.test"), site("second", "c.test"))
    assert world.asked() == [["a.test"], ["c.test"]]
    assert "certificate of main asked for, for a.test" in changes
    (fault,) = faults
    assert fault.startswith("site 'main': b.test does not lead here: its name has no address. Have its DNS")
    assert world.bring(site("main", "a.test", "b.test"), site("second", "c.test")) == ([], [fault])
    assert world.calls == []


def test_without_a_preflight_the_authority_decides(world: World) -> None:
    world.lost = {"a.test": "its name has no address"}
    assert world.bring(site(), preflight=False)[1] == []


def test_a_domain_that_is_turned_down_holds_back_no_other(world: World) -> None:
    world.turned_down = {"b.test", "c.test"}
    _, faults = world.bring(site("main", "a.test", "b.test", "c.test"))
    assert world.asked() == [["a.test", "b.test", "c.test"], ["a.test", "c.test"], ["a.test"]]
    assert faults == [f"site 'main': the authority refuses {name}: no such host" for name in ("b.test", "c.test")]


def test_what_the_others_have_is_not_asked_for_again(world: World) -> None:
    world.bring(site())
    world.turned_down = {"b.test"}
    assert len(world.bring(site("main", "a.test", "b.test"))[1]) == 1
    assert world.asked() == [["a.test", "b.test"]]


def test_a_fault_of_no_domain_is_told_and_the_other_sites_go_on(world: World) -> None:
    world.said = ["An unexpected error occurred: too many requests"]
    changes, faults = world.bring(site("main", "a.test", "b.test"), site("second"))
    assert faults == [
        "site 'main': no certificate was given: An unexpected error occurred: too many requests",
    ]
    assert "certificate of second put in place" in changes


def test_an_authority_that_is_away_is_asked_for_nothing(world: World) -> None:
    world.lineage("barehost-second", ["a.test"])
    world.away = "nobody listens there"
    changes, faults = world.bring(site(), site("second"))
    assert changes == ["certificate of second put in place"]
    assert len(faults) == 1
    assert faults[0].startswith(f"The authority {SERVER} cannot be asked: nobody listens there.")
    assert "'main'" in faults[0]
    assert "'second'" not in faults[0]
    assert world.calls == []


def test_an_account_that_the_authority_does_not_know_is_made_anew(world: World) -> None:
    account = world.letsencrypt / "accounts/ca.test/dir/old"
    account.mkdir(parents=True)
    world.said = ["Account 1 not found.\nacme.messages.Error: urn:ietf:params:acme:error:accountDoesNotExist"]
    assert world.bring(site())[1] == []
    assert not account.exists()


def test_an_account_made_anew_renews_all_certificates(world: World) -> None:
    world.bring(site(), site("second", "b.test"))
    world.said = ["acme.messages.Error: urn:ietf:params:acme:error:accountDoesNotExist"]
    changes, faults = world.bring(site("main", "new.test"), site("second", "b.test"))
    assert faults == []
    assert "certificate of second given to the account 2" in changes
    assert "account = 2\n" in (world.letsencrypt / "renewal/barehost-second.conf").read_text()
    assert world.asked() == [["new.test"]] * 2
    assert world.bring(site("main", "new.test"), site("second", "b.test")) == ([], [])


def test_a_certificate_whose_account_is_gone_is_asked_for_with_another(world: World) -> None:
    world.bring(site(), site("second", "b.test"))
    shutil.rmtree(world.letsencrypt / "accounts")
    assert world.bring(site(), site("second", "b.test"))[1] == []
    assert ["--force-renewal" in words for words in world.calls] == [True]
    assert world.bring(site(), site("second", "b.test")) == ([], [])


def test_the_account_at_an_authority_that_nobody_wants_any_more_is_closed(world: World) -> None:
    accounts = [world.letsencrypt / "accounts" / name / "dir" for name in ("ca.test", "new.test")]
    world.bring(site(), site("second", "b.test"))
    world.bring(site(), server="https://new.test/dir")
    assert accounts[0].exists(), "the second site's"
    world.bring(site(), site("second", "b.test"), server="https://new.test/dir")
    assert [account.exists() for account in accounts] == [False, True]


@pytest.mark.parametrize("left", ["live/barehost-main", "archive/barehost-main"])
def test_what_a_killed_certbot_has_left_is_out_of_the_way(world: World, left: str) -> None:
    (world.letsencrypt / left).mkdir(parents=True)
    file = world.letsencrypt / left / "README"
    file.touch()
    assert world.bring(site())[1] == []
    assert not file.exists()


@pytest.mark.parametrize("damage", ["twice", "no link", "strange line", "empty"])
def test_what_certbot_cannot_renew_is_asked_for_anew_under_its_name(world: World, damage: str) -> None:
    world.bring(site())
    file = world.letsencrypt / "renewal/barehost-main.conf"
    if damage == "no link":
        link = world.letsencrypt / "live/barehost-main/chain.pem"
        link.unlink()
        link.touch()
    else:
        text = file.read_text()
        file.write_text({"twice": f"{text}server = x\n", "strange line": f"<<<<\n{text}", "empty": ""}[damage])
    assert world.bring(site(), check=True)[0] == ["certificate of main asked for, for a.test"]
    assert world.bring(site())[1] == []
    assert world.asked() == [["a.test"]]
    assert world.bring(site()) == ([], [])


def test_what_certbot_cannot_renew_leaves_nothing_either(world: World) -> None:
    world.bring(site())
    (world.letsencrypt / "renewal/barehost-main.conf").write_text("<<<<")
    said = ["what was left of the certificate of main removed"]
    assert world.bring(site(mode="none"), check=True)[0] == said
    assert world.bring(site(mode="none")) == (said, [])
    assert not list(world.letsencrypt.glob("*/barehost-main*"))


def test_another_mode_revokes_and_removes(world: World) -> None:
    world.bring(site())
    assert world.bring(site(mode="none"), check=True)[0] == ["certificate of main revoked and removed"]
    assert world.calls == []
    assert world.bring(site(mode="none"))[0] == ["certificate of main revoked and removed"]
    assert world.calls[0][:3] == ("revoke", "--cert-name", "barehost-main")
    assert not list(world.letsencrypt.glob("*/barehost-main*"))
    assert world.bring(site(mode="none")) == ([], [])
    assert world.calls == []


def test_an_authority_that_is_away_does_not_keep_a_certificate(world: World) -> None:
    world.bring(site())
    world.away = "nobody listens there"
    assert world.bring(site(mode="none"))[1] == []
    assert world.warnings == [
        "The certificate of main is removed but not revoked: nobody listens there",
        "The account at https://ca.test/dir is forgotten but not closed: nobody listens there",
    ]
    assert not list(world.letsencrypt.glob("*/barehost-main*"))


def test_one_that_nobody_mentions_stays_until_purged(world: World) -> None:
    world.bring(site())
    assert world.bring() == ([], [])
    assert world.bring(purge=True)[0] == ["certificate of main revoked and removed"]


@pytest.mark.parametrize(("others", "stays"), [(True, True), (False, False)])
def test_the_account_goes_with_the_last_certificate_of_its_authority(world: World, others: bool, stays: bool) -> None:
    world.bring(site())
    if others:
        world.lineage("mail", ["mail.test"])
    account = world.letsencrypt / "accounts/ca.test/dir/1"
    world.bring(site(mode="none"))
    assert account.exists() is stays
    assert (("unregister",) in world.calls) is not stays


def test_a_certificate_of_somebody_else_is_not_ours(world: World) -> None:
    world.lineage("main", ["a.test"])
    assert world.bring(site(mode="none"), purge=True) == ([], [])


def test_a_binding_is_in_no_command(world: World) -> None:
    world.bring(site(), eab={"kid": "kid-1", "hmac_key": "s3cret"})
    assert "s3cret" not in " ".join(world.calls[0])
    assert "--config" in world.calls[0]
