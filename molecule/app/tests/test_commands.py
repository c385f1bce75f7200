# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands of a release see what the app will see, write where they may, and stop a release that fails."""

from __future__ import annotations

import json
from typing import Any

import pytest
from testinfra.host import Host

# Tells what a command is and sees, and tries to write everywhere.
PROBE = """import json, os, pathlib, pwd, sys
state = pathlib.Path("/var/lib/notes")
with (state / "log").open("a") as log:
    print(*sys.argv[1:], file=log)
wrote = []
for place in "/etc /srv /srv/notes /srv/notes/releases /var/lib /var/cache/barehost/notes /opt .".split():
    try:
        pathlib.Path(place, "touched").touch()
        wrote.append(place)
    except OSError:
        pass
seen = {
    "user": pwd.getpwuid(os.getuid()).pw_name,
    "home": os.environ["HOME"],
    "python": sys.executable,
    "here": os.getcwd(),
    "greeting": os.environ["GREETING"],
    "path": os.environ["PATH"],
    "wrote": wrote,
    "private": list(map(str, pathlib.Path("/tmp").iterdir())),
    "words": sys.argv[1:],
}
pathlib.Path("made/deep").mkdir(parents=True, exist_ok=True)
pathlib.Path("made/deep/seen.json").write_text(json.dumps(seen))
"""
TALKS = """import os
print("before\\n" * 50)
print("the token is", os.environ["TOKEN"], "and the greeting", os.environ["GREETING"])
raise SystemExit(7)
"""
HUSH = "hush-hush"


@pytest.fixture
def entry(samples: Any) -> dict[str, Any]:
    """An app with a command."""
    samples.code("notes")
    samples.write("notes", {"probe.py": PROBE, "talks.py": TALKS, "web/style.css": "p {}", "web/deep/x.css": "a {}"})
    return {
        "name": "notes",
        "source": {"path": str(samples.folder / "notes")},
        "environment": {"GREETING": "Good day", "TOKEN": HUSH},
        "commands": ["python probe.py first", "python probe.py 'two words' $HOME"],
    }


def test_a_command_sees_what_the_app_sees(converge: Any, released: Any, host: Host, entry: dict[str, Any]) -> None:
    host.check_output("rm -rf /var/lib/notes; touch /tmp/of-somebody")
    assert converge([entry], app_purge=True).apps["notes"] == "released"
    seen = json.loads(released("notes").file("made/deep/seen.json"))
    assert (seen["user"], seen["home"], seen["greeting"]) == ("notes", "/srv/notes", "Good day")
    assert seen["python"] == "/srv/notes/.build/source/.venv/bin/python"
    assert seen["path"].startswith("/srv/notes/.build/source/.venv/bin:/usr/local/bin:")
    assert (seen["here"], seen["wrote"]) == ("/srv/notes/.build/source", ["."])
    assert seen["words"] == ["two words", "$HOME"], "there is no shell"
    assert not [name for name in seen["private"] if "of-somebody" in name]
    assert host.check_output("cat /var/lib/notes/log") == "first\ntwo words $HOME"
    state, log = host.file("/var/lib/notes"), host.file("/var/lib/notes/log")
    assert (state.user, state.group, state.mode) == ("notes", "notes", 0o750)
    assert (log.user, log.mode) == ("notes", 0o640)

    made = host.file("/srv/notes/current/made/deep/seen.json")
    assert (made.user, made.group, made.mode) == ("root", "notes", 0o640), "part of the release now"
    assert released("notes").run("touch /srv/notes/current/made/deep/more").rc != 0
    assert host.check_output("find /srv/notes -not -user root") == ""


def test_commands_run_once_for_each_release(converge: Any, released: Any, host: Host, entry: dict[str, Any]) -> None:
    host.check_output("rm -rf /var/lib/notes")
    assert converge([entry], app_purge=True).rc == 0
    first = released("notes").live
    entry["environment"]["GREETING"] = "Hello"
    assert converge([entry]).apps["notes"] == "unchanged"
    assert host.check_output("cat /var/lib/notes/log") == "first\ntwo words $HOME"
    one = {**entry, "commands": ["python probe.py third"]}
    assert converge([one]).apps["notes"] == "released"
    assert released("notes").live != first
    assert converge([entry]).apps["notes"] == "switched"
    assert host.check_output("cat /var/lib/notes/log") == "first\ntwo words $HOME\nthird"


