# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each role has installed and published, from the values of its options. Private to the collection.

A plan is what ``barehost.web.publish`` does for O(role): the packages first, then, with what the host has said of
itself by then, one publish.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ansible_collections.barehost.web.plugins.plugin_utils import (
    _acme,
    _apache,
    _app_plan,
    _databases,
    _flask,
    _gunicorn,
    _mod_wsgi,
    _nginx,
    _php_fpm,
    _supervisor,
    _uwsgi,
    _wordpress,
    _workers,
)
from ansible_collections.barehost.web.plugins.plugin_utils._convert import plain
from ansible_collections.barehost.web.plugins.plugin_utils._entries import needed, select

#: The options of a role, each of its type, with defaults.
Values: TypeAlias = Mapping[str, Any]
#: What barehost.web.packages has said of the host; empty where a role needs no package.
Host: TypeAlias = Mapping[str, Any]
#: Options of barehost.web.publish; None where there is nothing to ask the host about.
Publish: TypeAlias = dict[str, Any] | None


@dataclass(frozen=True)
class Packages:
    """Packages of Debian, and what to say of those that no source of the host has."""

    names: Sequence[str] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)


def _no_packages(_values: Values) -> Packages:
    return Packages()


def _nothing(*_given: object) -> list[Any]:
    return []


@dataclass(frozen=True)
class Plan:
    """What one role wants of a host."""

    publish: Callable[[Values, Host], Publish]
    packages: Callable[[Values], Packages] = _no_packages
    #: Users to remove when nothing runs as them any more, from the values and the outcome of the publish.
    leaving: Callable[[Values, Mapping[str, Any]], list[dict[str, str]]] = _nothing
    #: What is worth knowing of the entries, but no mistake.
    notes: Callable[[Values], list[str]] = _nothing


def _server(role: str, published: Callable[[object], dict[str, Any]], **more: object) -> Callable[..., Publish]:
    """Give the publish of a role that runs apps."""

    def publish(values: Values, _host: Host) -> Publish:
        return {"set": role, **published(values[f"{role}_apps"]), **more, "purge": values[f"{role}_purge"]}

    return publish


def _where_any(names: Sequence[str], kind: Callable[[Values], object]) -> Callable[[Values], Packages]:
    """Give packages that are needed where there is anything of a kind."""
    return lambda values: Packages(names if kind(values) else ())


def _app_packages(values: Values) -> Packages:
    names = _app(values)["packages"]
    return Packages([*names, *values["app_packages"]] if names else ())


def _app(values: Values) -> dict[str, Any]:
    return _app_plan.plan(select(values["app_apps"], "app"), values["app_part"])


def _publish_app(values: Values, _host: Host) -> Publish:
    plan = _app(values)
    if not plan["apps"] and not (values["app_purge"] and values["app_part"] != "release"):
        return None
    return {
        "set": "app",
        "accounts": plan["accounts"],
        "directories": [{"path": "/etc/barehost/apps", "mode": "0700"}],
        "files": plan["files"],
        "entries": plan["entries"],
        "purge": values["app_purge"],
    }


def _publish_supervisor(values: Values, _host: Host) -> Publish:
    if not values["supervisor_apps"] and not values["supervisor_purge"]:
        return None
    return {"set": "supervisor", **_supervised(values), "purge": values["supervisor_purge"]}


def _supervised(values: Values) -> dict[str, Any]:
    return _supervisor.published(
        values["supervisor_apps"], values["supervisor_log_size"], values["supervisor_log_backups"]
    )


def _publish_wordpress(values: Values, _host: Host) -> Publish:
    plan = _wordpress.plan(values["wordpress_installations"])
    chosen = {key: plan[key] for key in ("accounts", "parts", "units")}
    return {"set": "wordpress", **chosen, "purge": values["wordpress_purge"]}


def _wordpress_packages(values: Values) -> Packages:
    plan = _wordpress.plan(values["wordpress_installations"])
    return Packages(plan["packages"], plan["reasons"])


def _publish_mariadb(values: Values, host: Host) -> Publish:
    published = _databases.published(plain(values["mariadb_settings"]), plain(values["mariadb_bind"]), host["pool"])
    return {
        "set": "mariadb",
        "tree": "/etc/mysql",
        **published,
        "validate": host["validate"],
    }


def _php_fpm_packages(values: Values) -> Packages:
    prepared = _php_fpm.prepared(values["php_fpm_pools"])
    return Packages(prepared["packages"], prepared["reasons"])


def _publish_php_fpm(values: Values, host: Host) -> Publish:
    pools = values["php_fpm_pools"]
    return {
        "set": "php_fpm",
        "tree": "/etc/php_fpm",
        "accounts": _php_fpm.prepared(pools)["accounts"],
        **_php_fpm.published(pools, host),
        "purge": values["php_fpm_purge"],
    }


NGINX_PACKAGES = ("nginx", "logrotate")
#: The package enables a site of its own, which would answer for unknown hosts.
_NGINX_DEFAULT = "/etc/nginx/sites-enabled/default"
_NGINX_FILES = {
    "/etc/nginx/nginx.conf": "nginx.conf.j2",
    "/etc/nginx/barehost-reload.sh": "reload.sh.j2",
    "/etc/nginx/snippets/barehost-proxy.conf": "proxy.conf.j2",
    "/etc/nginx/snippets/barehost-uwsgi.conf": "uwsgi.conf.j2",
}


