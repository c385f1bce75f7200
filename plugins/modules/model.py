#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which does the work and never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: model
short_description: Check what is to be served before any host is touched
description:
  - Checks apps and sites against the roles' argument specifications, each entry by itself, and all entries against
    each other, such as a route to an app that does not exist, two sites with one domain, or two apps on one port.
  - Fails with one error that lists all mistakes by their path, one on a line, with a way out for each. Values of
    environment variables are never shown.
  - Variables whose name is nearly that of a variable of this collection are reported too. That is an error where the
    collection's own, such as C(web_sites), is not defined at all, and a warning otherwise.
  - It runs on the control node only. The host is not connected to, and no fact is needed.
author: barehost.web contributors
options:
  role:
    description:
      - Check every variable of this role as the host has it, such as O(nginx_sites), O(nginx_apps) and
        C(nginx_worker_connections), besides what the other options hold.
    type: str
    choices:
      - apache
      - app
      - certbot
      - certificates
      - flask
      - gunicorn
      - mariadb
      - mod_wsgi
      - nginx
      - php_fpm
      - supervisor
      - uwsgi
      - wordpress
      - workers
  web_apps:
    description:
      - Apps of the whole model. An entry has the keys of C(app_apps) of the role C(barehost.web.app) and those of
        C(gunicorn_apps), C(uwsgi_apps), C(mod_wsgi_apps), C(flask_apps), C(supervisor_apps) and C(workers_apps) of the
        roles C(barehost.web.gunicorn), C(barehost.web.uwsgi), C(barehost.web.mod_wsgi), C(barehost.web.flask),
        C(barehost.web.supervisor) and C(barehost.web.workers).
    type: list
    elements: dict
  web_sites:
    description:
      - Sites of the whole model. An entry has the keys of C(nginx_sites) of the role C(barehost.web.nginx), or those of
        C(apache_sites) of the role C(barehost.web.apache). The apps that their routes name are those of O(web_apps).
    type: list
    elements: dict
  web_wordpress:
    description:
      - WordPresses of the whole model. An entry has the keys of C(wordpress_installations) of the role
        C(barehost.web.wordpress); its address follows from the route of O(web_sites) that names it.
    type: list
    elements: dict
  web_environment:
    description:
      - What the host is for. Unless it is V(development), an app of O(web_apps) under Flask's development server is
        a mistake.
    type: str
    choices: [production, development]
    default: production
  web_acme:
    description:
      - The authority that signs the certificates of sites with C(mode) C(acme), as C(certbot_acme) of the role
        C(barehost.web.certbot).
    type: dict
  app_apps:
    description: The variable of the role C(barehost.web.app).
    type: list
    elements: dict
  gunicorn_apps:
    description: The variable of the role C(barehost.web.gunicorn).
    type: list
    elements: dict
  uwsgi_apps:
    description: The variable of the role C(barehost.web.uwsgi).
    type: list
    elements: dict
  mod_wsgi_apps:
    description: The variable of the role C(barehost.web.mod_wsgi).
    type: list
    elements: dict
  flask_apps:
    description: The variable of the role C(barehost.web.flask).
    type: list
    elements: dict
  supervisor_apps:
    description: The variable of the role C(barehost.web.supervisor).
    type: list
    elements: dict
  workers_apps:
    description: The variable of the role C(barehost.web.workers).
    type: list
    elements: dict
  php_fpm_pools:
    description: The variable of the role C(barehost.web.php_fpm).
    type: list
    elements: dict
  nginx_sites:
    description:
      - The variable of the role C(barehost.web.nginx). The apps that its routes name are those of O(nginx_apps).
    type: list
    elements: dict
  wordpress_installations:
    description: The variable of the role C(barehost.web.wordpress).
    type: list
    elements: dict
  nginx_wordpress:
    description: The variable of the role C(barehost.web.nginx).
    type: list
    elements: dict
  nginx_apps:
    description: The variable of the role C(barehost.web.nginx).
    type: list
    elements: dict
  apache_sites:
    description:
      - The variable of the role C(barehost.web.apache). The apps that its routes name are those of O(apache_apps).
    type: list
    elements: dict
  apache_apps:
    description: The variable of the role C(barehost.web.apache).
    type: list
    elements: dict
  certificates_sites:
    description: The variable of the role C(barehost.web.certificates). No key is ever shown.
    type: list
    elements: dict
  certbot_sites:
    description: The variable of the role C(barehost.web.certbot).
    type: list
    elements: dict
  mariadb_databases:
    description: The variable of the role C(barehost.web.mariadb). No password is ever shown.
    type: list
    elements: dict
notes:
  - The source C(path) of an app that is not absolute is looked for in the folder of the playbook, then in that of
    C(ansible.cfg), then in the collection.
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed, or possibly needs changing in check mode, when in diff mode.
    support: N/A
"""

EXAMPLES = r"""
- name: Check the model
  barehost.web.model:
    web_apps: "{{ web_apps }}"
    web_sites: "{{ web_sites }}"

- name: Check what role nginx is about to do
  barehost.web.model:
    role: nginx
"""

RETURN = r"""
msg:
  description: All mistakes, one on a line.
  returned: failure
  type: str
  sample: |-
    The model has 1 mistake:
    web_sites[0].routes[1].app: no app named 'utl'; did you mean 'util'?
"""
