# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A WordPress from an archive, with plugins and themes from archives: from its first day to its last."""

from __future__ import annotations

import hashlib
import re
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from testbed.converge import converge as run
from testbed.patience import patiently
from testbed.podman import ROOT, podman_ok

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.converge import Outcome
    from testbed.http import Http
    from testinfra.host import Host

PAPER, ADDRESS, FOLDER = "paper.example.test", "http://127.0.0.1:8099", "/var/tmp/archives"
LOGIN = {"user": "ladner", "password": "rain-on-the-dunes"}
SCRIPT = Path(__file__).with_name("archives.sh").read_text(encoding="utf-8")
# A WordPress that cannot bring tables to its version.
STUCK = """set -e; mkdir stuck; tar -xzf trixie.tar.gz -C stuck; cd stuck
sed -i 's/function wp_upgrade() {/& die("The tables are stuck.");/' wordpress/wp-admin/includes/upgrade.php
grep -q stuck wordpress/wp-admin/includes/upgrade.php
tar -czf ../stuck.tar.gz wordpress; rm -r ../stuck
"""
LEFT_OUT = " ".join(f"--exclude=wordpress/{path}" for path in (".htaccess", "wp-config.php", "wp-content/languages"))
PLUGIN = """<?php
/* Plugin Name: Rain */
add_action('wp_footer', static function () {{ echo '<p>{text}</p>'; }});
add_action('wp_enqueue_scripts', static fn () => wp_enqueue_style('rain', plugins_url('rain.css', __FILE__)));
"""
THEME = {
    "style.css": "/*\nTheme Name: Dunes\n*/\nbody { color: sienna; }\n",
    "index.php": "<html><head><?php wp_head(); ?></head><body>Sand. "
    "<?php while (have_posts()) { the_post(); the_title(); } wp_footer(); ?></body></html>\n",
}


@dataclass(frozen=True)
class Archives:
    """Archives that a server of the machine hands out, to the machine alone."""

    host: Host
    container: str
    folder: Path

    def source(self, name: str, digest: str = "") -> dict[str, str]:
        """Name an archive as an entry does."""
        found = digest or self.host.run(f"sha256sum {FOLDER}/{name}").stdout.split(" ")[0]
        return {"archive": f"{ADDRESS}/{name}", "checksum": f"sha256:{found or '0' * 64}"}

    def make(self, name: str, top: str, files: dict[str, str]) -> dict[str, str]:
        """Make an archive with everything in one folder."""
        for file, text in files.items():
            (self.folder / top).mkdir(exist_ok=True)
            (self.folder / top / file).write_text(text, encoding="utf-8")
        with tarfile.open(self.folder / name, "w:gz") as archive:
            archive.add(self.folder / top, top)
        podman_ok("cp", str(self.folder / name), f"{self.container}:{FOLDER}/{name}")
        return self.source(name, hashlib.sha256((self.folder / name).read_bytes()).hexdigest())

    def version(self, name: str) -> str:
        """Read the version of a WordPress out of its archive."""
        read = f"tar -xzOf {FOLDER}/{name} wordpress/wp-includes/version.php"
        return self.host.check_output(f"{read} | sed -n \"s/^.wp_version = '\\(.*\\)';/\\1/p\"")

    def asked(self) -> int:
        """Count what was asked for so far."""
        return self.host.check_output("journalctl --no-pager -o cat -u archives").count("GET")


@pytest.fixture(scope="module")
def archives(host: Host, machine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archives]:
    """Make genuine archives of the WordPresses of both Debians, and serve them on loopback."""
    make = ("exec", "-i", machine.container, "sh", "-s", FOLDER)
    patiently(lambda: podman_ok(*make, data=SCRIPT.encode(), timeout=600))
    serve = f"python3 -u -m http.server 8099 --bind 127.0.0.1 --directory {FOLDER}"
    host.check_output(f"systemd-run --quiet --unit=archives {serve}")
    folder = tmp_path_factory.mktemp("archives")
    yield Archives(host, machine.container, folder)
    host.check_output(f"systemctl stop archives; rm -rf {FOLDER}")


