# {{ ansible_managed }}
"""Starts an app under supervisord as its user, with its environment and its socket.

supervisord has no file for secrets, and what it reads as an environment cannot hold every text. This reads the file of
role app as root, becomes the user of the app for good, and then becomes the app: no process is left in between.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import pwd
import re
import signal
import socket
import sys
import time
from pathlib import Path

CONTROL = "/run/barehost-sockets.sock"
PATIENCE = 10
LONGEST = 4096
#: Where systemd hands over the first socket; servers look for it there.
FIRST = 3
_NO_NEW_PRIVILEGES = 38

# What systemd.exec(5) says of EnvironmentFile=: a quoted or a bare value, which may go on in the next line.
_ASSIGNMENT = re.compile(
    r"""^[ \t]*([A-Za-z_]\w*)=((?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^"'\\\n])*)$""", re.ASCII | re.DOTALL | re.MULTILINE
)
_PIECE = re.compile(r""" "((?:[^"\\]|\\.)*)" | '([^']*)' | \\(.) | ([^"'\\]+) """, re.DOTALL | re.VERBOSE)
_ESCAPED = re.compile(r'\\([\\"`$\n])')


def value_of(text: str) -> str:
    """Take the quotes and the escapes from a value."""
    found = []
    for double, single, escaped, bare in _PIECE.findall(text.strip(" \t")):
        inner = _ESCAPED.sub(lambda match: "" if match[1] == "\n" else match[1], double)
        found.append(inner or single or escaped.replace("\n", "") or bare)
    return "".join(found)


def variables_of(text: str) -> dict[str, str]:
    """Read an environment file as systemd does."""
    return {name: value_of(value) for name, value in _ASSIGNMENT.findall(text)}


def environment(file: Path, who: pwd.struct_passwd) -> dict[str, str]:
    """Give the environment of the app: that of its file, and what systemd gives every service. Nothing is passed on."""
    given = {
        "HOME": who.pw_dir,
        "LANG": "C.UTF-8",
        "LOGNAME": who.pw_name,
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
        "PYTHONUNBUFFERED": "1",
        "SHELL": who.pw_shell,
        "USER": who.pw_name,
    }
    return given | (variables_of(file.read_text(encoding="utf-8")) if file.exists() else {})


def connect(until: float) -> socket.socket:
    """Reach the keeper of the sockets, which may be about to start."""
    while True:
        keeper = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        keeper.settimeout(PATIENCE)
        try:
            keeper.connect(CONTROL)
        except OSError as error:
            keeper.close()
            if time.monotonic() > until:
                sys.exit(f"the keeper of the sockets, program barehost.sockets, does not answer: {error.strerror}")
            time.sleep(0.1)
        else:
            return keeper


def take_socket(name: str, address: str) -> int:
    """Have the socket of the app where servers look for it; give the process that had it before."""
    with connect(time.monotonic() + PATIENCE) as keeper:
        keeper.sendall(json.dumps({"name": name, "address": address}).encode())
        answer, handed, _, _ = socket.recv_fds(keeper, LONGEST, 1)
        told = json.loads(answer or b"{}")
        if not handed:
            sys.exit(f"there is no socket for the app: {told.get('error', 'the keeper ended')}")
    os.dup2(handed[0], FIRST, inheritable=True)
    if handed[0] != FIRST:
        os.close(handed[0])
    before: int = told["before"]
    return before


def become(who: pwd.struct_passwd) -> None:
    """Be the user of the app, without a way back."""
    os.initgroups(who.pw_name, who.pw_gid)
    os.setresgid(who.pw_gid, who.pw_gid, who.pw_gid)
    os.setresuid(who.pw_uid, who.pw_uid, who.pw_uid)
    ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    os.umask(0o027)


def end_group(process: int) -> None:
    """End the workers that a killed master has left behind; what is not the app's own cannot be hit any more."""
    try:
        os.killpg(process, signal.SIGTERM)
    except (ProcessLookupError, PermissionError):
        return


def own_folder(path: Path, who: pwd.struct_passwd) -> None:
    """Have a folder that is the app's alone; the folder above it is root's."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o755)
    os.chown(path, who.pw_uid, who.pw_gid)


def main() -> None:
    """Do it all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--environment", type=Path, required=True)
    parser.add_argument("--folder", type=Path, help="of its own, gone with the next boot")
    parser.add_argument("--socket", default="", help="none for a command beside the app")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    os.umask(0o022)
    who = pwd.getpwnam(given.user)
    variables = environment(given.environment, who)
    if given.folder:
        own_folder(given.folder, who)
    before = 0
    if given.socket:
        before = take_socket(given.name, given.socket)
        variables |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
    become(who)
    if before:
        end_group(before)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    try:
        os.execve(given.command[0], given.command, variables)
    except OSError as error:
        sys.exit(f"{given.command[0]} cannot be run: {error.strerror}")


if __name__ == "__main__":
    main()