def test_what_fails_leaves_the_live_release(converge: Any, released: Any, host: Host, entry: dict[str, Any]) -> None:
    assert converge([entry], app_purge=True).rc == 0
    live, releases = released("notes").live, released("notes").ids
    never = "python probe.py never"
    outcome = converge(
        [
            {**entry, "commands": ["python talks.py", never]},
            {**entry, "name": "nothing", "commands": ["no-such-program --now"]},
            {**entry, "name": "pictures", "commands": [], "public": ["web", "webb"]},
        ]
    )
    assert outcome.rc != 0
    assert "3 of 5 apps could not be brought to the wanted state." in outcome.message
    assert "- app 'notes': command 'python talks.py' failed (exit status 7):\nbefore\n" in outcome.message
    assert "the token is *** and the greeting ***" in outcome.message
    assert outcome.message.count("before\n") < 30
    assert HUSH not in outcome.output
    assert f"Release {live} of 'notes' is live as before." in outcome.message
    assert "- app 'nothing': command 'no-such-program --now' failed (exit status 127):\n" in outcome.message
    assert "- app 'pictures': the release has no folder 'webb', which 'public' names" in outcome.message
    assert "take it out of 'public'" in outcome.message
    assert (released("notes").live, released("notes").ids) == (live, releases)
    assert host.check_output("find /srv -maxdepth 2 -name .build") == ""
    assert "never" not in host.check_output("cat /var/lib/notes/log")

    # Its environment is taken over: the command alone takes long.
    outcome = converge([{**entry, "commands": ["sleep 600", never]}], app_build_timeout=15)
    assert "- app 'notes': command 'sleep 600' took more than 15 seconds." in outcome.message
    assert released("notes").live == live
    assert "never" not in host.check_output("cat /var/lib/notes/log")
    assert host.run("pgrep -u notes").rc != 0


def test_a_public_folder_is_for_everybody_and_the_rest_is_not(
    converge: Any, released: Any, host: Host, entry: dict[str, Any]
) -> None:
    assert converge([{**entry, "public": ["web", "made/deep"]}], app_purge=True).rc == 0
    other = released("util")
    assert other.run("cat /srv/notes/current/web/deep/x.css").stdout == "a {}"
    assert other.run("ls /srv/notes/current/made/deep").stdout == "seen.json\n"
    for command in ("ls /srv/notes", "ls /srv/notes/current/", "ls /srv/notes/current/made", "touch current/web/x"):
        assert other.run(command).rc != 0
    for file in ("wsgi.py", ".release.json", "made/other"):
        assert other.run(f"cat /srv/notes/current/{file}").rc != 0
    assert released("notes").run("touch /srv/notes/current/web/x").rc != 0
    assert host.check_output("find /srv/notes/current/ -type l -o -path '*/web*' -o -perm /o+r -print") == (
        "/srv/notes/current/made/deep\n/srv/notes/current/made/deep/seen.json"
    )

    assert converge([entry]).apps["notes"] == "released"
    assert other.run("cat /srv/notes/current/web/style.css").rc != 0
    assert other.run("ls /srv/notes/releases/*/web").rc != 0, "the older release neither"


def test_the_data_of_a_removed_app_is_out_of_reach(converge: Any, host: Host, entry: dict[str, Any]) -> None:
    assert converge([entry], app_purge=True).rc == 0
    gone = [{"name": "notes", "state": "absent"}]
    assert converge(gone).rc == 0
    state = host.file("/var/lib/notes")
    assert (state.user, state.group, state.mode) == ("root", "root", 0o700)
    assert converge(gone).changed == 0

    host.check_output("useradd --system --no-create-home between")
    plain = {key: value for key, value in entry.items() if key != "commands"}
    outcome = converge([plain])
    host.check_output("userdel between")
    assert outcome.rc == 0
    assert host.file("/var/lib/notes/log").user == "notes", "systemd has handed it on"

    host.check_output("rm /var/lib/notes/log")
    assert converge(gone).rc == 0
    assert not host.file("/var/lib/notes").exists, "there was no data"
