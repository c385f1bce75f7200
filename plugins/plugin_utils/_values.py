# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What single texts of an app may look like. Private to the collection.

Every function takes the text and returns the fault it found in it, or nothing.
"""

from __future__ import annotations

import re
import shlex
from urllib.parse import urlsplit

from ansible_collections.barehost.web.plugins.module_utils._release_user import mask
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault, show

NAME_LENGTH = 31
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}", re.ASCII)
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)
_FOLDER = re.compile(r"(/[\w.@+~=,-]+)+/?")
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_CALLABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(\(\))?")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][^\x00-\x1f\x7f]*")
_VERSION = re.compile(r"[A-Za-z0-9_][\w./@+-]*", re.ASCII)
_GIT = re.compile(r"((https?|ssh|git|file)://|(?:[\w.-]+@)?[\w.-]+:(?![:/])|/)[^\s\x00-\x1f\x7f]+")
_ARCHIVE = re.compile(r"(https?|file)://[^\s\x00-\x1f\x7f]+")
_INDEX = re.compile(r"(https?|file)://[^\s,\x00-\x1f\x7f]+")
_ARCHIVE_ENDS = (".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar", ".zip")
_OPERATORS = frozenset({"&", "&&", "|", "||", ";", "<", ">", ">>", "2>", "2>&1", "&>"})
_NOT_PUBLIC = frozenset({".git", ".venv"})
_OF_RELEASES = _NOT_PUBLIC | {".release.json", ".verdict.json", ".kept.json", ".live"}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

#: Source: "Environment Variables Set or Propagated by the Service Manager" in systemd.exec(5).
_OF_SYSTEMD = re.compile(
    r"LISTEN_(FDS|PID|FDNAMES|PIDFDID)|NOTIFY_SOCKET|MAINPID|MANAGERPID|INVOCATION_ID|JOURNAL_STREAM|WATCHDOG_(PID|USEC)"
    r"|SYSTEMD_\w+"
)
#: Source: ld.so(8), gconv and locale in the manual of glibc.
_OF_LOADER = re.compile(r"LD_\w+|GCONV_PATH|LOCPATH|GLIBC_TUNABLES")

# Accounts and groups that Debian's base or a usual package of a web host makes.
_ACCOUNTS = """
    root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats nobody _apt adm
    tty disk kmem dialout fax voice cdrom floppy tape sudo audio dip operator src shadow utmp video sasl
    plugdev staff users nogroup input sgx kvm render netdev crontab messagebus sshd systemd-network
    systemd-resolve systemd-timesync systemd-journal systemd-coredump polkitd ssl-cert mysql postgres redis
    memcache postfix postdrop ntp chrony bind unbound ftp debian-tor
"""
ACCOUNTS = frozenset(_ACCOUNTS.split())

# An app has folders of its name in /srv, /run, /var/lib and /var/cache: these belong to others there.
_FOLDERS = """
    apache2 apps apt barehost current dbus dpkg flask gunicorn initramfs journal letsencrypt lock log logrotate misc
    mod_wsgi mount nginx pam php private python python3 releases ssh supervisor systemd ucf udev user uwsgi