@dataclass
class Paper:
    """A third installation beside those of the inventory, and what it is at the moment."""

    scenario: str
    machine: str
    entry: dict[str, Any]

    def __call__(self, *, check: bool = False, remove_data: bool = False, **changes: Any) -> Outcome:
        """Converge with changes to the entry; those of a run that went well stay for the next one."""
        inventory = yaml.safe_load((ROOT / "inventory/wordpress/group_vars/web.yml").read_text(encoding="utf-8"))
        entry = {key: value for key, value in {**self.entry, **changes}.items() if value is not None}
        site = {"name": "paper", "domains": [PAPER], "routes": [{"path": "/", "wordpress": "paper"}]}
        sites = [{"name": "paper", "state": "absent"} if entry.get("state") == "absent" else site]
        outcome = run(
            self.scenario,
            self.machine,
            {
                "web_wordpress": [*inventory["web_wordpress"], entry],
                "web_sites": [*inventory["web_sites"], *sites],
                "web_remove_data": remove_data,
            },
            check=check,
        )
        if outcome.rc == 0 and not check:
            self.entry = entry
        return outcome

    def leave(self, *, remove_data: bool = False) -> Outcome:
        """Remove it."""
        gone = dict.fromkeys(self.entry) | {"name": "paper", "state": "absent"}
        return self(remove_data=remove_data, **gone)


@pytest.fixture(scope="module")
def paper(machine: Any, archives: Archives) -> Iterator[Paper]:
    """Have an installation of this module alone."""
    admin = {**LOGIN, "email": "paper@example.test"}
    rain = {
        "name": "rain",
        **archives.make("rain.tar.gz", "rain-1.0", {"rain.php": PLUGIN.format(text="It rains."), "rain.css": "p {}"}),
    }
    dunes = {"name": "dunes", **archives.make("dunes.tar.gz", "dunes", THEME)}
    call = Paper(
        machine.scenario,
        machine.name,
        {
            "name": "paper",
            "admin": admin,
            "source": archives.source("bookworm.tar.gz"),
            "plugins": [rain],
            "themes": [dunes],
            "theme": "dunes",
            # Nobody answers there: the first page for somebody who is logged in would wait for it.
            "constants": {"WP_HTTP_BLOCK_EXTERNAL": True},
        },
    )
    yield call
    assert call.leave(remove_data=True).rc == 0


def changes(outcome: Outcome) -> list[str]:
    """Give what was done to the installations."""
    return [change for task in outcome.tasks for change in task.result.get("changes", ()) if "Bring each" in task.name]


def seen(http: Http) -> str:
    """Give the version that visitors see, who look into the feed."""
    text = http(f"/feed/?{time.monotonic_ns()}", host=PAPER).text
    return text.partition("https://wordpress.org/?v=")[2].partition("<")[0]


def test_archive_is_installed_with_a_plugin_and_a_theme(
    archives: Archives, host: Host, http: Http, paper: Paper
) -> None:
    asked = archives.asked()
    outcome = paper()
    assert outcome.rc == 0, outcome
    assert archives.asked() == asked + 3
    assert seen(http) == archives.version("bookworm.tar.gz")
    page = http("/", host=PAPER)
    assert (page.status, "Sand." in page.text, "It rains." in page.text) == (200, True, True)
    for path, status in (
        ("plugins/rain/rain.css", 200),
        ("plugins/rain/rain.php", 404),
        ("themes/dunes/style.css", 200),
        ("themes/dunes/index.php", 404),
        ("themes/twentytwentythree/style.css", 200),
        ("plugins/rain/../../mu-plugins/barehost.php", 404),
    ):
        assert http(f"/wp-content/{path}", host=PAPER).status == status, path
    assert "/wp-content/plugins/rain/rain.css" in page.text
    for file in (
        "current/index.php",
        "current/wp-config.php",
        "plugins/rain/rain.php",
        "themes/dunes/style.css",
        "plugins/x",
    ):
        assert host.run(f"runuser -u paper -- sh -c 'echo >> /srv/paper/code/{file}'").rc != 0
    assert paper().changed == 0
    assert archives.asked() == asked + 3
    host.check_output("systemctl start wordpress-cron@paper.service")


def test_upgrade_that_fails_leaves_the_old_version_and_its_content(
    archives: Archives, host: Host, http: Http, paper: Paper, writer: Any
) -> None:
    writer(PAPER, **LOGIN).publish("A year of beans")
    host.check_output(f"cd {FOLDER}; {STUCK}")
    outcome = paper(source=archives.source("stuck.tar.gz"))
    assert outcome.rc != 0
    assert "WordPress 'paper': install failed: The tables are stuck." in outcome.output
    assert seen(http) == archives.version("bookworm.tar.gz")
    assert "A year of beans" in http("/", host=PAPER).text
    assert "It rains." in http("/?fresh", host=PAPER).text


