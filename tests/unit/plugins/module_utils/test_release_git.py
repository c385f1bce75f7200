# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which commit a version means, and how git is let in."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils._release_git import Commit, choose, is_commit, remote

ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40
ANSWER = f"""{ONE}\trefs/heads/main
{TWO}\trefs/tags/v1
{THREE}\trefs/tags/v1^{{}}
{TWO}\trefs/tags/light
{ONE}\trefs/tags/both
{TWO}\trefs/heads/both
{THREE}\tHEAD
"""


@pytest.mark.parametrize(
    ("version", "commit"),
    [
        ("main", Commit(ONE)),
        ("v1", Commit(THREE, "v1")),
        ("light", Commit(TWO, "light")),
        ("both", Commit(ONE, "both")),
        ("HEAD", Commit(THREE)),
        ("missing", None),
        ("tags/v1", None),
    ],
)
def test_a_version_is_a_commit(version: str, commit: Commit | None) -> None:
    assert choose(version, f"warning: a word of the server\n{ANSWER}") == commit


@pytest.mark.parametrize(("text", "full"), [(ONE, True), (ONE[:39], False), ("main", False), (f"{ONE}\n", False)])
def test_only_a_full_id_is_a_commit(text: str, *, full: bool) -> None:
    assert is_commit(text) is full


def access(url: str, key: Path | None = None) -> tuple[str, dict[str, str]]:
    made = remote(url, known_hosts=Path("/known"), settings=Path("/settings"), key=key)
    return made.url, dict(made.environment)


def test_a_password_is_no_argument_and_goes_to_its_server_only() -> None:
    url, variables = access("https://me:p%40ss@git.example.test:8443/util.git")
    assert url == "https://git.example.test:8443/util.git"
    assert variables["GIT_CONFIG_KEY_0"] == "credential.https://git.example.test:8443.helper"
    assert (variables["BAREHOST_GIT_USER"], variables["BAREHOST_GIT_PASSWORD"]) == ("me", "p@ss")
    assert "p@ss" not in variables["GIT_CONFIG_VALUE_0"]


@pytest.mark.parametrize("url", ["git@git.example.test:util.git", "ssh://git@git.example.test/util.git", "/srv/x.git"])
def test_other_urls_stay_as_they_are(url: str) -> None:
    found, variables = access(url)
    assert found == url
    assert "GIT_CONFIG_COUNT" not in variables
    assert "-o UserKnownHostsFile=/known" in variables["GIT_SSH_COMMAND"]
    assert "-i" not in variables["GIT_SSH_COMMAND"].split()


def test_a_key_is_the_only_one() -> None:
    _, variables = access("git@git.example.test:util.git", Path("/run/key"))
    assert variables["GIT_SSH_COMMAND"].endswith("-o IdentitiesOnly=yes -i /run/key")