"""
FOLDERS = frozenset(_FOLDERS.split())


def name(text: str) -> Fault | None:
    """Check the name of an entry: it becomes part of unit names and of paths."""
    if _NAME.fullmatch(text):
        return None
    rule = "lower case letters, digits, '-' and '_', a letter first"
    if not text:
        return Fault("is empty", f"a name has {rule}")
    if len(text) > NAME_LENGTH:
        return Fault(f"{show(text)} has {len(text)} characters", f"a name has at most {NAME_LENGTH}")
    better = re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")
    suggestion = f", such as {better!r}" if _NAME.fullmatch(better) else ""
    return Fault(f"{show(text)} cannot be a name", f"a name has {rule}{suggestion}")


def app_name(text: str) -> Fault | None:
    """Check the name of an app: it becomes a system user and several folders as well."""
    fault = name(text)
    if fault is None and text in ACCOUNTS:
        return Fault(f"{text!r} is a user or group of the system", f"take another name, such as '{text}-app'")
    if fault is None and text in FOLDERS:
        return Fault(f"{text!r} is the name of a folder of the system", f"take another name, such as '{text}-app'")
    return fault


def site_name(text: str) -> Fault | None:
    """Check the name of a site."""
    if text == "default":
        return Fault("'default' is Debian's own site", "take another name, such as 'main'")
    return name(text)


def user(text: str) -> Fault | None:
    """Check the system user of an app."""
    if text == "root":
        return Fault("an app must not run as root", "leave it out for a user of the app's own")
    if text in ACCOUNTS:
        # Whatever that service has, the app could read and write, and the other way round.
        return Fault(f"{text!r} is the user of another service", "leave it out for a user of the app's own")
    return None if _USER.fullmatch(text) else Fault(f"{show(text)} cannot be a user name")


def python(text: str) -> Fault | None:
    """Check a version of Python."""
    if re.fullmatch(r"3\.\d{1,2}", text, re.ASCII):
        return None
    return Fault(f"{show(text)} is not a version of Python", "write '3.' and one number, such as '3.12'")


def folder(text: str) -> Fault | None:
    """Check an absolute path, of a folder or a file."""
    if not text.startswith("/"):
        return Fault(f"{show(text)} is not absolute", "begin it with '/'")
    if text == "/":
        return Fault("'/' is the whole machine", "name a folder in it")
    if {"..", "."} & set(text.split("/")):
        return Fault(f"{show(text)} has '.' or '..' in it", "write the path out")
    if not _FOLDER.fullmatch(text):
        return Fault(
            f"{show(text)} has a character that is not safe in a path",
            "use letters, digits and any of . _ - @ + ~ = ,",
        )
    return None


def subdirectory(text: str) -> Fault | None:
    """Check a folder inside a source."""
    if text.startswith("/"):
        return Fault(f"{show(text)} is absolute", "write it relative to the source")
    fault = folder(f"/{text}")
    return None if fault is None else Fault(fault.reason.replace(repr(f"/{text}"), show(text)), fault.way_out)


def public(text: str) -> Fault | None:
    """Check a folder of a release that the web server may read."""
    if text.split("/", maxsplit=1)[0] in _NOT_PUBLIC:
        return Fault(f"{show(text)} is not for publishing", "name a folder of files that browsers ask for")
    return _of_release(text, "a folder", "static")


def shared(text: str) -> Fault | None:
    """Check a path of a release that leads to data of all releases."""
    if text.split("/", maxsplit=1)[0] in _OF_RELEASES:
        return Fault(f"{show(text)} is what every release has of its own", "name a folder or a file of the app's data")
    return _of_release(text, "a folder or a file", "media")


def _of_release(text: str, what: str, example: str) -> Fault | None:
    if not text:
        return Fault("is empty", f"name {what} of the release, such as {example!r}")
    if text.startswith("/"):
        return Fault(f"{show(text)} is absolute", f"write it relative to the release, such as {example!r}")
    return subdirectory(text)


def command(text: str) -> Fault | None:
    """Check a command that runs without a shell."""
    try:
        words = shlex.split(text)
    except ValueError:
        return Fault(f"{show(text)} has a quotation mark or a backslash too many", "close what is opened")
    if not words:
        return Fault("is empty", "write a command, such as 'python manage.py migrate --noinput'")
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", text):
        return Fault(f"{show(text)} has a line break or another control character in it", "write it on one line")
    if "=" in words[0]:
        return Fault(f"{show(text)} begins with a variable", "put it into 'environment'")
    operator = next((word for word in words if word in _OPERATORS), None)
    if operator is not None:
        way_out = "make each command an entry of its own, or put the program into a script of the source"
        return Fault(f"{show(text)} needs a shell for {operator!r}, and there is none", way_out)
    return None


def wsgi(text: str) -> Fault | None:
    """Check a reference to a WSGI callable."""
    module, colon, target = text.partition(":")
    if not colon:
        return Fault(f"{show(text)} names no callable", "write 'module:callable', such as 'wsgi:app'")
    if "/" in module or module.endswith(".py"):
        dotted = module.removesuffix(".py").strip("./").replace("/", ".")
        return Fault(f"{show(text)} names a file", f"write the module with dots, such as '{dotted}:{target}'")
    if not _MODULE.fullmatch(module) or not _CALLABLE.fullmatch(target):
        return Fault(f"{show(text)} is not a WSGI callable", "write 'module:callable', such as 'wsgi:app'")
    return None


def memory(text: str) -> Fault | None:
    """Check an amount of memory in systemd's notation."""
    if re.fullmatch(r"[1-9]\d*[KMGT]?", text, re.ASCII):
        return None
    if re.fullmatch(r"(100|[1-9]?\d)%", text, re.ASCII) and text != "0%":
        return None
    close = re.fullmatch(r"([1-9]\d*) ?([kmgt])i?b?", text, re.ASCII | re.IGNORECASE)
    example = f"{close[1]}{close[2].upper()}" if close else "512M"
    return Fault(f"{show(text)} is not an amount of memory", f"write it with K, M, G or T, such as '{example}'")