def test_upgrade_keeps_content(archives: Archives, host: Host, http: Http, paper: Paper, writer: Any) -> None:
    before = host.check_output("readlink /srv/paper/code/current")
    assert [http("/", host=PAPER).header("X-Cache") for _time in range(2)][1] == "HIT"
    wanted = {"source": archives.source("trixie.tar.gz")}
    planned = paper(check=True, **wanted)
    assert planned.rc == 0, planned
    assert seen(http) == archives.version("bookworm.tar.gz")
    outcome = paper(**wanted)
    assert outcome.rc == 0, outcome
    assert [change for change in changes(outcome) if "bring the tables from version" in change]
    assert seen(http) == archives.version("trixie.tar.gz")
    page = http("/", host=PAPER)
    assert page.header("X-Cache") == "MISS"
    assert ("A year of beans" in page.text, "It rains." in page.text, "Sand." in page.text) == (True, True, True)
    writer(PAPER, **LOGIN).publish("Another year")
    # The version before and the one that did not work have gone.
    folders = host.check_output("ls /srv/paper/code").split()
    assert before not in folders
    assert len([name for name in folders if re.fullmatch("[0-9a-f]{12}", name)]) == 1
    assert paper().changed == 0


def test_downgrade_is_refused(archives: Archives, host: Host, http: Http, paper: Paper) -> None:
    old, new = archives.version("bookworm.tar.gz"), archives.version("trixie.tar.gz")
    before = host.check_output("find /srv/paper/code -mindepth 1 -maxdepth 3 -printf '%p %T@ %l\n' | sort")
    outcome = paper(source=archives.source("bookworm.tar.gz"))
    assert outcome.rc != 0
    assert outcome.changed == 0
    assert f"WordPress 'paper': source: WordPress {old} is older than {new}, which is installed" in outcome.output
    assert host.check_output("find /srv/paper/code -mindepth 1 -maxdepth 3 -printf '%p %T@ %l\n' | sort") == before
    assert seen(http) == new


def test_all_that_is_wrong_is_named_before_anything_changes(
    archives: Archives, host: Host, http: Http, paper: Paper
) -> None:
    before = host.check_output("find /srv/paper/code -mindepth 1 -maxdepth 3 -printf '%p %T@ %l\n' | sort; ls -A /srv")
    rain, dunes = paper.entry["plugins"][0], paper.entry["themes"][0]
    host.check_output(f"echo 'It is not there' > {FOLDER}/page.tar.gz")
    outcome = paper(
        source=archives.source("trixie.tar.gz", "1" * 64),
        plugins=[
            rain,
            {"name": "snow", **archives.source("snow.tar.gz")},
            {"name": "page", **archives.source("page.tar.gz")},
            {"name": "dunes", "archive": dunes["archive"], "checksum": dunes["checksum"]},
        ],
        title="New",
    )
    assert outcome.rc != 0
    assert outcome.changed == 0
    for text in (
        f"source.archive: '{ADDRESS}/trixie.tar.gz' does not have the checksum of the entry: expected sha256:1111",
        f"plugins[1].archive: '{ADDRESS}/snow.tar.gz' cannot be fetched: HTTP Error 404",
        f"plugins[2].archive: '{ADDRESS}/page.tar.gz' cannot be used: it is not a tar or zip archive",
        f"plugins[3].archive: '{ADDRESS}/dunes.tar.gz' is no plugin",
    ):
        assert f"- WordPress 'paper': {text}" in outcome.output, outcome
    # On the host alone is known what it has.
    for wanted, text in (
        ({"memory_limit": "900000G"}, "memory_limit: a request may take 900000G, and this host has"),
        ({"theme": "dnues"}, "theme: there is no 'dnues' in its code, which has twentytwentyfive, twentytwentythree"),
    ):
        refused = paper(**wanted)
        assert (refused.rc != 0, refused.changed) == (True, 0)
        assert f"- WordPress 'paper': {text}" in refused.output, refused
    assert (
        host.check_output("find /srv/paper/code -mindepth 1 -maxdepth 3 -printf '%p %T@ %l\n' | sort; ls -A /srv")
        == before
    )
    assert http("/?fresh", host=PAPER).status == 200


def test_language_is_that_of_the_archive(paper: Paper) -> None:
    outcome = paper(language="de_DE")
    assert (outcome.rc != 0, outcome.changed) == (True, 0)
    assert f"source.archive: '{paper.entry['source']['archive']}' has no language 'de_DE'" in outcome.output


