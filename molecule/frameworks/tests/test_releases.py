# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Another release: what stays, what a broken migration does, and that no secret gets out on the way."""

from __future__ import annotations

import copy
import json
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from testbed.podman import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.browser import Browser
    from testbed.http import Http
    from testinfra.host import Host

SITE = "example.test"
INVENTORY: dict[str, Any] = yaml.safe_load((ROOT / "inventory/frameworks/group_vars/web.yml").read_text())
SECRETS = [value for name, value in INVENTORY.items() if name.startswith("frameworks_")]
BROKEN = '''"""A migration that fails after it has changed something, and talks too much."""

import os

from django.db import migrations


def fail(apps, _editor):
    apps.get_model("polls", "Question").objects.all().delete()
    print(dict(os.environ))
    raise RuntimeError("the column is not there, key " + os.environ["POLLS_SECRET_KEY"])


class Migration(migrations.Migration):
    dependencies = [("polls", "0001_initial")]
    operations = [migrations.RunPython(fail)]
'''


def model(**changes: Any) -> dict[str, Any]:
    """The model of the inventory; ``polls={…}`` changes the entry of that name."""
    changed = {key: copy.deepcopy(INVENTORY[key]) for key in ("web_apps", "web_sites")}
    for entry in [*changed["web_apps"], *changed["web_sites"]]:
        entry.update(changes.get(entry["name"], {}))
    return changed


def live(host: Host, app: str) -> str:
    """The id of the live release."""
    return str(host.check_output(f"readlink /srv/{app}/current")).removeprefix("releases/")


def started(host: Host, app: str) -> str:
    """When the app's processes were started."""
    return str(host.check_output(f"systemctl show -p MainPID -p ActiveEnterTimestampMonotonic gunicorn@{app}"))


@pytest.fixture
def code(tmp_path: Path) -> Callable[[str], Path]:
    """Copy the code of an example, to be changed."""

    def copied(example: str) -> Path:
        ignored = shutil.ignore_patterns("__pycache__")
        return Path(shutil.copytree(ROOT / "examples" / example, tmp_path / example, ignore=ignored))

    return copied


def test_data_and_sessions_survive_another_release(
    *,
    host: Host,
    http: Http,
    converge: Any,
    code: Callable[[str], Path],
    author: Browser,
    admin: Browser,
    question: str,
) -> None:
    title = f"Before, {secrets.token_hex(4)}"
    author.submit(author.get("/diary/write"), {"title": title}, form="write")
    before = [live(host, app) for app in ("diary", "polls")]
    changed = {example: code(example) for example in ("journal", "polls")}
    for style in ("journal/journal/static/style.css", "polls/polls/static/polls/style.css"):
        with (changed["journal"].parent / style).open("a", encoding="utf-8") as file:
            file.write("/* another release */\n")
    with http.watch("/polls/", host=SITE) as polls, http.watch("/diary/", host=SITE) as diary:
        sources = {"diary": {"source": {"path": str(changed["journal"])}}}
        outcome = converge(model(**sources, polls={"source": {"path": str(changed["polls"])}}))
    assert outcome.rc == 0, outcome
    assert [live(host, app) for app in ("diary", "polls")] != before
    assert (polls.failures, diary.failures) == ([], [])

    page = author.get("/diary/")
    assert title in page.text
    assert "Log out" in page.text
    assert question in admin.get("/polls/admin/polls/question/").text
    for shown in (page, admin.get("/polls/")):
        (style,) = shown.styles
        assert "/* another release */" in author.get(style).text


def test_a_failing_migration_leaves_the_old_release(
    *, host: Host, http: Http, converge: Any, code: Callable[[str], Path], visitor: Callable[[], Browser], question: str
) -> None:
    changed = code("polls")
    (changed / "polls/migrations/0002_broken.py").write_text(BROKEN, encoding="utf-8")
    before = live(host, "polls"), started(host, "polls")
    with http.watch("/polls/", host=SITE) as seen:
        outcome = converge(model(polls={"source": {"path": str(changed)}}))
    assert outcome.rc != 0
    assert seen.failures == []
    message = str(outcome.task("barehost.web.release").result["msg"])
    assert "- app 'polls': command 'python manage.py migrate --noinput' failed (exit status 1):" in message
    assert "RuntimeError: the column is not there, key ***" in message
    assert f"Release {before[0]} of 'polls' is live as before." in message
    assert [secret for secret in SECRETS if secret in outcome.output] == []
    assert (live(host, "polls"), started(host, "polls")) == before
    assert not host.file("/srv/polls/.build").exists
    assert question in visitor().get("/polls/").text, "the database is as it was"


def test_secrets_are_shown_nowhere(host: Host, converge: Any) -> None:
    other = "made-up-key-of-another-day"
    outcome = converge({"frameworks_polls_secret_key": other}, check=True)
    assert outcome.rc == 0, outcome
    assert outcome.changed > 0
    told = outcome.output + json.dumps([task.result for task in outcome.tasks])
    told += host.check_output("journalctl --no-pager -o cat")
    assert [secret for secret in (*SECRETS, other) if secret in told] == []
    readable = host.run("runuser -u nobody -- grep -rlsF made-up- /etc /srv /var /run /opt /tmp /root /home")
    assert readable.stdout == ""


def test_absent_leaves_the_data_and_nothing_else(
    host: Host, converge: Any, author: Browser, admin: Browser, question: str
) -> None:
    title = f"Kept, {secrets.token_hex(4)}"
    author.submit(author.get("/diary/write"), {"title": title}, form="write")
    gone = {"state": "absent"}
    outcome = converge(model(diary=gone, polls=gone, main=gone))
    assert outcome.rc == 0, outcome
    assert host.run("getent passwd diary polls").stdout == ""
    named = "find / -xdev \\( -path /proc -o -path /sys -o -path /usr -o -path '/var/lib/dpkg*' \\) -prune -o"
    found = host.check_output(f"{named} -regex '.*[@/.]\\(diary\\|polls\\)\\([@/.].*\\)?' -print | sort").split()
    folders = ["/var/lib/diary", "/var/lib/diary/journal.sqlite3", "/var/lib/polls", "/var/lib/polls/polls.sqlite3"]
    assert found == folders
    kept = host.check_output("stat -c '%U %a' /var/lib/diary /var/lib/polls").splitlines()
    assert kept == ["root 700"] * 2, "whoever gets the number of the user next does not get its data"
    assert host.check_output("systemctl list-units --all --no-legend '*diary*' '*polls*'") == ""

    # Takes the number that one of the apps had.
    host.check_output("useradd --system --no-create-home between")
    outcome = converge()
    host.check_output("userdel between")
    assert outcome.rc == 0, outcome
    assert title in author.get("/diary/").text
    assert question in admin.get("/polls/admin/polls/question/").text
    page = author.submit(author.get("/diary/write"), {"title": f"And {title}"}, form="write")
    assert f"And {title}" in page.text, "the new user can write the old data"
