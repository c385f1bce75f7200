# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Publishing into real folders: what is put in place, what is kept, what is refused."""

from __future__ import annotations

import errno
import getpass
import grp
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _marks, _publish, _tree, _validate
from ansible_collections.barehost.web.plugins.module_utils._lock import LockedError, lock
from ansible_collections.barehost.web.plugins.module_utils._manifests import sets
from ansible_collections.barehost.web.plugins.module_utils._publish import PublishError, publish
from ansible_collections.barehost.web.plugins.module_utils._publish_commit import beside
from ansible_collections.barehost.web.plugins.module_utils._publish_plan import Item, folders_above
from ansible_collections.barehost.web.plugins.module_utils._publish_request import Request, Validation, request_from
from ansible_collections.barehost.web.plugins.module_utils._workers import enabled

USER, GROUP = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name


class Host:
    """A folder that plays the host, with a published tree, a place outside it and the collection's memory."""

    def __init__(self, root: Path) -> None:
        self.tree, self.outside, self.state = root / "etc/nginx", root / "etc/systemd", root / "var"
        for folder in (self.tree / "sites-available", self.tree / "sites-enabled", self.outside):
            folder.mkdir(parents=True)

    def site(self, name: str, text: str = "one", **more: Any) -> list[Item]:
        path = f"{self.tree}/sites-available/{name}"
        link = f"{self.tree}/sites-enabled/{name}"
        return [
            self.file(path, text, entry=name, **more),
            Item(link, "link", target=f"../sites-available/{name}", entry=name),
        ]

    @staticmethod
    def file(path: Path | str, text: str = "one", **more: Any) -> Item:
        return Item(str(path), "file", text.encode(), **{"owner": USER, "group": GROUP, **more})

    def publish(self, *items: Item, check: bool = False, tree: bool = True, name: str = "nginx", **more: Any) -> Any:
        request = Request(name, list(items), tree=self.tree if tree else None, **more)
        return publish(request, check=check, state=self.state)

    def files(self) -> dict[str, str]:
        """Everything that is there, links with an arrow."""
        found = {}
        for base in (self.tree, self.outside):
            for path in base.rglob("*"):
                name = str(path.relative_to(base.parent))
                if path.is_symlink():
                    found[name] = f"-> {path.readlink()}"
                elif path.is_file():
                    found[name] = path.read_text()
        return found

    def leftovers(self) -> list[Path]:
        return [path for path in self.tree.parent.rglob("*") if path.name.endswith(".barehost")]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.mark.parametrize("tree", [True, False], ids=["as a whole", "file by file"])
def test_first_publish_then_nothing_to_do(host: Host, *, tree: bool) -> None:
    items = [*host.site("main"), host.file(host.outside / "nginx.service.d/x.conf")]
    assert host.publish(*items, tree=tree).changed
    assert host.files() == {
        "nginx/sites-available/main": "one",
        "nginx/sites-enabled/main": "-> ../sites-available/main",
        "systemd/nginx.service.d/x.conf": "one",
    }
    again = host.publish(*items, tree=tree)
    assert not again.changed
    assert again.files == []
    assert host.leftovers() == []


@pytest.mark.parametrize("tree", [True, False], ids=["as a whole", "file by file"])
def test_update_touches_only_what_differs(host: Host, *, tree: bool) -> None:
    host.publish(*host.site("one"), *host.site("two"), tree=tree)
    kept = (host.tree / "sites-available/two").stat().st_ino
    outcome = host.publish(*host.site("one", "changed"), *host.site("two"), tree=tree)
    assert [(file["change"], file["entry"]) for file in outcome.files] == [("update", "one")]
    assert host.files()["nginx/sites-available/one"] == "changed"
    assert (host.tree / "sites-available/two").stat().st_ino == kept


@pytest.mark.parametrize("tree", [True, False], ids=["as a whole", "file by file"])
def test_foreign_files_stay_as_they_are(host: Host, *, tree: bool) -> None:
    foreign = host.tree / "mime.types"
    foreign.write_text("text/html html;")
    foreign.chmod(0o640)
    before = foreign.stat()
    host.publish(*host.site("main"), tree=tree)
    after = foreign.stat()
    assert (after.st_ino, after.st_mode, after.st_mtime_ns) == (before.st_ino, before.st_mode, before.st_mtime_ns)


