# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep what Python makes of Ansible's modules; the Python of a machine loads this in the sessions of the tests.

Ansible sends a module with all that it imports as source text in an archive, which Python compiles anew in every call.
That was a tenth of all that the tests had the processors do. Programs that a module starts see nothing of this.
"""

from __future__ import annotations

import marshal
import os
import sys
import zipimport
from _blake2 import blake2b
from contextlib import suppress
from importlib.machinery import SourcelessFileLoader
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

#: Where Ansible has its own files, and no test looks for what a role leaves.
KEPT = Path("/root/.ansible/testbed")
OWN = str(Path(__file__).parent)


def keeping(compile_source: Callable[[str, bytes], CodeType]) -> Callable[[str, bytes], CodeType]:
    """Have a text compiled once for as long as the machine is there."""

    def compiled(path: str, source: bytes) -> CodeType:
        file = KEPT / f"{blake2b(source, digest_size=16).hexdigest()}.pyc"
        if file.exists():
            return SourcelessFileLoader(file.stem, str(file)).get_code(file.stem) or compile_source(path, source)
        code = compile_source(path, source)
        # A session may be killed at any time, and the disk may be full.
        new = file.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            new.write_bytes(MAGIC_NUMBER + bytes(12) + marshal.dumps(code))
            new.replace(file)
        return code

    return compiled


if os.environ.get("PYTHONPATH") == OWN:
    del os.environ["PYTHONPATH"]
    sys.path.remove(OWN)
    KEPT.mkdir(mode=0o700, parents=True, exist_ok=True)
    # zipimport has no other place where it could be told.
    vars(zipimport)["_compile_source"] = keeping(vars(zipimport)["_compile_source"])