def test_another_archive_of_a_plugin_takes_its_place(archives: Archives, http: Http, paper: Paper) -> None:
    snow = {"name": "rain", **archives.make("rain-2.tar.gz", "rain-2.0", {"rain.php": PLUGIN.format(text="It snows.")})}
    # This one the control node has.
    snow["archive"] = str(archives.folder / "rain-2.tar.gz")
    assert "It rains." in [http("/", host=PAPER) for _time in range(2)][1].text
    assert http("/", host=PAPER).header("X-Cache") == "HIT"
    outcome = paper(plugins=[snow])
    assert outcome.rc == 0, outcome
    page = http("/", host=PAPER).text
    assert ("It snows." in page, "It rains." in page) == (True, False)
    assert paper().changed == 0


def test_what_leaves_the_list_goes(host: Host, http: Http, paper: Paper) -> None:
    outcome = paper(plugins=[{"name": "akismet"}], themes=[], theme="")
    assert outcome.rc == 0, outcome
    assert {
        "paper: deactivate plugin rain",
        "paper: activate plugin akismet",
        "paper: switch to theme twentytwentyfive",
    } <= {*changes(outcome)}
    page = http("/", host=PAPER)
    assert (page.status, "snows" in page.text, "Sand." in page.text) == (200, False, False)
    assert "twentytwentyfive" in page.text
    assert host.check_output("ls /srv/paper/code/plugins").split() == ["akismet", "index.php"]
    assert host.run("ls -d /srv/paper/code/*-*").rc != 0
    assert http("/wp-content/plugins/rain/rain.css", host=PAPER).status == 404
    assert paper().changed == 0


def test_theme_of_a_debian_package(http: Http, machine: Any, paper: Paper) -> None:
    name = {"debian12": "twentytwentytwo", "debian13": "twentytwentyfour"}[machine.name]
    refused = paper(themes=[{"name": name, "package": f"wordpress-theme-{name}s"}], theme=name)
    assert (refused.rc != 0, refused.changed) == (True, 0)
    assert f"- wordpress-theme-{name}s: WordPress 'paper': themes: wants it for '{name}'" in refused.output
    assert paper(themes=[{"name": name, "package": f"wordpress-theme-{name}"}], theme=name).rc == 0
    assert f"/wp-content/themes/{name}/" in http("/", host=PAPER).text
    assert http(f"/wp-content/themes/{name}/style.css", host=PAPER).status == 200
    assert paper(themes=[], theme="").rc == 0
    page = http("/", host=PAPER)
    assert (page.status, name in page.text) == (200, False)
    assert paper().changed == 0


def test_debians_package_and_back(archives: Archives, host: Host, http: Http, machine: Any, paper: Paper) -> None:
    outcome = paper(source=None)
    if machine.name == "debian12":
        assert (outcome.rc != 0, outcome.changed) == (True, 0)
        assert "is older than" in outcome.output
        return
    assert outcome.rc == 0, outcome
    assert "A year of beans" in http("/", host=PAPER).text
    assert http("/wp-login.php", host=PAPER).status == 200
    assert paper().changed == 0
    # Security updates may have made it newer than the other archive, to which there is no way back then.
    host.check_output(f"tar -chzf {FOLDER}/same.tar.gz -C /usr/share {LEFT_OUT} wordpress")
    outcome = paper(source=archives.source("same.tar.gz"))
    assert outcome.rc == 0, outcome.output
    assert "A year of beans" in http("/?fresh", host=PAPER).text
    assert paper().changed == 0


def test_removed_installation_keeps_its_tables_which_no_older_version_gets(
    archives: Archives, host: Host, paper: Paper
) -> None:
    entry = dict(paper.entry)
    assert paper.leave().rc == 0
    assert host.run("id paper").rc != 0
    assert not host.file("/srv/paper/code").exists
    assert host.check_output("mariadb -Ne \"SHOW DATABASES LIKE 'paper'\"") == "paper"
    refused = paper(**{**entry, "state": "present", "source": archives.source("bookworm.tar.gz")})
    assert (refused.rc != 0, refused.changed) == (True, 0)
    assert "the tables in database 'paper' are those of a newer WordPress" in refused.output
    assert not host.file("/srv/paper/code").exists
    assert paper.leave(remove_data=True).rc == 0
    assert (
        host.check_output("find /etc /run /srv /var/lib/barehost /var/log -path '*paper*' ! -path '*/published/*'")
        == ""
    )
    assert host.check_output("mariadb -Ne \"SHOW DATABASES LIKE 'paper'\"") == ""
