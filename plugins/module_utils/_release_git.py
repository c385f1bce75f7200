# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Code from a git repository: which commit is meant, and how it gets into a folder.

This module is private to the collection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ansible_collections.barehost.web.plugins.module_utils._patience import patiently
from ansible_collections.barehost.web.plugins.module_utils._release_user import Sandbox, WorkError, mask

_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
#: Reads user name and password from variables, so that neither is an argument of any process.
_HELPER = '!f() { echo "username=$BAREHOST_GIT_USER"; echo "password=$BAREHOST_GIT_PASSWORD"; }; f'
#: What git, curl in it and ssh say of a server that cannot answer now, or of a connection that broke off.
_FOR_THE_MOMENT = re.compile(
    r"returned error: (?:408|429|5\d\d)|[Cc]onnection (?:was )?(?:refused|reset|closed|timed out)"
    r"|(?:Failed|unable) to connect|Could not resolve|Temporary failure|Empty reply|early EOF|hung up unexpectedly"
    r"|unexpected disconnect|transfer closed"
)
#: Git waits for a server that does not answer for minutes, and says of it what it says of one that refuses.
_LONGEST = 60.0


@dataclass(frozen=True)
class Commit:
    """A commit, and the tag it was found by, if it was one."""

    name: str
    tag: str = ""


@dataclass(frozen=True)
class Remote:
    """Where a repository is: a URL without its secret, and the variables that let git in."""

    url: str
    environment: Mapping[str, str]


def remote(url: str, *, known_hosts: Path, settings: Path, key: Path | None = None) -> Remote:
    """How git reaches ``url``.

    :param known_hosts: where keys of ssh servers are kept; the one first seen is trusted.
    :param settings: git's "global" configuration for these calls.
    :param key: private ssh key to use.
    """
    ssh = f"ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={known_hosts}"
    variables = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/true",
        "GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file",
        "GIT_CONFIG_GLOBAL": str(settings),
        "GIT_SSH_COMMAND": f"{ssh} -o IdentitiesOnly=yes -i {key}" if key else ssh,
    }
    parts = urlsplit(url) if "://" in url else None
    if parts and parts.scheme in {"http", "https"} and parts.username:
        host = parts.netloc.rpartition("@")[2]
        variables |= {
            "GIT_CONFIG_COUNT": "1",
            # Bound to the one server: a submodule elsewhere is not given the password.
            "GIT_CONFIG_KEY_0": f"credential.{parts.scheme}://{host}.helper",
            "GIT_CONFIG_VALUE_0": _HELPER,
            "BAREHOST_GIT_USER": unquote(parts.username),
            "BAREHOST_GIT_PASSWORD": unquote(parts.password or ""),
        }
        url = parts._replace(netloc=host).geturl()
    return Remote(url, variables)


def is_commit(version: str) -> bool:
    """Whether ``version`` is a full commit id, which needs no question to the server."""
    return bool(_COMMIT.match(version))


def choose(version: str, answer: str) -> Commit | None:
    """The commit that ``version`` means by the ``answer`` of ls-remote; a tag goes before a branch, as in git."""
    pairs = (line.partition("\t") for line in answer.splitlines())
    found = {ref: commit for commit, _, ref in pairs}
    # An annotated tag is listed twice; the peeled line (^{}) holds the commit.
    for ref in (f"refs/tags/{version}^{{}}", f"refs/tags/{version}"):
        if ref in found:
            return Commit(found[ref], tag=version)
    for ref in (f"refs/heads/{version}", version):
        if ref in found:
            return Commit(found[ref])
    return None


def _passing(error: Exception) -> bool:
    """Whether git may have more luck in a moment."""
    return _FOR_THE_MOMENT.search(str(error)) is not None


def resolve(sandbox: Sandbox, url: str, version: str) -> Commit:
    """Ask the repository at ``url`` (without secrets) which commit ``version`` is now."""
    if is_commit(version):
        return Commit(version)
    refs = (f"refs/heads/{version}", f"refs/tags/{version}", f"refs/tags/{version}^{{}}")
    wanted = ("HEAD",) if version == "HEAD" else refs
    command = ["git", "ls-remote", "--quiet", "--", url, *wanted]
    doing = f"asking {mask(url)} for '{version}'"
    commit = choose(version, patiently(lambda: sandbox.run(command, Path("/"), doing), _passing, _LONGEST))
    if not commit:
        hint = " Write a commit with all its 40 digits." if re.fullmatch(r"[0-9a-f]{7,39}", version) else ""
        raise WorkError(f"{mask(url)} has no branch and no tag '{version}'.{hint}")
    return commit


def fetch(sandbox: Sandbox, url: str, commit: Commit, into: Path) -> None:
    """Put the files of ``commit`` and of its submodules into the folder ``into``; ``.git`` stays for the build."""

    def git(*words: str, doing: str) -> None:
        patiently(lambda: sandbox.run(["git", *words], into, doing), _passing, _LONGEST)

    git("init", "--quiet", ".", doing="making a repository")
    git("remote", "add", "--", "origin", url, doing="naming the repository")
    try:
        git("fetch", "--quiet", "--depth=1", "origin", commit.name, doing="fetching the commit")
    except WorkError as error:
        if _passing(error):
            raise
        # Old servers hand out branches and tags only, and not a commit by its id.
        refs = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
        git("fetch", "--quiet", "origin", *refs, doing=f"fetching {mask(url)}")
    git("checkout", "--quiet", "--detach", commit.name, doing=f"checking out {commit.name}")
    if commit.tag:
        # Programs that make a version number of the tag look for it while the app is built.
        git("tag", "--force", "--", commit.tag, commit.name, doing="naming the tag")
    if (into / ".gitmodules").is_file():
        git("submodule", "--quiet", "update", "--init", "--recursive", "--depth=1", doing="fetching the submodules")
