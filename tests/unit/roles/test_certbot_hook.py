# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program that puts certificates of certbot in place, with web servers that only say what they are told to."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[3] / "roles/certbot/templates/barehost_certbot.py"
OLD = "of before\n"
_SELF_SIGNED = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x")


class Host:
    """A host with lineages of certbot and the web server nginx."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        spec = spec_from_file_location("barehost_certbot", PROGRAM)
        assert spec is not None
        assert spec.loader is not None
        self.program: Any = module_from_spec(spec)
        spec.loader.exec_module(self.program)
        self.letsencrypt, self.tls, self.state = folder / "letsencrypt", folder / "tls", folder / "state"
        monkeypatch.setattr(self.program, "LETSENCRYPT", self.letsencrypt)
        monkeypatch.setattr(self.program, "TLS", self.tls)
        monkeypatch.setattr(self.program, "STATE", self.state)
        monkeypatch.setattr(self.program, "run", self.run)
        monkeypatch.delenv("RENEWED_LINEAGE", raising=False)
        self.patch = monkeypatch
        self.answers = {"is-active nginx.service": True, "nginx -t -q": True, "reload nginx.service": True}
        self.asked: list[str] = []
        self.tls.mkdir()

    def run(self, *command: str) -> tuple[bool, str]:
        said = " ".join(word for word in command if word not in {"systemctl", "--quiet"})
        self.asked.append(said)
        return self.answers.get(said, False), "as it says"

    def lineage(self, name: str, versions: int = 2) -> str:
        """Have a certificate that was renewed; gives what the web server reads then."""
        live, archive = self.letsencrypt / "live" / name, self.letsencrypt / "archive" / name
        for folder in (live, archive):
            folder.mkdir(parents=True, exist_ok=True)
        text = ""
        for number in range(1, versions + 1):
            key, chain = archive / f"privkey{number}.pem", archive / f"fullchain{number}.pem"
            subprocess.run(
                ["openssl", *_SELF_SIGNED, "-keyout", key, "-out", chain],
                check=True,
                capture_output=True,
            )
            (live / "privkey.pem").write_text(key.read_text())
            (live / "fullchain.pem").write_text(chain.read_text())
            text = key.read_text() + chain.read_text()
        return text

    def first(self, name: str) -> str:
        folder = self.letsencrypt / "archive" / name
        return (folder / "privkey1.pem").read_text() + (folder / "fullchain1.pem").read_text()

    def call(self, *sites: str, lineage: str = "") -> int:
        self.patch.setattr(sys, "argv", [str(PROGRAM), *sites])
        if lineage:
            self.patch.setenv("RENEWED_LINEAGE", str(self.letsencrypt / "live" / lineage))
        result: int = self.program.main()
        return result

    def file(self, name: str) -> Path:
        return self.tls / f"{name}.pem"

    def marks(self) -> list[str]:
        return [path.name for path in (self.state / "marks").iterdir()]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_a_certificate_is_put_in_place_and_read(host: Host) -> None:
    text = host.lineage("barehost-main")
    assert host.call("main") == 0
    assert host.file("main").read_text() == text
    assert host.file("main").stat().st_mode & 0o777 == 0o600
    assert host.asked[-2:] == ["nginx -t -q", "reload nginx.service"]
    assert host.marks() == []


def test_what_is_in_place_is_left_alone(host: Host) -> None:
    host.lineage("barehost-main")
    assert host.call("main") == host.call("main") == 0
    assert host.asked.count("reload nginx.service") == 1


@pytest.mark.parametrize("lineage", ["barehost-main", ""])
def test_a_renewed_one_replaces_its_elder(host: Host, lineage: str) -> None:
    text = host.lineage("barehost-main")
    host.file("main").write_text(host.first("barehost-main"))
    assert host.call(lineage=lineage) == 0
    assert host.file("main").read_text() == text


def test_a_certificate_from_elsewhere_is_not_replaced(host: Host) -> None:
    host.lineage("barehost-main")
    host.file("main").write_text(OLD)
    assert host.call(lineage="barehost-main") == 0
    assert host.file("main").read_text() == OLD


def test_a_lineage_of_somebody_else_is_left_alone(host: Host) -> None:
    host.lineage("mail")
    host.lineage("barehost-mail")
    host.file("mail").write_text(host.first("barehost-mail"))
    assert host.call(lineage="mail") == 0
    assert host.file("mail").read_text() == host.first("barehost-mail")
    assert host.asked == []


@pytest.mark.parametrize("before", [OLD, ""])
def test_a_web_server_that_refuses_keeps_what_it_had(
    host: Host, before: str, capsys: pytest.CaptureFixture[str]
) -> None:
    host.lineage("barehost-main")
    host.answers["nginx -t -q"] = False
    if before:
        host.file("main").write_text(before)
    assert host.call("main") == 1
    assert [path.read_text() for path in host.tls.iterdir()] == ([before] if before else [])
    assert "nginx.service would not start again" in capsys.readouterr().err
    assert host.marks() == []
    assert "reload nginx.service" not in host.asked


def test_a_reload_that_fails_is_owed(host: Host) -> None:
    host.lineage("barehost-main")
    host.answers["reload nginx.service"] = False
    assert host.call("main") == 1
    assert host.marks() == ["nginx.service"]


def test_a_note_of_another_run_stays(host: Host) -> None:
    host.lineage("barehost-main")
    (host.state / "marks").mkdir(parents=True)
    (host.state / "marks/nginx.service").write_text("restart")
    assert host.call("main") == 0
    assert (host.state / "marks/nginx.service").read_text() == "restart"


def test_a_server_that_does_not_run_is_not_asked(host: Host) -> None:
    text = host.lineage("barehost-main")
    host.answers["is-active nginx.service"] = False
    assert host.call("main") == 0
    assert host.file("main").read_text() == text
    assert "nginx -t -q" not in host.asked


def test_a_key_of_another_certificate_is_refused(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.lineage("barehost-main")
    archive, live = (host.letsencrypt / kind / "barehost-main" for kind in ("archive", "live"))
    (live / "privkey.pem").write_text((archive / "privkey1.pem").read_text())
    assert host.call("main") == 1
    assert not host.file("main").exists()
    assert "PRIVATE" not in capsys.readouterr().err
