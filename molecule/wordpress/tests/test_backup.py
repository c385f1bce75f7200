# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was backed up comes back, whatever happened meanwhile; what is no backup of it touches nothing."""

from __future__ import annotations

import base64
import json
import re
import shlex
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from testbed.browser import Browser
from testbed.converge import converge as run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from testbed.converge import Outcome
    from testbed.http import Http
    from testinfra.host import Host

NOTES, SHOP = "notes.example.test", "example.test"
PROGRAM = "/usr/local/lib/barehost/wordpress_backup.py"
FOLDER = "/var/backups/barehost/notes"
JOURNAL = "/var/lib/barehost/restore/notes.json"
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
#: Rows that are of a moment: what WordPress keeps for a while, who is logged in, and what is scheduled.
PASSING = re.compile(r"'_(?:site_)?transient_|'session_tokens'|'cron',|'_edit_lock'")


@dataclass(frozen=True)
class Snapshot:
    """All rows of all tables, and all uploads with owner, rights, date and content."""

    rows: list[str]
    files: list[str]


@pytest.fixture
def snapshot(host: Host) -> Callable[..., Snapshot]:
    """Look at everything that an installation has."""

    def look(name: str = "notes") -> Snapshot:
        dump = f"mariadb-dump --skip-comments --skip-extended-insert --order-by-primary --compact --hex-blob {name}"
        rows = [
            re.sub(r"AUTO_INCREMENT=\d+ ", "", row)
            for row in host.check_output(dump).splitlines()
            if not PASSING.search(row)
        ]
        find = f"cd /srv/{name}/media && find . -type f -printf '%p %m %u %g %Ts\\n' -o -printf '%p %y %m %u %g\\n'"
        files = host.check_output(find).splitlines()
        sums = host.check_output(f"cd /srv/{name}/media && find . -type f -exec sha256sum {{}} + | sort").splitlines()
        assert len(rows) > 50
        return Snapshot(rows, sorted(files) + sums)

    return look


@pytest.fixture
def play(machine: Any) -> Callable[..., Outcome]:
    """Run a playbook, as its user does; the machine is looked after by the test itself."""

    def call(playbook: str, check: bool = False, verbose: bool = False, **variables: Any) -> Outcome:
        return run(machine.scenario, machine.name, variables, playbook=playbook, check=check, verbose=verbose)

    return call


@pytest.fixture
def back_up(host: Host) -> Callable[..., str]:
    """Back up on the host, and give the path of the archive."""

    def call(name: str = "notes") -> str:
        said = host.check_output(f"{PROGRAM} backup {name}")
        found = re.match(rf"{name}: (\S+) \(", said)
        assert found, said
        return found[1]

    return call


def restored(host: Host, archive: str, *flags: str) -> str:
    """Restore on the host, and give what it says of what was there before."""
    done = host.run(f"{PROGRAM} restore {' '.join(flags)} notes {archive}")
    assert done.rc == 0, done.stderr
    return done.stdout.strip().rpartition(" ")[2]


def left_behind(host: Host) -> str:
    """List what a restore has for itself only."""
    databases = "mariadb -Ne 'SHOW DATABASES' | grep : "
    accounts = "mariadb -Ne 'SELECT User FROM mysql.global_priv' | grep :"
    files = f"find /srv/*/restore {JOURNAL} {FOLDER}/.unfinished*"
    return host.run(f"{databases}; {accounts}; {files} 2>/dev/null").stdout


def test_mistakes_are_named_before_anything_is_done(play: Any, host: Host, snapshot: Any) -> None:
    before = snapshot()
    for playbook, given, message in (
        ("backup", {"wordpress": "nots"}, "no WordPress 'nots' in web_wordpress; did you mean 'notes'?"),
        ("restore", {}, "wordpress: names no WordPress"),
        ("restore", {"wordpress": "notes", "archive": "./nothing"}, "archive: no file or folder './nothing'"),
        ("restore", {"wordpress": "notes", "archive": "/nothing.tar.gz"}, "there is no file /nothing.tar.gz"),
    ):
        outcome = play(playbook, **given)
        assert outcome.rc != 0
        assert message in outcome.output
        assert outcome.changed == 0
    assert snapshot() == before
    assert left_behind(host) == ""


