# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Throw-away Debian machines: containers with systemd, reached over ssh through `podman exec`.

Everything is found out by trying: which OCI runtime, which limits, root or not. The images are built from
Debian packages, kept in podman's storage, and built again after a week or when their recipe has changed.
"""

from __future__ import annotations

import argparse
import sys

from testbed import engine, guard, images, machines
from testbed.podman import BedError, say


def arguments() -> argparse.Namespace:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="script/machines", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    build = verbs.add_parser("images", help="build images that are missing, stale or old")
    build.add_argument("image", nargs="*", default=list(images.SUITES), help="default: all")
    build.add_argument("--rebuild", action="store_true", help="build them in any case")
    start = verbs.add_parser("up", help="start a machine; one that runs is left alone")
    start.add_argument("name", help="name of the container")
    kinds = [*images.SUITES, *(f"{name}{images.PLAIN}" for name in images.SUITES)]
    start.add_argument("--image", required=True, choices=kinds, help="plain: supervisord instead of systemd")
    start.add_argument("--port", type=int, help="publish this port on 127.0.0.1, at 8080 or above")
    start.add_argument("--lifetime", type=int, metavar="SECONDS", help="stop it after this time")
    start.add_argument("--guard", action="store_true", help="remove it when the molecule test around this call ends")
    remove = verbs.add_parser("down", help="remove machines of this checkout")
    remove.add_argument("name", nargs="*")
    remove.add_argument("--all", action="store_true", help="all of them")
    where = verbs.add_parser("address", help="print where a port of a machine was published")
    where.add_argument("name")
    where.add_argument("port", type=int)
    verbs.add_parser("list", help="print the names of this checkout's machines")
    verbs.add_parser("engine", help="print the switches of podman and of `podman run` that work on this host")
    return parser.parse_args()


def run(given: argparse.Namespace) -> None:
    """Do what was asked."""
    match given.verb:
        case "images":
            for image in given.image:
                images.ensure(image, rebuild=given.rebuild)
        case "up":
            new = machines.up(given.name, given.image, port=given.port, lifetime=given.lifetime)
            if given.guard:
                guard.set_up(given.name)
            say(f"machines: {given.name} {'is up' if new else 'was up already'}")
        case "down":
            for name in machines.down(machines.own() if given.all else given.name):
                say(f"machines: {name} removed")
        case "address":
            say(machines.address(given.name, given.port))
        case "list":
            say("\n".join(machines.own()))
        case "engine":
            chosen = engine.choose(images.ensure("debian13"))
            say(" ".join(("podman", *chosen.podman, "run", *chosen.run)))


if __name__ == "__main__":
    try:
        run(arguments())
    except BedError as error:
        sys.stderr.write(f"machines: {error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
