# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a machine needs to know of the network it lives in: certificates, proxies, package indexes.

This belongs to the test bed. On a real host the administrator has arranged it long before a role runs.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from testbed.podman import BedError

BUNDLE_INSIDE = "/etc/ssl/certs/ca-certificates.crt"
BUNDLES_OUTSIDE = (BUNDLE_INSIDE, "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
PASSED_ON = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_INSECURE_HOST",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)


def bundle() -> bytes | None:
    """Read the certificates that this host trusts, where it has them in one file."""
    named = (os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, *BUNDLES_OUTSIDE)
    for path in (Path(name) for name in named if name):
        if path.is_file():
            return path.read_bytes()
    return None


def variables(environment: dict[str, str], *, has_bundle: bool) -> dict[str, str]:
    """Choose the variables that a session inside a machine gets."""
    given = {name: environment.get(name, "") for name in PASSED_ON}
    # A path of this host means nothing inside.
    chosen = {name: value for name, value in given.items() if value and "file:" not in value}
    if has_bundle:
        chosen |= dict.fromkeys(("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"), BUNDLE_INSIDE)
        chosen["UV_SYSTEM_CERTS"] = "1"
    return chosen


def sshd_configuration(chosen: dict[str, str]) -> str:
    """Write the variables for sshd, which heeds only one such line."""
    if not chosen:
        return ""
    for name, value in chosen.items():
        if '"' in value or "\n" in value:
            raise BedError(f"the environment variable {name} has a character that sshd cannot pass on")
    return "SetEnv " + " ".join(f'"{name}={value}"' for name, value in chosen.items()) + "\n"