def test_nothing_is_done_where_only_a_look_was_wanted(play: Any, host: Host, snapshot: Any, back_up: Any) -> None:
    back_up()
    before, there = snapshot(), host.check_output(f"ls {FOLDER}")
    assert play("backup", check=True, wordpress="notes").rc == 0
    outcome = play("restore", check=True, wordpress="notes")
    assert outcome.rc == 0
    assert "would be restored" in outcome.output
    assert host.check_output(f"ls {FOLDER}") == there
    assert snapshot() == before


def write_much(host: Host, http: Http, somebody: Any) -> tuple[str, str]:
    """Write a post, a comment, a user, a setting and files; gives the paths of the post and of its picture."""
    post = somebody.publish("Leeks for winter - ä 🥬", "Sow in <b>March</b>. It's \\ 100 %")
    visitor = Browser(http, NOTES)
    said = {"comment": "So I did.", "author": "Ben", "email": "b@example.test", "url": ""}
    visitor.submit(visitor.get(urlsplit(post["link"]).path), said, form="wp-comments-post.php")
    named = {"Content-Disposition": 'attachment; filename="leek.png"'}
    picture = somebody.call("/media", PICTURE, "image/png", **named).json()
    ben = f"ben{time.time_ns()}"
    user = {"username": ben, "email": f"{ben}@example.test", "password": "a-long-password-of-ben"}
    assert somebody.call("/users", json.dumps(user)).status == 201
    assert somebody.call("/settings", json.dumps({"description": "What grows"})).status == 200
    odd = "cd /srv/notes/media/uploads && mkdir -p 'empty folder' && touch 'ünder score' && chmod 600 'ünder score'"
    host.check_output("runuser -u notes -- sh -c %s", f"{odd} && head -c 3000000 /dev/urandom > big.bin")
    return urlsplit(post["link"]).path, urlsplit(picture["source_url"]).path


def remove_all_of_it(converge: Any, host: Host, varied: Any) -> None:
    """Remove the installation with its data, and have it made anew, bare."""
    without = varied(key="web_wordpress", notes={"state": "absent"})
    site = {"name": "main", "domains": [SHOP], "routes": [{"path": "/blog", "wordpress": "shop"}]}
    assert converge({**without, "web_sites": [site], "web_remove_data": True}).rc == 0
    assert host.run(f"ls -d /srv/notes {FOLDER} /var/lib/systemd/timers/stamp-*@notes.timer").stdout == ""
    assert host.check_output("mariadb -Ne \"SHOW DATABASES LIKE 'notes'\"") == ""
    assert converge().rc == 0


def test_what_was_backed_up_comes_back_on_a_bare_host(
    *, play: Any, converge: Any, host: Host, http: Http, writer: Any, snapshot: Any, varied: Any, tmp_path: Path
) -> None:
    somebody = writer(NOTES)
    post, picture = write_much(host, http, somebody)
    password = host.check_output("cat /etc/barehost/wordpress/notes.password")
    keys = host.check_output("cat /etc/wordpress/notes.keys.php")

    outcome = play("backup", wordpress="notes", fetch=str(tmp_path), verbose=True)
    assert outcome.rc == 0, outcome
    (archive,) = tmp_path.glob("*/notes/*.tar.gz")
    assert [path.stat().st_mode & 0o77 for path in (archive, archive.parent)] == [0, 0]
    before = snapshot()

    remove_all_of_it(converge, host, varied)
    assert http(post, host=NOTES).status == 404
    assert host.check_output("cat /etc/barehost/wordpress/notes.password") != password

    outcome = play("restore", wordpress="notes", archive=str(tmp_path), verbose=True)
    assert outcome.rc == 0, outcome
    assert snapshot() == before
    assert "Leeks for winter" in http("/", host=NOTES).text
    assert "<b>March</b>" in http(post, host=NOTES).text
    assert http(picture, host=NOTES).body == PICTURE
    assert host.check_output("cat /etc/barehost/wordpress/notes.password") == password
    assert host.check_output("cat /etc/wordpress/notes.keys.php") == keys
    assert left_behind(host) == ""
    # Who was logged in still is, and who was not gets in by the old password.
    assert "wp-admin-bar" in somebody.browser.get("/").text
    writer(NOTES)
    assert converge().changed == 0
    told = outcome.output + json.dumps([task.result for task in outcome.tasks])
    secret = [password, *re.findall(r"', '(.{64})'", keys)]
    assert len(secret) == 9
    assert [word for word in secret if word in told] == []


