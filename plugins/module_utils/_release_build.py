# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The virtual environment of a release: which commands make it, and in which environment they run.

This module is private to the collection.
"""

from __future__ import annotations

import configparser
import contextlib
import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.barehost.web.plugins.module_utils._patience import patiently
from ansible_collections.barehost.web.plugins.module_utils._release_index import Index
from ansible_collections.barehost.web.plugins.module_utils._release_locks import (
    dependency_steps,
    is_pinned,
    lock_digest,
)
from ansible_collections.barehost.web.plugins.module_utils._release_user import Sandbox, WorkError, mask, tail

#: Where programs of the collection itself live on a host.
TOOLS = Path("/opt/barehost")
#: Where Debian has pip as a wheel: python3-pip-whl.
WHEELS = Path("/usr/share/python-wheels")
#: Where programs of Debian are.
DEBIAN = "/usr/bin:/bin"
#: Where programs of the host are.
PATH = f"/usr/local/bin:{DEBIAN}"
#: Variables of the login that a build may see: where packages come from, and whom to trust. Nothing else.
_PASSED = re.compile(
    r"(UV_|PIP_|SSL_|GIT_SSL_|LC_)\w+\Z|(LANG|TZ|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|CARGO_HTTP_CAINFO|NODE_EXTRA_CA_CERTS)\Z"
    r"|(https?|ftp|all|no)_proxy\Z",
    re.IGNORECASE,
)
#: What pip would be told by its configuration, in uv's words; uv reads neither pip's file nor its variables.
_FROM_PIP = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}
#: Runs a command whose output goes to a file; what it complains of does not.
_INTO = 'exec "$@" >"$0"'
_SAME = {"UV_DEFAULT_INDEX": "UV_INDEX_URL", "UV_INDEX": "UV_EXTRA_INDEX_URL"}


#: What pip says of a file that it was sent a part of only. It asks again for one of which it was sent nothing.
_BROKEN_OFF = re.compile(r"Read timed out|not enough bytes|Connection broken|is invalid|DO NOT MATCH THE HASHES")
_UV = (
    "uv comes from the package index with pip: see that python3-pip-whl is installed and that the host reaches "
    "the index ('index' of the app, then pip.conf and PIP_* of the login)."
)


@dataclass(frozen=True)
class Recipe:
    """What a virtual environment is made of beside the code."""

    interpreter: Path
    package: bool
    #: File with the package and the requirements of the entry; a URL with a password must not be an argument.
    extra: Path | None
    #: Program that must be in the environment, and what to install if nothing else brings it.
    program: str
    program_requirement: str
    #: What the package and the requirements of the entry are.
    wanted: tuple[str, ...] = ()
    index: Index = field(default_factory=Index)

    def digest(self, code: Path, source: Path, others: Sequence[str]) -> str:
        """Tell one environment from another; empty if the same words may mean another one tomorrow.

        :param others: What else an environment depends on.
        """
        lock = None if self.package else lock_digest(code, source)
        pinned = lock is not None and is_pinned("\n".join((*self.wanted, self.program_requirement)))
        where = mask(repr((sorted(self.index.for_uv({}).items()), self.index.only_wheels)))
        words = [lock, where, str(self.interpreter.resolve()), *self.wanted]
        words += [self.program, self.program_requirement, *others]
        return hashlib.sha256(json.dumps(words).encode()).hexdigest() if pinned else ""


def passed_on(login: Mapping[str, str]) -> dict[str, str]:
    """The variables of the login that a build may see."""
    return {name: value for name, value in login.items() if _PASSED.match(name) and "\n" not in value}


def pip_settings(variables: Mapping[str, str], file: str) -> dict[str, str]:
    """What the host's administrator told pip about the index, by variable or in the text of ``pip.conf``."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(file)
    except configparser.Error:
        parser.clear()
    settings = {}
    for option, name in _FROM_PIP.items():
        variable = f"PIP_{option.upper().replace('-', '_')}"
        value = variables.get(variable) or parser.get("global", option, fallback="") or ""
        if value.split():
            settings[name] = ("," if name == "UV_FIND_LINKS" else " ").join(value.split())
    return settings


def build_variables(login: Mapping[str, str], pip_conf: str, home: Path, cache: Path) -> dict[str, str]:
    """The environment of a build, from that of the login on the host."""
    passed = passed_on(login)
    for name, value in pip_settings(login, pip_conf).items():
        if name not in passed and _SAME.get(name) not in passed:
            passed[name] = value
    return {
        # The certificates that the host trusts, rather than those that uv was built with.
        "UV_SYSTEM_CERTS": "1",
        # An index that does not answer for some seconds is no reason to give up: the time of a build is limited anyway.
        "UV_HTTP_RETRIES": "4",
        "LANG": "C.UTF-8",
        **passed,
        "PATH": PATH,
        "HOME": str(home),
        "TMPDIR": str(home),
        "UV_CACHE_DIR": str(cache / "uv"),
        # Code is owned by root later; a hard link would change the owner in the cache as well.
        "UV_LINK_MODE": "copy",
        "UV_COMPILE_BYTECODE": "1",
        # An editable installation would point at the folder of the build for ever.
        "UV_NO_EDITABLE": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
        "NO_COLOR": "1",
    }


