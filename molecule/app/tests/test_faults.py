# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever goes wrong before the switch, what is live stays live, and the next run makes it good."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from testinfra.host import Host

SLOW = {
    "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    '[project]\nname = "notes"\nversion = "1"\n',
    "backend.py": "import time\ntime.sleep(300)\n",
}


def test_a_broken_requirement(converge: Any, released: Any, host: Host, samples: Any) -> None:
    source = {"path": str(samples.code("notes"))}
    apps: list[dict[str, Any]] = [{"name": "notes", "source": source}, {"name": "other", "source": source}]
    assert converge(apps, app_purge=True).rc == 0
    live, before = released("notes").live, released("other").live
    samples.code("notes", "two")
    apps[0]["requirements"] = ["broken @ https://user:hush@127.0.0.1:9/broken-1-py3-none-any.whl"]
    outcome = converge(apps)
    assert outcome.rc != 0
    assert "1 of 4 apps could not be brought to the wanted state." in outcome.message
    assert "- app 'notes': installing the requirements of the entry failed" in outcome.message
    assert "127.0.0.1:9" in outcome.message
    assert f"Release {live} of 'notes' is live as before." in outcome.message
    assert "hush" not in outcome.output
    assert (released("notes").live, released("notes").answer()) == (live, "one")
    assert released("other").live != before, "the other app is released all the same"
    assert not host.file("/srv/notes/.build").exists


def test_a_wrong_checksum_and_an_unsafe_archive(converge: Any, host: Host, samples: Any) -> None:
    folder = samples.code("one")
    file, checksum = samples.archive("one")
    entry = {"name": "fetched", "source": {"archive": file, "checksum": f"sha256:{'0' * 64}"}}
    assert f"got {checksum}" in converge([entry]).message
    (folder / "passwords").symlink_to("/etc/passwd")
    file, checksum = samples.archive("one")
    entry = {"name": "fetched", "source": {"archive": file, "checksum": checksum}}
    message = converge([entry]).message
    assert "'passwords' is a symbolic link out of the source, to '/etc/passwd'" in message
    assert "No release of 'fetched' is live." in message
    assert not host.file("/srv/fetched/current").exists


def test_a_killed_build_is_made_good_by_the_next_run(converge: Any, released: Any, host: Host, samples: Any) -> None:
    folder = samples.code("notes")
    apps = [{"name": "notes", "source": {"path": str(folder)}}]
    assert converge(apps).rc == 0
    live = released("notes").live
    samples.write("notes", SLOW)
    with ThreadPoolExecutor(2) as pool:
        run = pool.submit(converge, apps)
        wait(host, "pgrep -u notes -f backend")
        told = re.search(r"Another run \(\S+, process (\d+), since", converge(apps, app_lock_timeout=2).message)
        # It would go on for as long as a build may take.
        holder = host.check_output("sed 's/.*process //; s/,.*//' /var/lib/barehost/release.lock")
        host.check_output(f"kill -KILL {holder}")
        assert told
        assert told[1] == holder
        assert run.result().rc != 0
    assert host.file("/srv/notes/.build").exists
    assert (released("notes").live, released("notes").answer()) == (live, "one")

    for name in SLOW:
        (folder / name).unlink()
    assert converge(apps, check=True).changed == 1
    assert converge(apps).changed == 1, "nothing to build, but something to clean up"
    assert converge(apps).changed == 0
    assert not host.file("/srv/notes/.build").exists
    assert host.run("pgrep -u notes").rc != 0
    samples.code("notes", "two")
    assert converge(apps).rc == 0
    assert released("notes").answer() == "two"


def wait(host: Host, command: str) -> None:
    """Wait until a command succeeds."""
    until = time.monotonic() + 60
    while host.run(command).rc:
        assert time.monotonic() < until, command
        time.sleep(0.2)


def test_a_build_that_takes_too_long(converge: Any, host: Host, samples: Any) -> None:
    samples.code("slow")
    folder = samples.write("slow", SLOW)
    entry = {"name": "slow", "source": {"path": str(folder)}}
    outcome = converge([entry], app_build_timeout=4, app_purge=True)
    assert "took more than 4 seconds" in outcome.message
    assert host.run("pgrep -u slow").rc != 0


def test_a_damaged_release_is_built_again(converge: Any, released: Any, host: Host, samples: Any) -> None:
    apps = [{"name": "notes", "source": {"path": str(samples.code("notes"))}}]
    assert converge(apps).rc == 0
    live = released("notes").live
    host.run("rm /srv/notes/current/.venv/bin/gunicorn")
    assert converge(apps).apps["notes"] == "released"
    assert released("notes").live != live
    host.run("rm /srv/notes/current")
    assert converge(apps).apps["notes"] == "switched"