def test_a_restore_can_be_undone(host: Host, http: Http, writer: Any, snapshot: Any, back_up: Any) -> None:
    host.check_output("rm -f /srv/notes/media/uploads/new.txt")
    first = back_up()
    somebody = writer(NOTES)
    title = f"Not to be lost {time.time_ns()}"
    post = urlsplit(somebody.publish(title)["link"]).path
    host.check_output("runuser -u notes -- sh -c 'echo new > /srv/notes/media/uploads/new.txt'")
    second = snapshot()
    # nginx keeps the page.
    assert title in [http("/", host=NOTES).text for _time in range(2)][1]
    kept = restored(host, first)
    assert [http(path, host=NOTES).status for path in (post, "/wp-content/uploads/new.txt")] == [404, 404]
    assert title not in http("/", host=NOTES).text
    restored(host, kept)
    assert snapshot() == second
    assert [http(path, host=NOTES).status for path in (post, "/wp-content/uploads/new.txt")] == [200, 200]
    assert left_behind(host) == ""
    # PHP knows the new uploads.
    named = {"Content-Disposition": 'attachment; filename="dot.png"'}
    assert somebody.call("/media", PICTURE, "image/png", **named).status == 201


def test_restore_ends_an_installation_that_was_never_finished(
    converge: Any, host: Host, snapshot: Any, back_up: Any
) -> None:
    archive, before = back_up(), snapshot()
    host.check_output("touch /var/lib/barehost/wordpress/notes")
    host.check_output("mariadb notes -e 'DROP TABLE wp_users, wp_options'")
    restored(host, archive)
    assert converge().changed == 0
    assert snapshot() == before


#: Writes an archive like another one, but for what it says to the database; its checksums are right.
FORGE = """
import io, sys
sys.path.insert(0, "/usr/local/lib/barehost")
import wordpress_backup as program
source, more = sys.argv[1:]
found = {}
with open(source, "rb") as file:
    manifest = program.read_archive(file, lambda info, content: found.__setitem__(info.name, content.read()))
folders, manifest.folders, manifest.members = manifest.folders, {}, {}
found["database.sql"] += more.encode()
with open("/tmp/bad.tar.gz", "wb") as file, program.writing(file, manifest, program.Progress("")) as writer:
    for name, mode in folders.items():
        writer.folder(name, mode)
    for name, text in found.items():
        writer.add(name, io.BytesIO(text), len(text))
"""


