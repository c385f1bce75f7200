# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How fast a WordPress gives its front page: ours, kept by nginx and not, beside what Debian installs by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmark.byhand import FOLDER
from benchmark.report import Target
from benchmark.servers import Side, inside, serve, start, wait
from benchmark.throughput import LEAST, OURS, Throughput

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.transports import Transport

KEPT, DEBIAN = "ours, kept by nginx", "Debian's defaults"
#: A page that nginx has kept comes at least so many times as often as one that PHP makes.
TIMES = 20
_OUR_PORT, _DEBIAN_PORT = 9000, 9100
_NAME, _DOMAIN = "bench", "bench.test"
_HOST = f"{_DOMAIN}:{_OUR_PORT}"
# A visitor who may be logged in never gets a page that was made for somebody else.
_LOGGED_IN = "wordpress_logged_in_bench=1"
_NGINX = f"""\
user www-data;
worker_processes auto;
pid {FOLDER}/nginx.pid;
error_log {FOLDER}/error.log;
events {{ worker_connections 1024; }}
http {{
    include /etc/nginx/mime.types;
    access_log off;
    sendfile on;
    tcp_nopush on;
    gzip on;
    server {{
        listen 127.0.0.1:{_DEBIAN_PORT};
        root /usr/share/wordpress;
        index index.php;
        location / {{
            try_files $uri $uri/ /index.php$is_args$args;
        }}
        location ~ \\.php$ {{
            fastcgi_split_path_info ^(.+?\\.php)(/.*)$;
            try_files $fastcgi_script_name =404;
            include /etc/nginx/fastcgi.conf;
            fastcgi_pass unix:/run/php/php-fpm.sock;
        }}
    }}
}}
"""
_CONFIG = f"""\
<?php
define('DB_NAME', '{_NAME}');
define('DB_USER', 'www-data');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:/run/mysqld/mysqld.sock');
define('DB_CHARSET', 'utf8mb4');
define('WP_HOME', 'http://{_HOST}');
define('WP_SITEURL', 'http://{_HOST}');
define('WP_CONTENT_DIR', '/srv/{_NAME}/content');
define('DISABLE_WP_CRON', true);
$table_prefix = 'wp_';
"""
_USER = f"""\
CREATE OR REPLACE USER 'www-data'@'localhost' IDENTIFIED VIA unix_socket;
GRANT ALL ON `{_NAME}`.* TO 'www-data'@'localhost';
"""


def model() -> dict[str, Any]:
    """Write the entries as a user would."""
    site = {
        "name": _NAME,
        "domains": [_DOMAIN],
        "listen": [f"127.0.0.1:{_OUR_PORT}"],
        # As on the other side; a log costs both the same.
        "access_log": False,
        "routes": [{"path": "/", "wordpress": _NAME}],
    }
    return {"web_wordpress": [{"name": _NAME, "admin": {"email": "bench@example.test"}}], "web_sites": [site]}


def sides() -> list[Side]:
    """Give everything to ask."""
    page = ("wordpress", "front page")
    return [
        Side(*page, KEPT, _OUR_PORT, _HOST),
        Side(*page, OURS, _OUR_PORT, _HOST, _LOGGED_IN),
        Side(*page, DEBIAN, _DEBIAN_PORT, _HOST, _LOGGED_IN),
    ]


def prepare(transport: Transport, machine: str, folder: Path) -> None:
    """Have ours installed as a user would, and the same WordPress served by Debian's pool and an nginx beside it."""
    serve(transport, machine, folder, model())
    inside(machine, "mariadb", _USER)
    inside(machine, f"cat >/etc/wordpress/config-{_DOMAIN}.php", _CONFIG)
    inside(machine, f"mkdir -p {FOLDER} && cat >{FOLDER}/nginx.conf", _NGINX)
    inside(machine, "cd /usr/lib/systemd/system && systemctl start php*-fpm.service")
    start(machine, f"byhand-{_DEBIAN_PORT}", ["/usr/sbin/nginx", "-c", f"{FOLDER}/nginx.conf", "-g", "daemon off;"])
    for side in sides():
        wait(machine, side)


class Pages(Throughput):
    """All rounds of one benchmark of WordPress."""

    def targets(self) -> list[Target]:
        """Hold ours against Debian's defaults, and kept pages against those that PHP makes."""
        page = ("wordpress", "front page")

        return [
            Target(
                f"front page, requests {told}",
                self.ratio("requests", *page, one, other),
                least,
                self.ratio("processor", *page, other, one),
                at_least=True,
            )
            for told, one, other, least in (
                ("of ours that nginx has kept against those that PHP makes", KEPT, OURS, TIMES),
                ("of ours that PHP makes against Debian's defaults", OURS, DEBIAN, LEAST),
            )
        ]