def _publish_nginx(values: Values, host: Host) -> Publish:
    sites = values["nginx_sites"]
    parts = _nginx.published(
        sites,
        values["nginx_apps"],
        values["nginx_wordpress"],
        ipv6=host.get("ipv6", True),
        codename=host.get("codename", ""),
    )
    wanted: dict[str, Any] = {
        "set": "nginx",
        "tree": "/etc/nginx",
        "parts": parts,
        "remove": [_NGINX_DEFAULT],
        "purge": values["nginx_purge"],
    }
    # Where Apache serves everything, nginx leaves the ports to it.
    if needed(sites, "nginx"):
        wanted["files"] = [{"dest": dest, "template": template} for dest, template in _NGINX_FILES.items()]
        wanted["reload"] = ["nginx.service"]
        wanted["validate"] = {
            "command": ["nginx", "-t"],
            "scratch": ["/var/log/nginx", "/var/lib/nginx"],
            "reject": "conflicting server name",
        }
    return wanted


#: The package enables a site of its own, which would answer for unknown hosts, and modules that nobody asked for.
_APACHE_DEFAULTS = (
    "sites-enabled/000-default.conf",
    "mods-enabled/access_compat.*",
    "mods-enabled/alias.conf",
    "mods-enabled/auth_basic.*",
    "mods-enabled/authn_*",
    "mods-enabled/authz_host.*",
    "mods-enabled/authz_user.*",
    "mods-enabled/autoindex.*",
    "mods-enabled/dir.conf",
    "mods-enabled/env.*",
    "mods-enabled/http2.conf",
    "mods-enabled/mpm_event.conf",
    "mods-enabled/mpm_prefork.*",
    "mods-enabled/mpm_worker.*",
    "mods-enabled/negotiation.*",
    "mods-enabled/reqtimeout.conf",
    "mods-enabled/setenvif.*",
    "mods-enabled/ssl.conf",
    "mods-enabled/status.*",
    "mods-enabled/wsgi.*",
)


def _publish_apache(values: Values, host: Host) -> Publish:
    published = _apache.published(values["apache_sites"], values["apache_apps"], host.get("codename", ""))
    wanted: dict[str, Any] = {"set": "apache", "tree": "/etc/apache2", **published, "purge": values["apache_purge"]}
    # Without any site there is nothing that Apache would take for a configuration.
    if published["units"]:
        wanted["remove"] = [f"/etc/apache2/{name}" for name in _APACHE_DEFAULTS]
        wanted["validate"] = {"command": ["apache2ctl", "configtest"], "scratch": ["/var/log/apache2"]}
        wanted["reload"] = [unit["name"] for unit in published["units"]]
    return wanted


def _serves_apache(values: Values) -> object:
    return _apache.published(values["apache_sites"], values["apache_apps"], "")["units"]


def _certified(values: Values) -> dict[str, Any]:
    return _acme.published(values["certbot_sites"], values["certbot_acme"])


def _publish_certbot(values: Values, _host: Host) -> Publish:
    wanted = _certified(values)
    if not wanted["sites"]:
        # What is there is needed once more to revoke the last certificate.
        return None
    return {"set": "certbot", "files": wanted["files"], "units": [{"name": "certbot.timer"}]}


def _certbot_packages(values: Values) -> Packages:
    wanted = _certified(values)
    return Packages(wanted["packages"] if wanted["sites"] else ())


PLANS: Mapping[str, Plan] = {
    "app": Plan(_publish_app, _app_packages),
    "gunicorn": Plan(_server("gunicorn", _gunicorn.published)),
    "uwsgi": Plan(
        _server(
            "uwsgi",
            _uwsgi.published,
            tree="/etc/uwsgi",
            validate={"command": ["uwsgi", "--plugins", "python3", "--version", "--ini"], "each": "*.ini"},
        ),
        # The package checks the settings of every app, also of those that run under a uWSGI of their own.
        _where_any(
            ("uwsgi-core", "uwsgi-plugin-python3"),
            lambda values: _uwsgi.published(values["uwsgi_apps"])["parts"]["files"],
        ),
        notes=lambda values: _uwsgi.notes(values["uwsgi_apps"]),
    ),
    "mod_wsgi": Plan(
        _server(
            "mod_wsgi",
            _mod_wsgi.published,
            tree="/etc/mod_wsgi",
            validate={"command": ["sh", "/etc/mod_wsgi/control.sh", "check"], "each": "/etc/mod_wsgi/*.conf"},
        ),
        # Apache's program and modules without the package apache2, whose service would take port 80.
        _where_any(
            ("apache2-bin", "libapache2-mod-wsgi-py3"),
            lambda values: _mod_wsgi.published(values["mod_wsgi_apps"])["units"],
        ),
        notes=lambda values: _mod_wsgi.notes(values["mod_wsgi_apps"]),
    ),
    "flask": Plan(_server("flask", _flask.published)),
    "supervisor": Plan(_publish_supervisor, _where_any(("supervisor",), lambda values: _supervised(values)["units"])),
    "workers": Plan(_server("workers", _workers.published)),
    "wordpress": Plan(_publish_wordpress, _wordpress_packages),
    "mariadb": Plan(_publish_mariadb, lambda _values: Packages(("mariadb-server",))),
    "php_fpm": Plan(
        _publish_php_fpm,
        _php_fpm_packages,
        leaving=lambda values, outcome: _php_fpm.leaving(values["php_fpm_pools"], outcome),
    ),
    "nginx": Plan(_publish_nginx, _where_any(NGINX_PACKAGES, lambda values: needed(values["nginx_sites"], "nginx"))),
    "apache": Plan(_publish_apache, _where_any(("apache2", "logrotate"), _serves_apache)),
    "certbot": Plan(_publish_certbot, _certbot_packages),
}
