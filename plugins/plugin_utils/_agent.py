# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have a host carry out an order, in one call; see module_utils/_agent.py. Private to the collection."""

from __future__ import annotations

import base64
import functools
import io
import json
import shlex
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.vars.clean import remove_internal_keys
from ansible_collections.barehost.web.plugins.module_utils import _agent
from ansible_collections.barehost.web.plugins.modules.agent import READER

_FOLDER = Path(_agent.__file__).parent
_PYTHON = "/usr/bin/python3"
_MISSING = 127


@functools.cache
def program() -> bytes:
    """Give the program that takes orders, with its length before it."""
    text = Path(_agent.__file__).read_bytes() + b"\n\nmain()\n"
    return f"{len(text)}\n".encode() + text


@functools.cache
def code() -> tuple[str, dict[str, bytes]]:
    """Give the digest of the code that works on hosts, and each of its files."""
    contents = {path.name: path.read_bytes() for path in sorted(_FOLDER.glob("*.py"))}
    return _agent.digest_of(contents), contents


def packed() -> bytes:
    """Pack the code, which takes ten times as long as to read it: only for a host that asks for it."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in code()[1].items():
            archive.writestr(name, content)
    return base64.b64encode(written.getvalue())


def ask(action: ActionBase, order: Mapping[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
    """Have the host carry out an order, with the code that it has; it is sent where it has another one, or none.

    :param order: see module_utils/_works.py.
    :returns: the result of the task.
    """
    digest, _contents = code()
    compressed = base64.b64encode(zlib.compress(json.dumps(order).encode(), 1)).decode()
    message = json.dumps({"digest": digest, "order": compressed}).encode() + b"\n"
    result = _send(action, message, variables)
    if result.pop("needs_code", False):
        result = _send(action, message + packed(), variables)
    if result.pop("needs_code", False):
        text = "Another run has removed the code of the collection from the host meanwhile. Run again."
        return {"failed": True, "changed": False, "msg": text}
    return result


def _send(action: ActionBase, message: bytes, variables: dict[str, Any]) -> dict[str, Any]:
    told = variables["ansible_delegated_vars"][action._task.delegate_to] if action._task.delegate_to else variables
    # Of the inventory, of the environment or of ansible.cfg.
    setting = constants.config.get_config_value("INTERPRETER_PYTHON", variables=told)
    python = interpreter({**told, "ansible_python_interpreter": action._templar.template(setting)})
    message = program() + message
    if action._is_pipelining_enabled("new", bool(action._task.async_val)):
        # Some name it by way of env.
        words = shlex.join(shlex.split(python))
        command = f"{action._compute_environment_string()} {words} -c {shlex.quote(READER)}".strip()
        return result_of(action._low_level_execute_command(command, in_data=message), python)
    arguments = {"message": base64.b64encode(message).decode()}
    done: dict[str, Any] = action._execute_module("barehost.web.agent", module_args=arguments, task_vars=variables)
    if "said" not in done:
        return done
    return result_of({"stdout": done["said"], "stderr": done["errors"], "rc": done["status"]}, python)


def interpreter(variables: Mapping[str, Any]) -> str:
    """Give the Python of a host: what its user has set, what Ansible has found there, or else Debian's."""
    wanted = str(variables.get("ansible_python_interpreter") or "")
    found = str(variables.get("ansible_facts", {}).get("discovered_interpreter_python") or "")
    return wanted if wanted and not wanted.startswith("auto") else found or _PYTHON


def result_of(done: Mapping[str, Any], python: str) -> dict[str, Any]:
    """Read the answer of a host in what its command has printed."""
    said = str(done.get("stdout", ""))
    answers = [line.removeprefix(_agent.MARK) for line in said.splitlines() if line.startswith(_agent.MARK)]
    if answers:
        result: dict[str, Any] = json.loads(answers[-1])
        remove_internal_keys(result)
        result.setdefault("changed", False)
        return result
    errors, status = str(done.get("stderr", "")), done.get("rc")
    text = f"The host gave no answer: {python} ended with status {status}. {(errors or said).strip()[-1000:]}".strip()
    if status == _MISSING:
        text = f"There is no {python} on the host: install Debian's python3, or set ansible_python_interpreter."
    return {"failed": True, "msg": text, "module_stdout": said, "module_stderr": errors, "rc": status}