@pytest.mark.parametrize(
    "more",
    [
        "\\! touch /tmp/owned\n",
        "system touch /tmp/owned\n",
        "SELECT 1 INTO OUTFILE '/var/lib/mysql/owned';\n",
        "DROP TABLE notes.wp_posts;\n",
        "USE notes; DELETE FROM wp_posts;\n",
        "DROP DATABASE shop;\n",
        "CREATE USER owned@localhost;\n",
        "CREATE TABLE wp_owned (id INT);\n",
    ],
)
def test_what_an_archive_says_reaches_nothing_else(host: Host, snapshot: Any, back_up: Any, more: str) -> None:
    host.check_output("python3 -B -c %s %s %s", FORGE, back_up(), more)
    before, shop = snapshot(), snapshot("shop")
    done = host.run(f"{PROGRAM} restore notes /tmp/bad.tar.gz")
    assert done.rc == 1
    assert "its database" in done.stderr
    assert (snapshot(), snapshot("shop")) == (before, shop)
    assert left_behind(host) == ""
    assert host.run("find / -xdev -name '*owned*' -newer /tmp/bad.tar.gz 2>/dev/null").stdout == ""
    assert host.check_output("mariadb -Ne \"SELECT User FROM mysql.global_priv WHERE User = 'owned'\"") == ""


def test_table_that_was_made_since_goes_and_one_that_went_comes_back(host: Host, snapshot: Any, back_up: Any) -> None:
    table = "CREATE TABLE wp_plugin (id INT PRIMARY KEY, data BLOB); INSERT INTO wp_plugin VALUES (1, 0x00ff0a0d1a27)"
    host.check_output(f"mariadb notes -e '{table}'")
    archive, before = back_up(), snapshot()
    host.check_output("mariadb notes -e 'DROP TABLE wp_plugin, wp_links; CREATE TABLE wp_other (id INT)'")
    kept = restored(host, archive)
    assert snapshot() == before
    restored(host, kept)
    assert host.check_output("mariadb notes -Ne \"SHOW TABLES LIKE 'wp_links'\"") == ""
    restored(host, archive)
    assert snapshot() == before
    host.check_output("mariadb notes -e 'DROP TABLE wp_plugin'")


def test_visitors_see_the_old_or_the_new_or_a_short_break(host: Host, http: Http, back_up: Any) -> None:
    archive = back_up()
    with http.watch("/?fresh", host=NOTES, interval=0.005, least=21) as seen:
        restored(host, archive)
        time.sleep(1)
    assert {answer.status for answer in seen.failures} <= {503}
    assert all("short break" in answer.text for answer in seen.failures)
    assert http("/?fresh", host=NOTES).status == 200


#: A page that takes four seconds between two questions to the database.
SLOW = """<?php
add_action('init', function () {
    if (isset($_GET['slow'])) {
        sleep(4);
        $GLOBALS['wpdb']->get_var('SELECT 1');
    }
});
"""


def test_page_that_is_being_made_is_finished(host: Host, http: Http, back_up: Any, busy: Any) -> None:
    archive, plugin = back_up(), "/srv/notes/content/mu-plugins/slow.php"
    host.check_output(f"echo {shlex.quote(SLOW)} >{plugin}")
    with ThreadPoolExecutor() as pool:
        page = pool.submit(http, "/?slow", host=NOTES, timeout=60)
        time.sleep(busy())
        restored(host, archive)
        answer = page.result()
    host.check_output(f"rm {plugin}")
    assert answer.status == 200, answer
    assert answer.seconds < 9 * busy()


