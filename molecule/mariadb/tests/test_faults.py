# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server goes on, or comes back, whatever happens to it; its sandbox is tight and not too tight."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from testinfra.host import Host

KILL = """
import os, signal, subprocess, sys, time
os.kill(int(sys.argv[1]), signal.SIGKILL)
start = time.monotonic()
while subprocess.run(["mariadb", "--execute=SELECT 1"], capture_output=True).returncode:
    assert time.monotonic() - start < 60
    time.sleep(0.05)
print(time.monotonic() - start)
"""
# The first start makes the folder of the data. End that in the middle, and the run that has asked for it.
END = """
import os, pathlib, signal, time
def running(program, word):
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode().split("\\0")
        except OSError:
            continue
        if words[0].endswith(program) and word in words and int(path.parent.name) != os.getpid():
            yield int(path.parent.name)
until = time.monotonic() + 60
while not pathlib.Path("/var/lib/mysql/ibdata1").exists() and time.monotonic() < until:
    time.sleep(0.001)
for process in [*running("python3", ""), *running("mariadbd", "--bootstrap")]:
    os.kill(process, signal.SIGKILL)
    print(process)
"""


def test_killed_server_is_back_within_five_seconds(host: Host, rows: Any, server: Any, busy: Any) -> None:
    rows("journal", "CREATE OR REPLACE TABLE safe (n INT); INSERT INTO safe VALUES (1)", "journal")
    assert float(host.check_output("python3 -c %s %s", KILL, str(server()))) < 5 * busy()
    assert rows("journal", "SELECT n FROM safe", "journal") == ["1"]


def test_first_run_that_is_killed_is_made_good(converge: Any, host: Host, rows: Any) -> None:
    host.check_output("systemctl stop mariadb && rm -rf /var/lib/mysql/* /var/lib/mysql.*")
    killer = threading.Thread(target=host.check_output, args=("python3 -c %s", END))
    killer.start()
    outcome = converge()
    killer.join()
    assert outcome.rc != 0
    left = host.check_output("ls /var/lib/mysql").split()
    assert left != []
    outcome = converge()
    assert outcome.rc == 0, outcome
    assert rows("journal", "SELECT DATABASE()", "journal") == ["journal"]
    assert {*left} <= {*host.check_output("ls /var/lib/mysql.*").split()}


def test_data_that_was_in_use_is_never_made_anew(converge: Any, host: Host, rows: Any) -> None:
    rows("journal", "CREATE OR REPLACE TABLE dear (n INT); INSERT INTO dear VALUES (1)", "journal")
    host.check_output("systemctl stop mariadb && touch /var/lib/barehost/mariadb/never-answered")
    assert converge().rc == 0
    assert rows("journal", "SELECT n FROM dear", "journal") == ["1"]


def test_exposure_is_at_most_what_was_reached(host: Host) -> None:
    done = host.run("systemd-analyze security --no-pager --threshold=6 mariadb.service")
    assert done.rc == 0, done.stdout


def test_unit_files_are_sound(host: Host) -> None:
    done = host.run("systemd-analyze verify --man=no mariadb.service")
    assert (done.rc, done.stdout + done.stderr) == (0, "")


def test_sandbox_leaves_the_server_what_it_needs(rows: Any) -> None:
    rows("journal", "CREATE OR REPLACE TABLE words (w TEXT, FULLTEXT (w)) ENGINE=Aria", "journal")
    rows("journal", "INSERT INTO words VALUES ('a house'), ('a horse')", "journal")
    assert rows("journal", "SELECT w FROM words WHERE w REGEXP '^a ho[r]se$'", "journal") == ["a horse"]
    assert rows("journal", "REPAIR TABLE words", "journal") == ["journal.words\trepair\tstatus\tOK"]
    assert rows("journal", "ALTER TABLE words ENGINE=InnoDB; OPTIMIZE TABLE words; CHECK TABLE words", "journal")[
        -1
    ].endswith("OK")
    big = "SELECT COUNT(*) FROM (SELECT DISTINCT UUID() FROM seq_1_to_50000 a) x"
    assert rows("journal", big, "journal") == ["50000"]
