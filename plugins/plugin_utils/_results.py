# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Actions that tell results on the control node. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.barehost.web.plugins.plugin_utils._convert import plain
from ansible_collections.barehost.web.plugins.plugin_utils._options import checked_options


@dataclass(frozen=True)
class Results:
    """What there is to tell."""

    #: For the terminal.
    lines: Sequence[str]
    #: Contents of files, by their names.
    files: Mapping[str, str]
    #: Why the task fails when all is told; empty if it does not.
    fault: str = ""


class ResultsAction(ActionBase):
    """Renders and writes; the hosts have been asked already. A class below says what, in :meth:`results`."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    documentation: ClassVar[str]
    #: The user's name for the option ``folder``.
    folder: ClassVar[str]
    #: The host that the task is of.
    host: str

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Print what there is to tell, write the files, fail if that is what they say."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        options = checked_options(self.documentation, plain(dict(self._task.args)))
        self.host = str((task_vars or {}).get("inventory_hostname", "host"))
        told = self.results(options)
        folder = Path(options["folder"]).expanduser().absolute()
        written = [] if self._task.check_mode else self._write(folder, told.files)
        self._display.display("\n".join(["", *told.lines, "", *written, ""]))
        result.update(changed=False, files=written)
        if told.fault:
            result.update(failed=True, msg=told.fault)
        return result

    def results(self, options: dict[str, Any]) -> Results:
        """Give what there is to tell."""
        raise NotImplementedError

    def _write(self, folder: Path, files: Mapping[str, str]) -> list[str]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                (folder / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise AnsibleActionFail(
                f"{self.folder}: {folder} cannot be written to: {error.strerror}; name another folder"
            ) from error
        return [str(folder / name) for name in files]
