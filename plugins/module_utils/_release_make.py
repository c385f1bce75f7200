# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make a release: fetch the code, build its environment, and put the result among the releases.

This module is private to the collection.
"""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.barehost.web.plugins.module_utils import _release_build, _release_fetch, _release_git
from ansible_collections.barehost.web.plugins.module_utils._release_fetch import Code
from ansible_collections.barehost.web.plugins.module_utils._release_git import Commit
from ansible_collections.barehost.web.plugins.module_utils._release_manifest import Entry
from ansible_collections.barehost.web.plugins.module_utils._release_seal import Ownership
from ansible_collections.barehost.web.plugins.module_utils._release_shared import SharedData
from ansible_collections.barehost.web.plugins.module_utils._release_store import Record, Store, now
from ansible_collections.barehost.web.plugins.module_utils._release_surroundings import as_its_unit, take_over_data
from ansible_collections.barehost.web.plugins.module_utils._release_user import Account, Sandbox, handed

if TYPE_CHECKING:
    from ansible_collections.barehost.web.plugins.module_utils._release_app import App, Settings

CACHE = Path("/var/cache/barehost")
_PIP_CONF = Path("/etc/pip.conf")
_GIT_SETTINGS = _release_build.TOOLS / "gitconfig"
#: A repository on the host belongs to whoever looks after it, never to the app's user.
_GIT_TEXT = "[safe]\n\tdirectory = *\n"


class Maker:
    """Makes releases of one app."""

    def __init__(self, app: App, settings: Settings, store: Store, who: Account, interpreter: Path) -> None:
        self.app = app
        self.settings = settings
        self.store = store
        self.who = who
        self.interpreter = interpreter
        self.cache = CACHE / app.name
        self.data = SharedData(app.name, who, app.shared)

    def make(
        self,
        named: tuple[str, str, str],
        ownership: Ownership,
        commit: Commit | None,
        previous: tuple[Path | None, Sequence[Entry]],
    ) -> Record:
        """Build in a folder of the app's user, then hand the result over to root.

        :param named: id, digest and version of the release.
        :param commit: what to fetch, if the source is a git repository.
        :param previous: folder and content of the release that is live now.
        """
        name, digest, version = named
        sandbox = self._sandbox({})
        try:
            code = self._fetch(self._staging(), commit, _release_fetch.keep_times(*previous))
            environment = ""
            if not self.app.public:
                environment = self._environment(sandbox, code)
                self._commands(code)
            record = Record(
                id=name,
                app=self.app.name,
                digest=digest,
                source=self.app.source.label(),
                version=version,
                created=now(),
                by=self.settings.by,
                barrier=name if self.app.irreversible else self.store.barrier(),
                environment=environment,
                manifest=[[entry.path, entry.kind, entry.executable, entry.content] for entry in code.entries],
            )
            self.store.put(code.folder, record, ownership)
        finally:
            self.store.clear_staging()
        return record

    def _staging(self) -> Path:
        """The folder for the code. The top is given away last: nothing below it can be exchanged before."""
        top = self.store.staging
        for folder in (top, top / "home", top / "source"):
            folder.mkdir(mode=0o700)
        for folder in (top / "home", top / "source", top):
            os.chown(folder, self.who.uid, self.who.gid)
        return top / "source"

    def _fetch(self, into: Path, commit: Commit | None, times: _release_fetch.Times) -> Code:
        source = self.app.source
        if commit:
            with self.git() as (sandbox, url):
                _release_git.fetch(sandbox, url, commit, into)
            return _release_fetch.surveyed(self.who, source, into, times)
        if source.kind == "package":
            return Code(into, into, ())
        if source.sent:
            opened = _release_fetch.open_sent(self.settings.bundle, self.app.name)
        else:
            opened = _release_fetch.download(source.location, source.digest, self.store.home)
        with opened as stream:
            return _release_fetch.unpacked(self.who, source, stream, into, times)

    def _environment(self, sandbox: Sandbox, code: Code) -> str:
        """Build the environment, and tell what it is made of."""
        uv = _release_build.install_uv(self.settings.uv_version, self.settings.uv_hashes, self.app.index)
        package = self.app.source.kind == "package"
        wanted = [*([self.app.source.location] if package else []), *self.app.requirements]
        text = "".join(f"{line}\n" for line in wanted)
        with handed(self.who, f"{self.app.name}.requirements", text) as extra:
            recipe = _release_build.Recipe(
                interpreter=self.interpreter,
                package=package,
                extra=extra if wanted else None,
                program=self.app.program,
                program_requirement=self.app.program_requirement,
                wanted=tuple(wanted),
                index=self.app.index,
            )
            # Commands may install something as well.
            digest = recipe.digest(code.folder, code.source, [self.settings.uv_version, *self.app.commands])
            ready = next(filter(_release_build.is_whole, self.store.alike(digest)), None)
            _release_build.build(sandbox, uv, code.folder, code.source, recipe, ready=ready)
        _release_build.check_environment(code.folder, recipe)
        return digest

    def _commands(self, code: Code) -> None:
        """Run the commands of the app where its code is, as its unit would run them.

        The folder is still the one of the build: what a command writes there becomes part of the release, and is
        sealed with it. The live release and its processes do not see any of it.
        """
        writable, timeout = (code.folder,), self.settings.timeout
        sandbox = as_its_unit(self.who, code.folder, writable=writable, timeout=timeout)
        self.data.link(code.folder)
        take_over_data(sandbox, code.folder)
        self.data.make()
        for command in self.app.commands:
            # systemd looks for a program before it has read the environment; env looks for it in PATH.
            sandbox.run(["/usr/bin/env", "--", *shlex.split(command)], code.folder, f"command '{command}'")

    def _sandbox(self, more: dict[str, str]) -> Sandbox:
        CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.cache.mkdir(mode=0o700, exist_ok=True)
        os.chown(self.cache, self.who.uid, self.who.gid)
        pip_conf = _PIP_CONF.read_text(encoding="utf-8", errors="replace") if _PIP_CONF.is_file() else ""
        variables = _release_build.build_variables(os.environ, pip_conf, self.store.staging / "home", self.cache)
        return Sandbox(
            app=self.app.name,
            who=self.who,
            writable=(self.cache, self.store.staging),
            environment={**self.app.index.for_uv(variables), **more},
            timeout=self.settings.timeout,
        )

    @contextlib.contextmanager
    def git(self) -> Iterator[tuple[Sandbox, str]]:
        """A sandbox in which git gets at the repository, and the URL without its password."""
        if not _GIT_SETTINGS.is_file():
            _GIT_SETTINGS.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            _GIT_SETTINGS.write_text(_GIT_TEXT, encoding="ascii")
        source = self.app.source
        with handed(self.who, f"{self.app.name}.key", f"{source.key.strip()}\n") as file:
            remote = _release_git.remote(
                source.location,
                known_hosts=self.cache / "known_hosts",
                settings=_GIT_SETTINGS,
                key=file if source.key else None,
            )
            yield self._sandbox(dict(remote.environment)), remote.url