def requirement(text: str) -> Fault | None:
    """Check a requirement of the package index; an option in its place could redirect the installation."""
    if text.startswith("-"):
        return Fault(f"{show(text)} is an option of the installer", "write a requirement, such as 'redis>=5'")
    if not _REQUIREMENT.fullmatch(text):
        return Fault(f"{show(text)} is not a requirement", "write a name with its versions, such as 'redis>=5'")
    return None


def _host(text: str) -> Fault | None:
    """Check where a URL, or the user@host:path of git, leads to: programs are given it as it is."""
    shown = show(mask(text))
    if "://" not in text:
        place = text.partition(":")[0]
        user, _at, host = place.rpartition("@")
    else:
        try:
            parts = urlsplit(text)
            host, user, port = parts.hostname or "", parts.username or "", parts.port
        except ValueError:
            # What Python says of it, and the text itself, may hold a piece of a password that has a slash in it.
            shown = "it" if "@" in text else shown
            way_out = "write host and port anew, and '/' in a password as %2F"
            return Fault(f"{shown} has no port from 1 to 65535, or no address in []", way_out)
        if parts.scheme == "file":
            way_out = "write three slashes: file:///path"
            return Fault(f"{shown} names a host", way_out) if parts.netloc not in {"", "localhost"} else None
        if not host:
            return Fault(f"{shown} names no host", "write two slashes and the name of a host")
        if port == 0:
            return Fault(f"{shown} leads to port 0", "write the port, or leave it out")
    if host.startswith("-") or user.startswith("-"):
        return Fault(f"{shown} would be an option of a program", "a host or a user does not begin with '-'")
    return None


def index(text: str) -> Fault | None:
    """Check the URL of a package index; what it shows has no password in it."""
    if _INDEX.fullmatch(text):
        return _host(text)
    return Fault(f"{show(mask(text))} is not the URL of an index", "write https:// and the address of its simple pages")


def wheels(text: str) -> Fault | None:
    """Check a place that has packages as files."""
    if "://" in text:
        return index(text)
    fault = folder(text) if text.startswith("/") else subdirectory(text)
    return fault or (Fault(f"{show(text)} has a comma in it", "name the folder otherwise") if "," in text else None)


def git(text: str) -> Fault | None:
    """Check the URL of a git repository."""
    if text.startswith("/"):
        return None if _GIT.fullmatch(text) else Fault(f"{show(text)} is not the path of a repository")
    if _GIT.fullmatch(text):
        return _host(text)
    return Fault(f"{show(text)} is not the URL of a repository", "write https://, ssh:// or user@host:path")


def version(text: str) -> Fault | None:
    """Check a tag, branch or commit."""
    if _VERSION.fullmatch(text) and ".." not in text:
        return None
    return Fault(f"{show(text)} cannot be a tag, branch or commit")


def archive(text: str) -> Fault | None:
    """Check the URL of an archive, or its path on the control node."""
    if "://" in text and not _ARCHIVE.fullmatch(text):
        return Fault(f"{show(text)} is not a URL", "write https:// and the address of the archive")
    if "://" in text and (fault := _host(text)):
        return fault
    if not re.split(r"[?#]", text, maxsplit=1)[0].lower().endswith(_ARCHIVE_ENDS):
        return Fault(f"{show(text)} is of no known kind", f"an archive ends in {', '.join(_ARCHIVE_ENDS)}")
    return None


def checksum(text: str) -> Fault | None:
    """Check the checksum of an archive."""
    kind, colon, digits = text.partition(":")
    if colon and kind != "sha256":
        return Fault(f"checksums of kind {show(kind)} are not supported", "write 'sha256:' and 64 hexadecimal digits")
    if not colon or not re.fullmatch(r"[0-9a-f]{64}", digits, re.ASCII | re.IGNORECASE):
        return Fault(f"{show(text)} is not a checksum", "write 'sha256:' and 64 hexadecimal digits")
    return None


def variable(text: str) -> Fault | None:
    """Check the name of an environment variable."""
    if not _VARIABLE.fullmatch(text):
        return Fault(f"{show(text)} cannot be the name of a variable", "use letters, digits and '_', no digit first")
    if _OF_SYSTEMD.fullmatch(text):
        return Fault(f"{text} is set by systemd, which tells processes of a unit something by it", "leave it out")
    if _OF_LOADER.fullmatch(text):
        return Fault(f"{text} is heeded by the loader of every program, also of those that root runs", "leave it out")
    return None


def secret(value: object) -> Fault | None:
    """Check the value of an environment variable, without ever showing it."""
    if value is None:
        return Fault("has no value", "write '' for an empty one")
    if isinstance(value, bool | float):
        return Fault("is not a text", "put it in quotes")
    if not isinstance(value, str | int):
        return Fault("is not a text", "write one text for each variable")
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", str(value)):
        return Fault("has a line break or another control character in it", "put it in a file, or encode it")
    return None