SPOIL = {
    # A byte that certainly is another one then.
    "damaged": 'python3 -c \'data = bytearray(open("{archive}", "rb").read()); data[5000] ^= 255; '
    'open("/tmp/bad.tar.gz", "wb").write(data)\'',
    "cut off": "head -c -100 {archive} > /tmp/bad.tar.gz",
    "empty": ": > /tmp/bad.tar.gz",
    "foreign": "tar -czf /tmp/bad.tar.gz /etc/hostname",
    "of another": f"cp $({PROGRAM} backup shop | cut -d' ' -f2) /tmp/bad.tar.gz",
    "changed inside": (
        "rm -rf /tmp/open && mkdir /tmp/open && cd /tmp/open && tar -xzf {archive} && echo DROP >> database.sql && "
        "(printf 'database.sql\\0secrets/keys.php\\0secrets/password\\0'; find media -print0 | sort -z; "
        "printf 'MANIFEST.json\\0') | tar -czf /tmp/bad.tar.gz --no-recursion --null --files-from=-"
    ),
}


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        # What is wrong with it depends on what the byte was.
        ("damaged", "Take a"),
        ("cut off", "damaged"),
        ("empty", "damaged"),
        ("foreign", "is not known"),
        ("of another", "it is a backup of 'shop', not of 'notes'"),
        ("changed inside", "is not what it was"),
    ],
)
def test_archive_that_is_not_right_touches_nothing(
    host: Host, snapshot: Any, back_up: Any, *, how: str, reason: str
) -> None:
    host.check_output(SPOIL[how].format(archive=back_up()))
    before, there = snapshot(), host.check_output(f"ls -A {FOLDER}")
    php = host.check_output("systemctl show --property=MainPID --value php_fpm@notes.service")
    done = host.run(f"{PROGRAM} restore notes /tmp/bad.tar.gz")
    assert done.rc == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert snapshot() == before
    assert host.check_output(f"ls -A {FOLDER}") == there
    assert host.check_output("systemctl show --property=MainPID --value php_fpm@notes.service") == php
    assert left_behind(host) == ""


def test_content_of_another_is_taken_where_that_is_said(host: Host, http: Http, back_up: Any) -> None:
    archive = back_up("shop")
    done = host.run(f"{PROGRAM} restore --from shop notes {archive}")
    assert done.rc == 1
    assert f"its address is http://{SHOP}/blog, that of the entry is http://{NOTES}" in done.stderr
    kept = restored(host, archive, "--from shop", "--new-address")
    assert "Kleiner Laden" in http("/?fresh", host=NOTES).text
    restored(host, kept)


#: Restores, and collects the arguments of all processes meanwhile.
WATCHED = """
import pathlib, subprocess, sys
words = set()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
while process.poll() is None:
    for file in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words.add(file.read_text(errors="replace").replace("\\0", " "))
        except OSError:
            pass
print(*words, sep="\\n")
sys.exit(process.returncode)
"""


def test_arguments_of_processes_tell_nothing_secret(host: Host, back_up: Any) -> None:
    command = ["python3", "-c", WATCHED, PROGRAM, "restore", "notes", back_up()]
    seen = host.check_output(shlex.join(command)).splitlines()
    assert [line for line in seen if line.startswith("mariadb")], seen
    assert not [line for line in seen if "IDENTIFIED" in line or "MYSQL_PWD" in line]


#: Restores, and dies, as by SIGKILL, right before or after the first call of one of the program's functions.
KILLED = """
import importlib.machinery, importlib.util, os, signal, sys
program, moment, function, archive = sys.argv[1:]
loader = importlib.machinery.SourceFileLoader("program", program)
module = sys.modules["program"] = importlib.util.module_from_spec(importlib.util.spec_from_loader("program", loader))
loader.exec_module(module)
holder, _, name = function.rpartition(".")
holder = getattr(module, holder) if holder else module
original = getattr(holder, name)
def last(*arguments, **options):
    if moment == "after":
        original(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(holder, name, last)
sys.argv = [program, "restore", "notes", archive]
sys.exit(module.main())
"""


