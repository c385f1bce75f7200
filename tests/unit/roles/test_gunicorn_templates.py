# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of role gunicorn as their programs read them."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import jinja2
import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._gunicorn import published
from jinja2.sandbox import SandboxedEnvironment

REPOSITORY = Path(__file__).parents[3]
TEMPLATES = REPOSITORY / "roles/gunicorn/templates"


def render(**options: Any) -> dict[str, str]:
    """Render all files of one app, as publish does."""
    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader([TEMPLATES, REPOSITORY / "templates"]),
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    files = published([{"name": "util", "wsgi": "wsgi:server"} | options])["parts"]["files"]
    return {
        file["dest"]: environment.get_template(file["template"]).render(ansible_managed="-", **file.get("vars", {}))
        for file in files
    }


def settings(text: str) -> dict[str, Any]:
    """Read the plain settings of a gunicorn.conf.py; later ones win."""
    assigned = [node for node in ast.parse(text).body if isinstance(node, ast.Assign)]
    found = {}
    for node in assigned:
        (target,) = node.targets
        if isinstance(target, ast.Name) and not isinstance(node.value, ast.Call | ast.Attribute):
            found[target.id] = ast.literal_eval(node.value)
    return found


def test_settings_of_a_plain_app() -> None:
    assert settings(render()["/etc/gunicorn/util.conf.py"]) == {
        "wsgi_app": "wsgi:server",
        "chdir": "/srv/util/current",
        "workers": 2,
        "threads": 1,
        "timeout": 30,
        "graceful_timeout": 30,
        "keepalive": 75,
        "max_requests": 0,
        "max_requests_jitter": 0,
        "worker_tmp_dir": "/run/gunicorn/util",
        "control_socket_disable": True,
        "limit_request_line": 8190,
        "limit_request_field_size": 16384,
        "forwarded_allow_ips": "127.0.0.1,::1",
    }


def test_options_win_over_what_the_role_would_say() -> None:
    options = {"forwarded_allow_ips": "192.0.2.1", "worker_class": "gthread", "logconfig_dict": {"version": 1}}
    found = settings(render(options=options, max_requests=1000)["/etc/gunicorn/util.conf.py"])
    assert {key: found[key] for key in options} == options
    assert found["max_requests_jitter"] == 100


@pytest.mark.parametrize("options", [{}, {"options": {"post_worker_init": "x"}}])
def test_app_is_always_told_about_its_client(options: dict[str, Any]) -> None:
    text = render(**options)["/etc/gunicorn/util.conf.py"]
    assert text.endswith("\npost_worker_init = _hooks.post_worker_init\n")


def test_hooks_are_published_as_they_are() -> None:
    hooks = REPOSITORY / "templates/barehost_wsgi.py"
    assert render()["/etc/gunicorn/barehost_wsgi.py"] == hooks.read_text(encoding="utf-8")


def test_drop_ins_hold_one_section() -> None:
    files = render(bind="127.0.0.1:5000", memory_max="512M")
    assert files["/etc/systemd/system/gunicorn@util.socket.d/barehost.conf"].splitlines()[2:] == [
        "[Socket]",
        "ListenStream=",
        "ListenStream=127.0.0.1:5000",
        "FreeBind=yes",
    ]
    assert files["/etc/systemd/system/gunicorn@util.service.d/barehost.conf"].splitlines()[2:] == [
        "[Service]",
        "MemoryMax=512M",
    ]
