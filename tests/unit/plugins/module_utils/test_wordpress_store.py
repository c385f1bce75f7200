# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The folder of the code of one installation."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.barehost.web.plugins.module_utils._wordpress_store import CODE, Store

OLD, NEW, PLUGIN = ("a" * 64, "b" * 64, "c" * 64)


def unpacked(store: Store, kind: str, digest: str) -> Path:
    folder = store.staging / digest
    (folder / "wp-content/plugins/akismet").mkdir(parents=True)
    store.put(kind, digest, folder)
    return store.of(kind, digest)


def test_live_wordpress_is_switched_in_one_step(tmp_path: Path) -> None:
    store = Store("blog", tmp_path)
    assert store.live() is None
    assert store.switch(CODE)
    assert store.live() == CODE
    folder = unpacked(store, "wordpress", OLD)
    assert folder == tmp_path / "blog/code/aaaaaaaaaaaa"
    assert store.switch(folder)
    assert (store.live(), str(store.current.readlink())) == (folder, "aaaaaaaaaaaa")
    assert not store.switch(folder)
    assert str((folder / "wp-config.php").readlink()) == "/etc/wordpress/blog.php"


def test_settings_of_an_archive_do_not_count(tmp_path: Path) -> None:
    store = Store("blog", tmp_path)
    folder = store.staging / "x"
    folder.mkdir(parents=True)
    (folder / "wp-config.php").write_text("<?php // somebody's\n")
    store.put("wordpress", OLD, folder)
    assert (store.of("wordpress", OLD) / "wp-config.php").is_symlink()


def test_what_was_added_stands_beside_what_comes_with_wordpress(tmp_path: Path) -> None:
    store = Store("blog", tmp_path)
    store.switch(unpacked(store, "wordpress", OLD))
    assert store.bundled("plugins") == {"akismet": "../current/wp-content/plugins/akismet"}
    assert store.bundled("themes") == {}
    added = store.added("plugins", {"rain": PLUGIN, "shibboleth": ""})
    assert added == {"rain": "../plugin-cccccccccccc", "shibboleth": f"{CODE}/wp-content/plugins/shibboleth"}
    for name, target in {**store.bundled("plugins"), **added}.items():
        store.link("plugins", name, target)
    assert sorted(store.linked("plugins")) == ["akismet", "rain", "shibboleth"]
    assert (store.code / "plugins/akismet").is_dir()


def test_only_what_nothing_leads_to_is_unused(tmp_path: Path) -> None:
    store = Store("blog", tmp_path)
    old, new = unpacked(store, "wordpress", OLD), unpacked(store, "wordpress", NEW)
    plugin = unpacked(store, "plugin", PLUGIN)
    store.clear()
    store.switch(old)
    store.link("plugins", "rain", "../plugin-cccccccccccc")
    assert store.unused() == [new]
    store.switch(new)
    assert store.unused() == [old]
    store.unlink("plugins", "rain")
    assert store.unused() == [old, plugin]


def test_nothing_stays_of_what_was_refused(tmp_path: Path) -> None:
    store = Store("blog", tmp_path)
    (store.staging / "x").mkdir(parents=True)
    store.clear()
    assert not store.home.exists()
    store.switch(CODE)
    (store.staging / "x").mkdir(parents=True)
    store.clear()
    assert store.live() == CODE