@pytest.mark.parametrize(
    ("moment", "function", "live", "way"),
    [
        ("after", "Stage.prepare", "old", "converge"),
        # MariaDB's client still works on what it was given.
        ("after", "shutil.copyfileobj", "old", "repair"),
        ("before", "close", "new", "converge"),
        ("after", "swap_tables", "new", "repair"),
        ("after", "swap_media", "new", "converge"),
        ("before", "let_in", "new", "repair"),
        ("after", "Database.dump", "new", "converge"),
        ("after", "keep_replaced", "new", "repair"),
        ("before", "shutil.rmtree", "new", "converge"),
    ],
)
def test_killed_restore_is_repaired(
    converge: Any,
    host: Host,
    http: Http,
    snapshot: Any,
    back_up: Any,
    *,
    moment: str,
    function: str,
    live: str,
    way: str,
) -> None:
    host.check_output("runuser -u notes -- sh -c 'echo first > /srv/notes/media/uploads/note.txt'")
    archive, new = back_up(), snapshot()
    host.check_output("runuser -u notes -- sh -c 'echo second > /srv/notes/media/uploads/note.txt'")
    host.check_output("mariadb notes -e \"UPDATE wp_posts SET post_title = 'Second' WHERE ID = 1\"")
    old, there = snapshot(), {*host.check_output(f"ls {FOLDER}").split()}
    killed = host.run(shlex.join(["python3", "-c", KILLED, PROGRAM, moment, function, archive]))
    assert killed.rc == 128 + signal.SIGKILL, killed.stderr
    assert left_behind(host) != ""
    # The one by the next run, the other by hand.
    repaired = converge() if way == "converge" else host.run(f"{PROGRAM} repair")
    assert repaired.rc == 0, repaired
    assert left_behind(host) == ""
    assert snapshot() == {"old": old, "new": new}[live]
    assert http("/?fresh", host=NOTES).status == 200
    assert host.check_output("systemctl is-active wordpress-cron@notes.timer") == "active"
    if live == "new":
        (kept,) = {*host.check_output(f"ls {FOLDER}").split()} - there
        restored(host, kept)
        assert snapshot() == old


def test_timer_backs_up_and_keeps_what_was_asked(host: Host, back_up: Any) -> None:
    assert host.check_output("systemctl is-active wordpress-backup@notes.timer") == "active"
    assert host.check_output("systemctl show --property=NextElapseUSecRealtime --value wordpress-backup@notes.timer")
    assert host.run("systemctl is-active wordpress-backup@shop.timer").stdout.strip() == "inactive"
    mine = back_up()
    host.check_output(f"touch {FOLDER}/.unfinished-20261101T000000Z.tar.gz")
    for _time in range(4):
        assert host.run("systemctl start wordpress-backup@notes.service").rc == 0
        time.sleep(1)
    scheduled = sorted(host.check_output(f"ls {FOLDER}/*-scheduled.tar.gz").split())
    assert len(scheduled) == 2
    assert host.file(mine).exists
    assert host.run(f"ls {FOLDER}/.unfinished*").stdout == ""
    assert host.run(f"{PROGRAM} verify {scheduled[-1]}").rc == 0
    assert host.check_output(f"find {FOLDER} -perm /o=rwx -o -perm /g=rwx") == ""
    assert host.check_output("stat -c %a:%U /var/backups/barehost") == "700:root"


def test_old_archives_stay_when_a_new_one_cannot_be_made(host: Host) -> None:
    before = host.check_output(f"ls {FOLDER}")
    host.check_output("systemctl stop mariadb")
    failed = host.run("systemctl start wordpress-backup@notes.service").rc
    host.check_output("systemctl start mariadb")
    host.check_output("systemctl reset-failed wordpress-backup@notes.service")
    assert failed
    assert host.check_output(f"ls {FOLDER}") == before


def test_exposure_of_the_backup_is_at_most_what_was_asked(host: Host) -> None:
    done = host.run("systemd-analyze security --no-pager --threshold=12 wordpress-backup@notes.service")
    assert done.rc == 0, done.stdout


def test_timer_goes_with_its_option(converge: Any, host: Host, varied: Any) -> None:
    assert converge(varied(key="web_wordpress", notes={"backup": None})).rc == 0
    assert host.run("systemctl is-active wordpress-backup@notes.timer").stdout.strip() == "inactive"
    assert host.run(f"ls {FOLDER}/*-scheduled.tar.gz").rc == 0


def test_wrong_schedule_is_named_before_anything_changes(converge: Any, varied: Any) -> None:
    outcome = converge(varied(key="web_wordpress", notes={"backup": {"schedule": "every night"}}))
    assert outcome.rc != 0
    assert "web_wordpress[0].backup.schedule: 'every night' is no calendar event" in outcome.output
    assert outcome.changed == 0
