# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The virtual environment of a release: which commands make it, and in which environment they run.

This module is private to the collection.
"""

from __future__ import annotations

import configparser
import contextlib
import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.barehost.web.plugins.module_utils._release_user import Sandbox, WorkError, tail

#: Where programs of the collection itself live on a host.
TOOLS = Path("/opt/barehost")
_DEBIAN = "/usr/bin:/bin"
#: Where programs of the host are.
PATH = f"/usr/local/bin:{_DEBIAN}"
#: Variables of the login that a build may see: where packages come from, and whom to trust. Nothing else.
_PASSED = re.compile(
    r"(UV_|PIP_|SSL_|GIT_SSL_|LC_)\w+\Z|(LANG|TZ|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|CARGO_HTTP_CAINFO|NODE_EXTRA_CA_CERTS)\Z"
    r"|(https?|ftp|all|no)_proxy\Z",
    re.IGNORECASE,
)
#: What pip would be told by its configuration, in uv's words; uv reads neither pip's file nor its variables.
_FROM_PIP = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "cert": "SSL_CERT_FILE"}
_SAME = {"UV_DEFAULT_INDEX": "UV_INDEX_URL", "UV_INDEX": "UV_EXTRA_INDEX_URL"}


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


def find_interpreter(python: str) -> Path | None:
    """Debian's ``python3``, or ``python<version>``; ``None`` where it is not installed."""
    found = shutil.which(f"python{python}", path=PATH) if python else shutil.which("python3", path=_DEBIAN)
    return Path(found) if found else None


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
            settings[name] = " ".join(value.split())
    return settings


def build_variables(login: Mapping[str, str], pip_conf: str, home: Path, cache: Path) -> dict[str, str]:
    """The environment of a build, from that of the login on the host."""
    passed = {name: value for name, value in login.items() if _PASSED.match(name) and "\n" not in value}
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


def _has_project(pyproject: Path) -> bool:
    """Whether a pyproject.toml describes something to install; many hold settings of tools only."""
    try:
        tables = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WorkError(f"pyproject.toml cannot be read: {error}") from error
    return "project" in tables or "build-system" in tables


def dependency_command(code: Path, source: Path, recipe: Recipe, python: Path) -> list[str]:
    """What uv is asked to install for the app itself; empty for an app without dependencies.

    A lock comes first, then requirements.txt, then pyproject.toml or setup.py alone. The lock of a workspace may
    be in a folder above, up to ``source``.
    """
    install = ["pip", "install", f"--python={python}"]
    if recipe.package:
        return [*install, f"--requirements={recipe.extra}"]
    above = [folder for folder in (code, *code.parents) if folder == source or source in folder.parents]
    project = (code / "pyproject.toml").is_file()
    if project and any((folder / "uv.lock").is_file() for folder in above):
        return ["sync", "--locked", "--no-dev", "--no-editable", f"--python={python}"]
    if (code / "requirements.txt").is_file():
        return [*install, "--requirements=requirements.txt"]
    if (project and _has_project(code / "pyproject.toml")) or (code / "setup.py").is_file():
        return [*install, "."]
    return []


def build(sandbox: Sandbox, uv: Path, code: Path, source: Path, recipe: Recipe) -> None:
    """Make ``code/.venv`` and compile everything: the app's user cannot write there later."""
    venv, python = code / ".venv", code / ".venv/bin/python"
    tool, install = str(uv), (str(uv), "pip", "install", f"--python={python}")
    new = (tool, "venv", "--clear", "--relocatable", "--no-project", f"--python={recipe.interpreter}", str(venv))
    sandbox.run(new, code, "making the environment")
    command = dependency_command(code, source, recipe, python)
    if command:
        # A member of a workspace would be installed into the environment of the workspace otherwise.
        sandbox.run(["env", f"UV_PROJECT_ENVIRONMENT={venv}", tool, *command], code, "installing the dependencies")
    if recipe.extra and not recipe.package:
        sandbox.run([*install, f"--requirements={recipe.extra}"], code, "installing the requirements of the entry")
    if recipe.program and not (venv / "bin" / recipe.program).is_file():
        sandbox.run([*install, recipe.program_requirement], code, f"installing {recipe.program}")
    # The content never changes after this, so that nothing has to be compared when a module is imported. A file
    # that is no valid Python (a template of code, say) is the app's own affair.
    compile_all = (python, "-m", "compileall", "-q", "--invalidation-mode=unchecked-hash", "-x", r"/\.venv/", code)
    with contextlib.suppress(WorkError):
        sandbox.run(compile_all, code, "compiling the code")


def check_environment(code: Path, recipe: Recipe) -> None:
    """Complain about an environment that would not work at its final place."""
    if recipe.program and not (code / ".venv/bin" / recipe.program).is_file():
        raise WorkError(f"the environment has no program '{recipe.program}'")
    for path in (code / ".venv").glob("lib/python*/site-packages/*.pth"):
        if str(code) in path.read_text(encoding="utf-8", errors="replace"):
            raise WorkError(f"a dependency is installed as editable ({path.name}), which only works where it was built")


def install_uv(version: str, hashes: Sequence[str], tools: Path = TOOLS) -> Path:
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
    _as_root(["/usr/bin/python3", "-m", "venv", str(new / "venv")], "making the environment for uv")
    pip = [str(new / "venv/bin/pip"), "install", "--quiet", "--no-deps", "--only-binary=:all:"]
    _as_root(
        [*pip, "--disable-pip-version-check", "--no-cache-dir", f"--requirement={wanted}"], f"installing uv {version}"
    )
    (new / "venv/bin/uv").rename(new / "result/bin/uv")
    for old in tools.glob("uv-*"):
        shutil.rmtree(old)
    (new / "result").rename(folder)
    shutil.rmtree(new)
    return program


def _as_root(command: Sequence[str], doing: str) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise WorkError(
            f"{doing} failed (exit status {done.returncode}):\n{tail(done.stdout)}\n"
            "uv comes from the package index with pip: see that python3-venv is installed and that the host reaches "
            "the index (pip.conf and PIP_* of the login count)."
        )
