# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Code is fetched, looked at and put in its place, or all of it is refused."""

from __future__ import annotations

import errno
import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _wordpress_code
from ansible_collections.barehost.web.plugins.module_utils._wordpress_code import CodeError, Wanted, prepare

PLUGIN = {"rain/rain.php": "<?php\n/* Plugin Name: Rain */\n"}
THEME = {"dunes-1.2/style.css": "/*\nTheme Name: Dunes\n*/\n"}


def core(version: str = "6.8.7", tables: int = 60421, **more: str) -> dict[str, str]:
    files = {
        "wp-includes/version.php": f"<?php\n$wp_version = '{version}';\n$wp_db_version = {tables};\n",
        "wp-load.php": "<?php",
        "wp-settings.php": "<?php",
        "wp-admin/includes/upgrade.php": "<?php",
        "wp-content/plugins/akismet/akismet.php": "<?php",
        **more,
    }
    return {f"wordpress/{name}": text for name, text in files.items()}


class Forge:
    """Makes archives, as the controller describes them for the host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "archives"
        self.folder.mkdir()

    def make(self, name: str, files: dict[str, str], *, digest: str = "") -> dict[str, Any]:
        path = self.folder / f"{name}.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for file, text in files.items():
                info = tarfile.TarInfo(file)
                if text.startswith("-> "):
                    info.type, info.linkname = tarfile.SYMTYPE, text[3:]
                info.size = 0 if info.issym() else len(text)
                archive.addfile(info, io.BytesIO(text.encode()))
        return self.source(name, digest or hashlib.sha256(path.read_bytes()).hexdigest())

    def source(self, name: str, digest: str) -> dict[str, Any]:
        return {"kind": "archive", "location": f"file://{self.folder}/{name}.tar.gz", "digest": digest}


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path)


def added(name: str, source: dict[str, Any] | None) -> dict[str, Any]:
    return {"name": name, "source": source, "package": False}


def wanted(home: Path, **more: Any) -> Wanted:
    entry = {"name": "blog", "language": "en_US", "theme": "", "memory_limit": "1M", "source": None, "plugins": []}
    return Wanted({**entry, "themes": [], **more}, home / "srv")


def files(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home / "srv")) for path in (home / "srv").rglob("*") if not path.is_dir())


def test_code_is_put_in_its_place_once(tmp_path: Path, forge: Forge) -> None:
    one = wanted(
        tmp_path,
        source=forge.make("core", core()),
        plugins=[added("rain", forge.make("rain", PLUGIN)), added("akismet", None)],
        themes=[added("dunes", forge.make("dunes", THEME))],
        theme="dunes",
    )
    answer = prepare([one], "", check=False)
    assert [text.split()[1] for text in answer.result["changes"]] == ["unpack", "unpack", "unpack", "take"]
    live = one.store.live()
    assert live is not None
    assert (live / "wp-load.php").is_file()
    assert [
        (piece.place / name).is_file() for piece, name in zip(one.pieces[1:], ("rain.php", "style.css"), strict=True)
    ] == [
        True,
        True,
    ]
    assert not one.store.staging.exists()
    for archive in forge.folder.iterdir():
        archive.unlink()
    assert prepare([one], "", check=False).result["changed"] is False


def test_live_wordpress_stays_until_its_tables_are_ready(tmp_path: Path, forge: Forge) -> None:
    old = wanted(tmp_path, source=forge.make("old", core("6.1.9", 53496)))
    new = wanted(tmp_path, source=forge.make("new", core()))
    prepare([old], "", check=False)
    prepare([new], "", check=False)
    assert old.store.live() == old.target
    assert new.target.is_dir()


def test_asked_only_what_would_be_nothing_is_fetched(tmp_path: Path, forge: Forge) -> None:
    one = wanted(tmp_path, source=forge.source("nothing", "0" * 64), language="de_DE")
    assert prepare([one], "", check=True).result["changed"]
    assert not (tmp_path / "srv").exists()


def test_what_the_controller_has_is_asked_for(tmp_path: Path, forge: Forge) -> None:
    source = {**forge.make("core", core()), "sent": True}
    one = wanted(tmp_path, source=source)
    assert prepare([one], "", check=False).result["needed"] == [source["digest"]]
    bundle = tmp_path / "bundle.tar"
    with tarfile.open(bundle, "w") as tar:
        tar.add(forge.folder / "core.tar.gz", source["digest"])
    assert prepare([one], str(bundle), check=False).result["needed"] == []
    assert one.target.is_dir()


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("source", PLUGIN, "source.archive: '{place}' is no WordPress"),
        ("source", {**core(), "more/x": ""}, "source.archive: '{place}' has more than one folder"),
        ("source", core("6.1.9"), "source: WordPress 6.1.9 is older than 6.8.7, which is installed"),
        ("source", core("6.8.7-beta1"), "source: WordPress 6.8.7-beta1 is older than 6.8.7"),
        ("plugins", THEME, "plugins[0].archive: '{place}' is no plugin"),
        (
            "plugins",
            {"rain.php": "<?php /* Plugin Name: Rain */"},
            "plugins[0].archive: '{place}' has more than one folder",
        ),
        (
            "plugins",
            {**PLUGIN, "rain/x": "-> /etc/passwd"},
            "plugins[0].archive: '{place}' cannot be used: 'x' is a symbolic",
        ),
        (
            "plugins",
            {**PLUGIN, "../x": ""},
            "plugins[0].archive: '{place}' cannot be used: '../x' in it would be written",
        ),
        ("themes", PLUGIN, "themes[0].archive: '{place}' is no theme"),
        ("themes", None, "themes[0].archive: '{place}' cannot be fetched"),
    ],
)
def test_nothing_is_changed_where_one_archive_is_wrong(
    tmp_path: Path, forge: Forge, kind: str, content: dict[str, str] | None, message: str
) -> None:
    installed = forge.make("installed", core())
    prepare([wanted(tmp_path, source=installed)], "", check=False)
    before = files(tmp_path)
    source = forge.make("wrong", content) if content else forge.source("missing", "0" * 64)
    good = {"plugins": [added("good", forge.make("good", PLUGIN))]}
    more = {"source": source} if kind == "source" else {kind: [added("rain", source)]}
    with pytest.raises(CodeError) as error:
        prepare([wanted(tmp_path, **{"source": installed, **good, **more})], "", check=False)
    first, *others = str(error.value).splitlines()
    assert first == "Nothing was changed:"
    assert others[0].startswith(f"- WordPress 'blog': {message.format(place=source['location'])}"), others
    assert "; " in others[0], "a way out"
    assert len(others) == 1
    assert files(tmp_path) == before
    assert not (tmp_path / "srv/blog/code/.staging").exists()


def test_all_that_is_wrong_is_named_at_once_and_nothing_stays(tmp_path: Path, forge: Forge) -> None:
    one = wanted(
        tmp_path,
        source=forge.make("core", core(), digest="1" * 64),
        plugins=[added("rain", forge.make("rain", THEME))],
    )
    with pytest.raises(CodeError) as error:
        prepare([one], "", check=False)
    text = str(error.value)
    assert "does not have the checksum of the entry: expected sha256:1111" in text
    assert "plugins[0].archive: " in text
    assert not (tmp_path / "srv/blog").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"language": "de_DE"}, "has no language 'de_DE'; name an archive in that language"),
        (
            {"plugins": [added("rain", None)]},
            "plugins: there is no 'rain' in its code, which has akismet; add an archive",
        ),
        ({"theme": "dunes"}, "theme: there is no 'dunes' in its code, which has none; add an archive"),
        ({"memory_limit": "999999G"}, "memory_limit: a request may take 999999G"),
    ],
)
def test_what_the_code_does_not_have_is_told(tmp_path: Path, forge: Forge, more: dict[str, Any], message: str) -> None:
    source = forge.make("core", core())
    with pytest.raises(CodeError) as error:
        prepare([wanted(tmp_path, source=source, **more)], "", check=False)
    assert message in str(error.value)
    assert not (tmp_path / "srv/blog").exists()


def test_disk_that_refuses_is_named(tmp_path: Path, forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(stream: object, into: Path) -> None:
        raise OSError(errno.ENOSPC, f"No space left on device for {stream} in {into}")

    monkeypatch.setattr(_wordpress_code, "unpack", refuse)
    with pytest.raises(CodeError, match=r"cannot be unpacked in .*: No space left on device"):
        prepare([wanted(tmp_path, source=forge.make("core", core()))], "", check=False)
    assert not (tmp_path / "srv/blog").exists()


def test_language_of_an_archive_is_found(tmp_path: Path, forge: Forge) -> None:
    files = core(**{"wp-content/languages/de_DE.mo": ""})
    one = wanted(tmp_path, source=forge.make("core", files), language="de_DE")
    assert prepare([one], "", check=False).result["changed"]
