# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one run does with an app, in a folder that plays /srv: files of older releases, and data that is shared."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _release_shared
from ansible_collections.barehost.web.plugins.module_utils._release_app import App, AppRun, Settings
from ansible_collections.barehost.web.plugins.module_utils._release_assets import Assets
from ansible_collections.barehost.web.plugins.module_utils._release_fetch import Source
from ansible_collections.barehost.web.plugins.module_utils._release_seal import Ownership
from ansible_collections.barehost.web.plugins.module_utils._release_shared import Shared, SharedData
from ansible_collections.barehost.web.plugins.module_utils._release_store import Record, Store
from ansible_collections.barehost.web.plugins.module_utils._release_user import Account

WHO = Account("shop", os.getuid(), os.getgid())
SETTINGS = Settings(check=False, uv_version="1", uv_hashes=(), timeout=5, bundle="", begun="20260101T000000Z")
#: Files without a process, so that there is nothing to build and nothing to start.
APP = App(
    name="shop",
    source=Source("path", "x", digest="1"),
    public=True,
    unit="",
    take_up="restart",
    debian_python=False,
    python="",
    requirements=(),
    program="",
    program_requirement="",
    keep=2,
)


class KilledError(Exception):
    """The run was killed here."""


def prepared(tmp_path: Path, app: App, *, check: bool = False) -> AppRun:
    """A run whose app is in a folder of the test."""
    run = AppRun(app, replace(SETTINGS, check=check))
    run.store = Store("shop", tmp_path / "srv")
    run.assets = Assets(run.store, [""] if app.keep_assets else [])
    run.data = SharedData("shop", WHO, app.shared, tmp_path / "lib")
    run.ownership = Ownership(os.getgid(), 0o755, 0o644, uid=os.getuid())
    return run


def put(run: AppRun, number: int) -> None:
    """Have the release that a run wants, made of two files."""
    run.store.prepare(run.ownership)
    (run.store.staging / "source").mkdir(parents=True)
    for name in (f"app.{number}.css", "same.css"):
        (run.store.staging / "source" / name).write_text(str(number))
    record = Record(f"20260101T{number:06}Z-abababab", "shop", run.digest(), "path x", "v", "2026-01-01T00:00:00Z")
    run.store.put(run.store.staging / "source", record, run.ownership)
    run.store.clear_staging()


def in_version(number: int, **changes: bool) -> App:
    return replace(APP, source=replace(APP.source, digest=str(number)), **changes)


def served(run: AppRun) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(run.store.current.glob("*.css"))}


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """Two versions have been live, the second one is."""
    (tmp_path / "lib").mkdir()
    for number in (1, 2):
        run = prepared(tmp_path, in_version(number))
        put(run, number)
        assert run.run().change == "switched"
    return tmp_path


def test_a_release_goes_live_with_the_files_of_those_before(host: Path) -> None:
    run = prepared(host, in_version(2))
    assert served(run) == {"app.1.css": "1", "app.2.css": "2", "same.css": "2"}
    assert run.run().change == "unchanged"
    put(prepared(host, in_version(3)), 3)
    prepared(host, in_version(3)).run()
    assert served(run) == {"app.2.css": "2", "app.3.css": "3", "same.css": "3"}, "two releases are kept"


def test_files_are_there_before_the_switch(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = prepared(host, in_version(3))
    put(run, 3)

    def killed(_store: Store, release: str) -> None:
        assert sorted(path.name for path in (run.store.releases / release).glob("app.*")) == [
            "app.1.css",
            "app.2.css",
            "app.3.css",
        ]
        raise KilledError

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(Store, "switch", killed)
        run.run()
    # Somebody has taken the version back since then.
    assert prepared(host, in_version(2), check=True).run().change == "repaired"
    assert prepared(host, in_version(2)).run().change == "repaired"
    assert prepared(host, in_version(2)).run().change == "unchanged"
    left = run.store.releases / run.store.ids()[-1]
    assert [path.name for path in left.glob("app.*")] == ["app.3.css"]


def test_a_switch_of_the_option_is_a_change_of_its_own(host: Path) -> None:
    off = in_version(2, keep_assets=False)
    assert [prepared(host, off, check=check).run().change for check in (True, False, False)] == [
        "repaired",
        "repaired",
        "unchanged",
    ]
    assert served(prepared(host, off)) == {"app.2.css": "2", "same.css": "2"}
    assert prepared(host, in_version(2)).run().change == "repaired"


def test_folders_of_shared_data_that_have_gone_are_made_again(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_release_shared, "as_user", lambda _who, work: work())
    monkeypatch.setattr(_release_shared, "_web_server", lambda: 30033)
    shared = replace(in_version(2), shared=(Shared("media"),))
    found = [prepared(host, shared, check=check).run().change for check in (True, False, True, False)]
    assert found == ["repaired", "repaired", "unchanged", "unchanged"]
    assert (host / "lib/shop/shared/media").is_dir()
