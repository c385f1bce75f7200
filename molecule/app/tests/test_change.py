# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run changes, and what it leaves alone."""

from __future__ import annotations

from typing import Any

from testinfra.host import Host


def test_the_calls_are_a_constant(converge: Any) -> None:
    outcome = converge()
    assert outcome.changed == 0
    assert [task.action for task in outcome.tasks] == ["barehost.web.publish", "barehost.web.release"]
    idle = converge(app_apps=[])
    assert [(task.action, task.status) for task in idle.tasks] == [("barehost.web.publish", "ok")]


def test_a_change_releases_one_app_and_a_revert_builds_nothing(
    converge: Any, released: Any, host: Host, samples: Any
) -> None:
    folder = samples.code("notes")
    samples.write("notes", {"static/same.css": "same", "static/other.css": "one"})
    apps = [{"name": "notes", "source": {"path": str(folder)}}]
    assert converge(apps, app_purge=True).apps["notes"] == "released"
    app, util = released("notes"), released("util").live
    first, times = app.live, app.run("stat -c %Y /srv/notes/current/static/*").stdout.split()
    host.run("rm -f /var/lib/barehost/marks/*")

    samples.code("notes", "two")
    samples.write("notes", {"static/other.css": "two"})
    outcome = converge(apps)
    assert outcome.apps["notes"] == "released"
    assert outcome.apps["util"] == "unchanged"
    assert (app.answer(), released("util").live) == ("two", util)
    assert host.check_output("ls /var/lib/barehost/marks") == "gunicorn@notes.service"
    assert host.file("/var/lib/barehost/marks/gunicorn@notes.service").content_string == "restart"
    now = app.run("stat -c %Y /srv/notes/current/static/*").stdout.split()
    assert (now[0] != times[0], now[1] == times[1]) == (True, True), "only what changed has another time"

    samples.code("notes", "one")
    samples.write("notes", {"static/other.css": "one"})
    assert converge(apps).apps["notes"] == "switched"
    assert app.live == first


def test_check_mode_tells_and_changes_nothing(converge: Any, host: Host, samples: Any) -> None:
    apps = [{"name": "fresh", "source": {"path": str(samples.code("fresh"))}, "python": "3.99"}]
    apps.append({"name": "cloned", "source": {"git": "https://git.example.test/x.git", "version": "v1"}})
    outcome = converge(apps, check=True)
    assert outcome.apps["fresh"] == outcome.apps["cloned"] == "released"
    assert "+wsgi.py" in outcome.output
    assert not host.file("/srv/fresh").exists
    assert not host.user("fresh").exists
    assert not host.file("/var/cache/barehost/cloned").exists


def test_old_releases_go(converge: Any, released: Any, samples: Any) -> None:
    seen: list[str] = []
    for answer in ("a", "b", "c", "d"):
        apps = [{"name": "notes", "source": {"path": str(samples.code("notes", answer))}, "keep_releases": 2}]
        apps[0]["server"] = "none"  # nothing to build
        assert converge(apps, app_purge=True).apps["notes"] == "released"
        seen.append(released("notes").live)
    assert released("notes").ids == seen[-2:]


def test_absent_leaves_nothing(converge: Any, host: Host, samples: Any) -> None:
    apps = [{"name": "notes", "source": {"path": str(samples.code("notes"))}, "environment": {"A": "b"}}]
    assert converge(apps).rc == 0
    gone = [{"name": "notes", "state": "absent"}]
    assert converge(gone, check=True).changed > 0
    assert converge(gone).released["removed"] == ["notes"]
    assert not host.user("notes").exists
    assert (
        host.check_output(
            "find /srv /etc /var /run /opt -xdev -name 'notes*' -not -path '/var/log/*' -not -path '/srv/git/*'"
        )
        == ""
    )
    assert converge(gone).changed == 0


def test_what_left_the_model_is_listed_and_removed_when_asked_for(converge: Any, host: Host, samples: Any) -> None:
    apps = [{"name": "notes", "source": {"path": str(samples.code("notes"))}}]
    assert converge(apps).rc == 0
    outcome = converge()
    assert "notes" in outcome.released["orphans"]
    assert outcome.changed == 0
    assert host.user("notes").exists
    assert "notes" in converge(app_purge=True).released["removed"]
    assert not host.user("notes").exists
    assert host.user("util").exists


def test_a_folder_of_somebody_else_is_left_alone(converge: Any, host: Host, samples: Any) -> None:
    host.run("mkdir -p /srv/photos && touch /srv/photos/mine")
    outcome = converge([{"name": "photos", "source": {"path": str(samples.code("photos"))}}])
    assert "/srv/photos is there already" in outcome.message
    assert converge([{"name": "photos", "state": "absent"}]).rc == 0
    assert host.check_output("ls /srv/photos") == "mine"
    host.run("rm -r /srv/photos")