def build(sandbox: Sandbox, uv: Path, code: Path, source: Path, recipe: Recipe, *, ready: Path | None = None) -> None:
    """Make ``code/.venv`` and compile everything: the app's user cannot write there later.

    :param ready: An environment of an older release that is made of the same. A copy of it takes a fraction of the
        time; what would be installed is looked at all the same.
    """
    venv, python = code / ".venv", code / ".venv/bin/python"
    tool, options = str(uv), recipe.index.options()
    install = (tool, "pip", "install", *options, f"--python={python}")
    new = (tool, "venv", "--clear", "--relocatable", "--no-project", f"--python={recipe.interpreter}", str(venv))
    # By the app's user, who could exchange folders of the build for links while root goes through them.
    copy = ("cp", "--recursive", "--no-dereference", "--preserve=mode,timestamps,links", "--reflink=auto", ready, venv)
    sandbox.run([str(word) for word in copy] if ready else new, code, "making the environment")
    if not recipe.package:
        exported = Path(sandbox.environment["HOME"]) / "exported.txt"
        for step in dependency_steps(code, source, recipe.interpreter, python, exported):
            # A member of a workspace would be installed into the environment of the workspace otherwise.
            words = ["env", f"UV_PROJECT_ENVIRONMENT={venv}", tool, *step.command, *options, *step.options]
            if step.into:
                # What reads a lock runs once.
                words = ["sh", "-c", _INTO, str(step.into), "env", "UV_COMPILE_BYTECODE=0", *words]
            sandbox.run(words, code, step.doing)
    if recipe.extra:
        doing = "installing the dependencies" if recipe.package else "installing the requirements of the entry"
        sandbox.run([*install, f"--requirements={recipe.extra}"], code, doing)
    if recipe.program and not (venv / "bin" / recipe.program).is_file():
        sandbox.run([*install, recipe.program_requirement], code, f"installing {recipe.program}")
    # The content never changes after this, so that nothing has to be compared when a module is imported. A file
    # that is no valid Python (a template of code, say) is the app's own affair.
    compile_all = (python, "-m", "compileall", "-q", "--invalidation-mode=unchecked-hash", "-x", r"/\.venv/", code)
    with contextlib.suppress(WorkError):
        sandbox.run(compile_all, code, "compiling the code")


def is_whole(environment: Path) -> bool:
    """Whether all that was installed into an environment is still there, in its size.

    Source: the list of every installed package, as PyPA's "Recording installed projects" has it.
    """
    for record in environment.glob("lib/python*/site-packages/*.dist-info/RECORD"):
        try:
            with record.open(encoding="utf-8", newline="") as file:
                for path, _digest, size in csv.reader(file):
                    found = (record.parents[1] / path).stat()
                    if size and found.st_size != int(size):
                        return False
        except (OSError, ValueError):
            return False
    return True


def check_environment(code: Path, recipe: Recipe) -> None:
    """Complain about an environment that would not work at its final place."""
    if recipe.program and not (code / ".venv/bin" / recipe.program).is_file():
        raise WorkError(f"the environment has no program '{recipe.program}'")
    for path in (code / ".venv").glob("lib/python*/site-packages/*.pth"):
        if str(code) in path.read_text(encoding="utf-8", errors="replace"):
            raise WorkError(f"a dependency is installed as editable ({path.name}), which only works where it was built")


def install_uv(version: str, hashes: Sequence[str], index: Index, tools: Path = TOOLS) -> Path:
    """The program uv at exactly ``version``; installed from the package index when it is missing.

    :param hashes: SHA-256 of the wheels that are accepted; whatever the index has, when empty.
    """
    folder = tools / f"uv-{version}"
    program = folder / "bin/uv"
    if program.is_file():
        return program
    tools.mkdir(mode=0o755, parents=True, exist_ok=True)
    new = tools / ".uv.new"
    shutil.rmtree(new, ignore_errors=True)
    wanted = new / "uv.txt"
    (new / "result/bin").mkdir(parents=True)
    wanted.write_text(" ".join([f"uv=={version}", *(f"--hash=sha256:{digest}" for digest in hashes)]), encoding="ascii")
    variables = {**os.environ, **index.for_pip()}
    # Debian has pip as a wheel, which runs as it is: to unpack it into an environment first takes longer than its work.
    wheel = max(WHEELS.glob("pip-*.whl"), default=WHEELS / "pip.whl")
    pip = ["/usr/bin/python3", "-I", str(wheel / "pip"), "install", f"--target={new / 'all'}", "--no-compile"]
    pip += ["--quiet", "--no-deps", "--only-binary=:all:", "--root-user-action=ignore"]
    pip += ["--disable-pip-version-check", "--no-cache-dir", f"--requirement={wanted}"]
    patiently(
        lambda: as_root(pip, f"installing uv {version}", variables, _UV),
        lambda error: _BROKEN_OFF.search(str(error)) is not None,
    )
    (new / "all/bin/uv").rename(new / "result/bin/uv")
    for old in tools.glob("uv-*"):
        shutil.rmtree(old)
    (new / "result").rename(folder)
    shutil.rmtree(new)
    return program


def as_root(command: Sequence[str], doing: str, environment: Mapping[str, str], way_out: str) -> None:
    """Run something for all apps; raise with its last lines and the way out if it fails."""
    done = subprocess.run(
        command,
        env=environment,
        umask=0o022,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise WorkError(f"{doing} failed (exit status {done.returncode}):\n{tail(done.stdout)}\n{way_out}")
