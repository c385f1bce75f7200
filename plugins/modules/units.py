#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: units
short_description: Bring systemd units and programs of supervisord to their state, any number in one call
description:
  - Has systemd read its unit files again when they have changed, enables, starts, reloads, restarts, stops and
    disables.
  - Reloads and restarts what M(barehost.web.publish) and other modules of the collection have noted on the host,
    also in a
    run that was killed before it came to this. Nothing else is reloaded or restarted.
  - A name that ends in C(.program) is a program of supervisord. Of its configuration only what has changed is taken
    up, by the program that it is about. supervisord is started where there is no systemd and nobody else starts it.
  - Waits until a server that was started, restarted or reloaded answers a request. A unit that does not come up is
    an error
    that shows what the unit logged.
author: barehost.web contributors
options:
  units:
    description: The units.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name with its type, such as C(nginx.service), or C(util.program) for supervisord's C(util).
        type: str
        required: true
      state:
        description:
          - Whether the unit is to run. A unit that is V(stopped) need not exist. A program is stopped only if this
            collection has published it.
        type: str
        choices: [started, stopped]
        default: started
      enabled:
        description: Whether the unit is to be started at boot. A V(stopped) unit is always disabled.
        type: bool
        default: true
      entry:
        description: Name of the entry of the model the unit belongs to. Errors name it.
        type: str
        default: ""
      check:
        description: Only for programs. Command that has to succeed before the program is reloaded.
        type: list
        elements: str
        default: []
      reload:
        description:
          - Only for programs. Command that reloads it, with the number of its process in the variable C(MAINPID).
        type: list
        elements: str
        default: []
      listen:
        description:
          - Sockets of TCP that the unit opens itself. If another program has one, M(barehost.web.publish) changes
            nothing and says who. If the unit can open one only after it has closed another, such as C(127.0.0.1:80)
            in the place of port 80, it is restarted, not reloaded.
        type: list
        elements: dict
        default: []
        suboptions:
          address:
            description: Address and port, such as V(127.0.0.1:80), V(0.0.0.0:80) or V([::]:80).
            type: str
            required: true
          entry:
            description: Name of the entry of the model that wants it. Errors name it.
            type: str
            default: ""
      steady:
        description:
          - Seconds that the unit has to run without a break after it was started or restarted, for one that cannot be
            asked. One that ends within this time is an error.
        type: int
        default: 0
      ready:
        description: Request that tells whether the unit's server is ready. Without it the unit's own state is enough.
        type: dict
        suboptions:
          address:
            description: Where the server listens, V(unix:/path) or V(host:port).
            type: str
            required: true
          protocol:
            description: What the server speaks there.
            type: str
            choices: [http, uwsgi, fastcgi]
            default: http
          path:
            description: Path to ask for.
            type: str
            default: /
          method:
            description: Method of the request.
            type: str
            choices: [GET, HEAD, OPTIONS]
            default: GET
          status:
            description: The only good status; V(0) for any below 500.
            type: int
            default: 0
          host:
            description: The C(Host) header of the request.
            type: str
            default: localhost
          timeout:
            description: Seconds to wait for a good answer.
            type: int
            default: 30
attributes:
  check_mode:
    description: Reports what would be done.
    support: full
  diff_mode:
    description: Lists what is done.
    support: full
seealso:
  - module: barehost.web.publish
"""

EXAMPLES = r"""
- name: Start the application
  barehost.web.units:
    units:
      - name: gunicorn@util.socket
      - name: gunicorn@util.service
        entry: util
        ready: {address: "unix:/run/gunicorn/util.sock", path: /search, timeout: 20}
"""

RETURN = r"""
actions:
  description: What was done, such as V(restart gunicorn@util.service).
  returned: success
  type: list
  elements: str
"""