def test_mode_is_set_and_repaired(host: Host) -> None:
    item = host.file(host.tree / "secret.conf", mode=0o600)
    host.publish(item)
    path = Path(item.path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    outcome = host.publish(item)
    assert [file["change"] for file in outcome.files] == ["attributes"]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("tree", [True, False], ids=["as a whole", "file by file"])
def test_what_an_entry_no_longer_wants_is_removed(host: Host, *, tree: bool) -> None:
    extra = host.file(host.outside / "main.service.d/x.conf", entry="main")
    host.publish(*host.site("main"), extra, tree=tree)
    host.publish(*host.site("main"), tree=tree)
    assert "systemd/main.service.d/x.conf" not in host.files()
    assert not (host.outside / "main.service.d").exists(), "a folder that was made for it goes with it"


def test_absent_entry_leaves_nothing_and_unknown_one_is_an_orphan(host: Host) -> None:
    host.publish(*host.site("one"), *host.site("two"))
    outcome = host.publish(*host.site("one"))
    assert not outcome.changed
    assert set(outcome.orphans) == {"two"}
    assert "nginx/sites-enabled/two" in host.files()
    host.publish(*host.site("one"), entries=("two",))
    assert set(host.files()) == {"nginx/sites-available/one", "nginx/sites-enabled/one"}


def test_what_all_entries_share_stays_as_long_as_an_orphan_does(host: Host) -> None:
    shared = host.file(host.outside / "all@.service")
    host.publish(*host.site("one"), *host.site("two"), shared)
    outcome = host.publish(entries=("one",))
    assert set(outcome.orphans) == {"two"}
    assert {"systemd/all@.service", "nginx/sites-enabled/two"} <= set(host.files())
    host.publish(entries=("one", "two"))
    assert host.files() == {}


def test_what_another_set_publishes_stays_and_is_removed_by_that_one(host: Host) -> None:
    folder = Item(str(host.outside / "state"), "directory", entry="one", owner=USER, group=GROUP)
    host.publish(folder, name="gunicorn", tree=False)
    host.publish(folder, name="uwsgi", tree=False)
    host.publish(entries=("one",), name="gunicorn", tree=False)
    assert Path(folder.path).is_dir()
    assert not host.publish(folder, name="uwsgi", tree=False).changed
    host.publish(entries=("one",), name="uwsgi", tree=False)
    assert not Path(folder.path).exists()


def test_purge_removes_orphans(host: Host) -> None:
    host.publish(*host.site("one"), *host.site("two"))
    host.publish(*host.site("one"))
    assert host.publish(*host.site("one"), purge=True).changed
    assert set(host.files()) == {"nginx/sites-available/one", "nginx/sites-enabled/one"}


@pytest.mark.parametrize(
    ("each", "paths"),
    [
        ("", [[]]),
        ("*.conf", [["/etc/x/a.conf"], ["/etc/systemd/a.service.d/b.conf"]]),
        ("/etc/x/*.conf", [["/etc/x/a.conf"]]),
        ("*.ini", []),
    ],
)
def test_command_is_run_for_each_file_that_fits(each: str, paths: list[list[str]]) -> None:
    items = [Host.file(path) for path in ("/etc/x/a.conf", "/etc/x/a.wsgi", "/etc/systemd/a.service.d/b.conf")]
    assert Validation(("check",), each=each).commands(items) == [["check", *path] for path in paths]


def test_set_that_has_removed_everything_has_nothing_left_to_remove(host: Host) -> None:
    host.publish(*host.site("main"), entries=["main"])
    assert host.publish(entries=["main"]).changed
    assert json.loads((host.state / "published/nginx.json").read_text()) == {}
    # Another set may publish there now.
    (host.tree / "sites-available/main").write_text("theirs")
    assert not host.publish(entries=["main"]).changed


def test_set_without_entries_removes_what_left_it(host: Host) -> None:
    first, second = host.file(host.tree / "a.conf"), host.file(host.tree / "b.conf")
    host.publish(first, second)
    host.publish(first)
    assert set(host.files()) == {"nginx/a.conf"}


def test_named_foreign_file_is_removed(host: Host) -> None:
    default = host.tree / "sites-enabled/default"
    default.symlink_to("../sites-available/default")
    host.publish(*host.site("main"), remove=(str(default),))
    assert not default.is_symlink()


def test_edit_by_hand_is_replaced_and_kept_aside(host: Host) -> None:
    host.publish(*host.site("main"))
    (host.tree / "sites-available/main").write_text("edited")
    outcome = host.publish(*host.site("main"))
    assert outcome.files[0]["edited_elsewhere"]
    assert host.files()["nginx/sites-available/main"] == "one"
    (copy,) = (Path(path) for path in outcome.saved)
    assert copy.read_text() == "edited"
    assert copy.stat().st_mode & 0o777 == 0o600


def test_foreign_file_that_is_taken_over_is_kept_aside(host: Host) -> None:
    (host.tree / "nginx.conf").write_text("from the package")
    outcome = host.publish(host.file(host.tree / "nginx.conf"))
    assert [Path(path).read_text() for path in outcome.saved] == ["from the package"]


def _folder(path: Path) -> None:
    (path / "inside").mkdir(parents=True)


def _link(path: Path) -> None:
    path.symlink_to("/somewhere/else")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.fixture
def judges(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Programs of which one is not installed and one refuses what it is given; tells what they were asked."""
    asked: list[list[str]] = []

    def judge(command: list[str], *_folders: Path, **_options: Any) -> tuple[bool, str]:
        asked.append(command)
        return "strict" not in command[0], f"{command[-1]}:1 is wrong" if command[0] == "strict" else "it is wrong"

    monkeypatch.setattr(_validate, "validate", judge)
    monkeypatch.setattr(_validate, "find_program", lambda command: None if command[0] == "none" else command[0])
    return asked


def test_every_program_checks_its_own_files(host: Host, judges: list[list[str]]) -> None:
    files = [host.file(host.tree / name, entry=name) for name in ("one", "two")]
    mild, strict = Validation(("mild", "-t"), each="one"), Validation(("strict", "-t"), each="two")
    host.publish(*files[:1], validations=(mild, strict))
    assert judges == [["mild", "-t", files[0].path]]
    with pytest.raises(PublishError, match=f"strict -t {files[1].path} rejects the new files") as raised:
        host.publish(*files, validations=(mild, strict))
    assert f"entry 'two': {files[1].path}, line 1" in str(raised.value)
    with pytest.raises(PublishError) as raised:
        host.publish(*files, validations=(Validation(("strict but silent",), each="two"),))
    assert f"it is wrong\nIt is about:\nentry 'two': {files[1].path}" in str(raised.value)
    assert host.files() == {"nginx/one": "one"}


def test_program_that_is_missing_is_an_error_unless_nothing_is_changed(host: Host, judges: list[list[str]]) -> None:
    files = [host.file(host.tree / name) for name in ("one", "two")]
    rules = (Validation(("none",), each="one"), Validation(("mild",), each="two"))
    with pytest.raises(PublishError, match="none, which has to check"):
        host.publish(*files, validations=rules)
    assert judges == []
    outcome = host.publish(*files, validations=rules, check=True)
    assert judges == [["mild", files[1].path]]
    assert not outcome.validated
    assert ["none, which has to check" in note for note in outcome.notes] == [True]


@pytest.mark.parametrize(
    ("said", "check", "refused"),
    [
        ('cannot load certificate "/etc/barehost/tls/to-come.pem": No such file', True, False),
        ('cannot load certificate "/etc/barehost/tls/to-come.pem": No such file', False, True),
        ('cannot load certificate "/etc/ssl/to-come.pem": No such file', True, True),
        ("a misspelt directive", True, True),
    ],
)
def test_file_that_the_same_run_would_have_made_is_missed_by_nobody(
    host: Host, monkeypatch: pytest.MonkeyPatch, said: str, check: bool, refused: bool
) -> None:
    monkeypatch.setattr(_validate, "validate", lambda *_, **__: (False, said))
    monkeypatch.setattr(_validate, "find_program", lambda command: command[0])
    rules = (Validation(("strict",)),)
    if refused:
        with pytest.raises(PublishError, match="rejects the new files"):
            host.publish(host.file(host.tree / "one"), validations=rules, check=check)
    else:
        outcome = host.publish(host.file(host.tree / "one"), validations=rules, check=check)
        assert (outcome.changed, outcome.validated) == (True, False)
        assert ["/etc/barehost/tls/to-come.pem is not there yet" in note for note in outcome.notes] == [True]
    assert host.files() == {}


@pytest.mark.parametrize(
    ("make", "words"),
    [(_folder, "there is a folder"), (_link, "a symbolic link to /somewhere/else"), (_pipe, "pipe")],
)
def test_what_must_not_be_overwritten_stops_everything(host: Host, make: Any, words: str) -> None:
    make(host.tree / "sites-available/main")
    before = host.files()
    with pytest.raises(PublishError, match=words) as caught:
        host.publish(*host.site("main"), *host.site("other"))
    assert "entry 'main'" in str(caught.value)
    assert host.files() == before
    assert host.leftovers() == []


def test_all_obstacles_are_told_together(host: Host) -> None:
    for name in ("one", "two"):
        _folder(host.tree / "sites-available" / name)
    with pytest.raises(PublishError) as caught:
        host.publish(*host.site("one"), *host.site("two"))
    assert "entry 'one'" in str(caught.value)
    assert "entry 'two'" in str(caught.value)


def test_linked_folder_in_the_tree_is_refused(host: Host, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (host.tree / "sites-enabled").rmdir()
    (host.tree / "sites-enabled").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PublishError, match="published as a whole"):
        host.publish(*host.site("main"))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_unknown_owner_is_told(host: Host) -> None:
    with pytest.raises(PublishError, match="no-such-user"):
        host.publish(host.file(host.tree / "a", owner="no-such-user"))


def test_check_mode_changes_nothing_and_tells_all(host: Host) -> None:
    host.publish(*host.site("old"))
    before = host.files()
    fresh = [*host.site("new"), host.file(host.outside / "a/b/c.conf")]
    outcome = host.publish(*fresh, check=True, entries=("old",))
    assert outcome.changed
    changes = {(file["change"], Path(file["path"]).name) for file in outcome.files}
    assert {("create", "new"), ("remove", "old"), ("create", "c.conf")} <= changes
    assert host.files() == before
    assert not (host.outside / "a").exists()


def test_check_mode_knows_owners_that_are_still_to_come(host: Host) -> None:
    assert host.publish(host.file(host.tree / "a", owner="no-such-user"), check=True).changed


def test_diff_hides_secrets(host: Host) -> None:
    outcome = host.publish(
        host.file(host.tree / "a.env", "PASSWORD=hunter2", secret=True), host.file(host.tree / "b", "shown")
    )
    text = json.dumps(outcome.diff)
    assert "hunter2" not in text
    assert "shown" in text


def test_removed_secret_stays_secret(host: Host) -> None:
    host.publish(host.file(host.tree / "a.env", "PASSWORD=hunter2", secret=True))
    outcome = host.publish()
    assert outcome.changed
    assert "hunter2" not in json.dumps(outcome.diff)


def test_marks_tell_units_what_changed(host: Host) -> None:
    host.publish(
        *host.site("main", restart=("app@main.service",)), host.file(host.outside / "x"), reload=("nginx.service",)
    )
    assert _marks.read_mark("nginx.service", host.state) == "reload"
    assert _marks.read_mark("app@main.service", host.state) == "restart"


def test_a_name_with_a_star_stands_for_the_units_that_start_with_the_host(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    wants = host.outside / "multi-user.target.wants"
    wants.mkdir()
    for name in ("worker-a.x@1.service", "worker-a.y@2.service", "worker-ab.x@1.service"):
        (wants / name).symlink_to("/nowhere")
    monkeypatch.setattr(_publish, "enabled", lambda name: enabled(name, host.outside))
    host.publish(host.file(host.tree / "a.env", restart=("a.service", "worker-a.*@*.service")))
    assert _marks.owed(host.state) == ["a.service", "worker-a.x@1.service", "worker-a.y@2.service"]
    for name in _marks.owed(host.state):
        _marks.clear_mark(name, host.state)
    (wants / "worker-a.y@2.service").unlink()
    host.publish()
    assert _marks.owed(host.state) == ["a.service", "worker-a.x@1.service"], "also when it is removed"


def calendars(*times: str) -> Validation:
    """Plays systemd-analyze, which takes but one."""
    program = 'for time; do [ "$time" = daily ] || { echo "Failed to parse \'$time\'"; exit 1; }; done'
    return Validation(("sh", "-c", program, "calendar", *times))


def test_without_a_tree_a_program_judges_its_own_words(host: Host) -> None:
    good, bad = (host.file(host.outside / f"{name}.timer", f"[Timer]\nOnCalendar={name}\n") for name in ("daily", "x"))
    assert host.publish(good, tree=False, validations=(calendars("daily"),)).validated
    for check in (True, False):
        bad_one = Item(bad.path, "file", bad.content, bad.owner, bad.group, entry="util", template="timer.j2")
        with pytest.raises(PublishError) as caught:
            host.publish(good, bad_one, tree=False, check=check, validations=(calendars("daily", "x"),))
        lines = str(caught.value).splitlines()
        assert lines[:4] == [
            "Nothing was changed: sh -c rejects what is to be published.",
            "Failed to parse 'x'",
            "It is about:",
            f"entry 'util': {host.outside}/x.timer, line 2 (from template timer.j2)",
        ]
    assert list(host.files()) == ["systemd/daily.timer"]


def test_no_change_leaves_no_mark(host: Host) -> None:
    host.publish(*host.site("main"), reload=("nginx.service",))
    _marks.clear_mark("nginx.service", host.state)
    host.publish(*host.site("main"), reload=("nginx.service",))
    assert _marks.read_mark("nginx.service", host.state) is None


def test_removal_marks_the_units_of_the_removed_file(host: Host) -> None:
    host.publish(*host.site("main", reload=("nginx.service",)))
    _marks.clear_mark("nginx.service", host.state)
    host.publish(entries=("main",))
    assert _marks.read_mark("nginx.service", host.state) == "reload"


def test_folder_goes_with_the_last_that_needs_it_whoever_it_was_made_for(host: Host) -> None:
    wants = host.outside / "sockets.target.wants"
    first, second = (Item(f"{wants}/{name}", "link", target="x", entry=name) for name in ("first", "second"))
    common = host.file(host.tree / "common.conf")
    host.publish(first, common)
    host.publish(first, second, common)
    host.publish(second, common, purge=True)
    outcome = host.publish(entries=("second",))
    assert outcome.orphans == {}
    assert host.files() == {}
    assert not wants.exists()


def test_unit_ends_with_the_file_it_is_there_for(host: Host) -> None:
    item = host.file(host.tree / "a", entry="a", reload=("a.service",), stop=("a.socket", "a.service"))
    host.publish(item)
    assert _marks.units_to_stop(host.state) == []
    host.publish(purge=True)
    assert _marks.units_to_stop(host.state) == ["a.service", "a.socket"]
    host.publish(item)
    assert _marks.read_mark("a.service", host.state) == "restart"


def _logs(host: Host) -> dict[str, Path]:
    folder = host.tree.parent / "log"
    folder.mkdir(exist_ok=True)
    logs = {name: folder / name for name in ("a.log", "a.log.1", "a.log.2.gz", "b.log")}
    for path in logs.values():
        path.write_text("GET /\n")
    return logs


@pytest.mark.parametrize("purge", [True, False], ids=["purged", "absent"])
def test_what_programs_wrote_on_account_of_a_file_goes_with_it(host: Host, *, purge: bool) -> None:
    logs = _logs(host)
    host.publish(*host.site("a", traces=(f"{logs['a.log']}*",)), *host.site("b", traces=(f"{logs['b.log']}*",)))
    gone: dict[str, Any] = {"purge": True} if purge else {"entries": ("a",)}
    listed = host.publish(*host.site("b"), check=True, **gone)
    assert all(path.exists() for path in logs.values())
    assert {str(logs["a.log"]), str(logs["a.log.2.gz"])} <= {file["path"] for file in listed.files}
    assert str(logs["a.log.1"]) in {part["before_header"] for part in listed.diff}
    assert "GET" not in repr(listed), "a log may be of any size, and tells of visitors"
    host.publish(*host.site("b"))
    assert logs["a.log"].exists(), "an orphan loses nothing"
    assert host.publish(*host.site("b"), **gone).changed
    assert [name for name, path in logs.items() if path.exists()] == ["b.log"]
    assert not host.publish(*host.site("b"), **gone).changed


def test_trace_that_will_not_go_is_told_and_stops_nothing(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    logs = _logs(host)
    host.publish(*host.site("b", traces=(str(logs["b.log"]),)))

    real = Path.unlink

    def refuse(path: Path, *, missing_ok: bool = False) -> None:
        if path == logs["b.log"]:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    outcome = host.publish(entries=("b",), tree=False)
    reason = "cannot be removed: Read-only file system"
    assert outcome.notes == [f"{logs['b.log']} belongs to nothing any more, but {reason}. Remove it yourself."]


def test_file_may_become_a_link_and_back(host: Host) -> None:
    path = f"{host.tree}/conf"
    host.publish(host.file(path))
    host.publish(Item(path, "link", target="elsewhere"))
    assert host.files()["nginx/conf"] == "-> elsewhere"
    host.publish(host.file(path))
    assert host.files()["nginx/conf"] == "one"


def test_second_run_waits_for_the_first(host: Host) -> None:
    path = host.state / "published/nginx.lock"
    done: list[bool] = []
    with lock(path, 1):
        other = threading.Thread(target=lambda: done.append(host.publish(*host.site("main")).changed))
        other.start()
        other.join(0.5)
        assert not done
    other.join(10)
    assert done == [True]


def test_lock_that_is_not_freed_is_told(host: Host) -> None:
    path = host.state / "published/nginx.lock"
    with lock(path, 1), pytest.raises(LockedError, match=rf"process {os.getpid()}.*and did for the 0 seconds"):
        host.publish(*host.site("main"), lock_timeout=0)


def _variants(host: Host) -> tuple[list[Item], list[Item]]:
    logs = str(_logs(host)["a.log"])
    old = [
        *host.site("same"),
        *host.site("gone", traces=(f"{logs}*",)),
        *host.site("edit"),
        host.file(host.outside / "unit", "old"),
    ]
    new = [*host.site("same"), *host.site("edit", "new"), *host.site("fresh"), host.file(host.outside / "unit", "new")]
    return old, new


def _killed_at(host: Host, items: list[Item], operation: int, *, tree: bool) -> bool:
    """Publish in a child that dies, as by SIGKILL, right before its n-th change of the file system."""
    child = os.fork()
    if child == 0:
        left = operation

        def dying(real: Any) -> Any:
            def call(*args: Any, **kwargs: Any) -> Any:
                nonlocal left
                left -= 1
                if left < 0:
                    os._exit(9)
                return real(*args, **kwargs)

            return call

        for name in ("rename", "replace", "unlink", "symlink", "link", "mkdir", "rmdir", "chmod", "fchmod"):
            setattr(os, name, dying(getattr(os, name)))
        _tree.exchange = dying(_tree.exchange)
        host.publish(*items, entries=("gone",), tree=tree)
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 9


@pytest.mark.parametrize("tree", [True, False], ids=["as a whole", "file by file"])
def test_killed_anywhere_the_next_run_converges(tmp_path: Path, *, tree: bool) -> None:
    operation, killed = 0, True
    while killed:
        host = Host(tmp_path / str(operation))
        old, new = _variants(host)
        host.publish(*old, tree=tree)
        before = host.files()
        killed = _killed_at(host, new, operation, tree=tree)
        between = {name: text for name, text in host.files().items() if not name.endswith(".barehost")}
        host.publish(*new, entries=("gone",), tree=tree)
        after = host.files()
        assert host.leftovers() == []
        assert "nginx/sites-enabled/gone" not in after
        assert after["systemd/unit"] == "new"
        assert [path.name for path in (host.tree.parent / "log").iterdir()] == ["b.log"]
        inside = [{n: t for n, t in state.items() if n.startswith("nginx/")} for state in (before, after, between)]
        if tree:
            assert inside[2] in inside[:2], f"neither the old nor the new tree after {operation} operations"
        dangling = [path for path in (host.tree / "sites-enabled").iterdir() if not path.exists()]
        assert dangling == []
        operation += 1
    assert operation > 10


def test_request_is_built_from_plain_data() -> None:
    owner = {"owner": "o", "group": "g", "entry": "a"}
    file = {
        "dest": "/f",
        "content": "é",
        "mode": "0640",
        "template": "t",
        "secret": True,
        "reload": [],
        "restart": ["u"],
        "stop": ["v"],
        "traces": ["/f.log"],
    }
    payload = {
        "set": "s",
        "tree": "",
        "purge": False,
        "lock_timeout": 5,
        "entries": ["a"],
        "remove": [],
        "reload": [],
        "restart": [],
        "links": [],
        "directories": [{"path": "/d", "mode": "0750", **owner}],
        "files": [{**file, **owner}],
        "validate": {"command": ["nginx", "-t"], "each": "", "scratch": [], "reject": "", "timeout": 3},
        "validations": [{"command": ["x"], "each": "*.x", "scratch": ["/y"], "reject": "z", "timeout": 4}],
        "units": [
            {"name": "u", "state": "started", "listen": [{"address": "[::]:80", "entry": "a"}]},
            {"name": "v", "state": "stopped", "listen": [{"address": "[::]:81", "entry": ""}]},
        ],
    }
    request = request_from(payload)
    assert [(port.unit, str(port.address), port.entry) for port in request.ports] == [("u", "[::]:80", "a")]
    assert request.tree is None
    told = {"restart": ("u",), "stop": ("v",), "traces": ("/f.log",)}
    more: dict[str, Any] = {"entry": "a", "template": "t", "secret": True, **told}
    assert request.items[0] == Item("/f", "file", "é".encode(), owner="o", group="g", mode=0o640, **more)
    assert request.items[1].mode == 0o750
    assert request.validation is not None
    assert request.validation.timeout == 3
    assert request.rules == (request.validation, Validation(("x",), "*.x", ("/y",), "z", 4))


def test_staged_names_are_hidden_from_include_patterns() -> None:
    assert beside(Path("/etc/nginx/sites-enabled/main")).name == ".main.barehost"


def test_folders_above_are_named_once_outer_ones_first() -> None:
    assert list(folders_above(["/a/b/one", "/a/b/two", "/a/c/d/three", "/four"]).items()) == [
        ("/", "/a/b/one"),
        ("/a", "/a/b/one"),
        ("/a/b", "/a/b/one"),
        ("/a/c", "/a/c/d/three"),
        ("/a/c/d", "/a/c/d/three"),
    ]


def test_host_knows_the_sets_that_it_has_something_of(host: Host) -> None:
    assert sets(host.state) == []
    host.publish(*host.site("one"), entries=("one",))
    host.publish(host.file(host.outside / "x.service"), name="units", tree=False)
    assert sets(host.state) == ["nginx", "units"]
    host.publish(entries=("one",))
    assert sets(host.state) == ["units"]


def test_host_knows_what_it_owes_to_units(host: Host) -> None:
    assert _marks.owed(host.state) == []
    host.publish(*host.site("one"), reload=("nginx.service",))
    assert _marks.owed(host.state) == ["nginx.service"]
