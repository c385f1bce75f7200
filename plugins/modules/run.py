#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: run
short_description: Run one command as an app would
description:
  - Runs a command of yours as the user of an app, with its environment variables and in its sandbox, in the folder of
    the release that is live. Programs of its virtual environment are found first. There is no shell, and nothing to
    read from.
  - It may write where the app may, which is C(/var/lib/<name>) and the C(writable) folders of the app.
  - What it prints is shown when it has ended, errors and all. Values of environment variables of the app that have four
    characters or more are hidden in it.
  - A release that goes live meanwhile does not disturb it. It ends with its time.
author: barehost.web contributors
options:
  apps:
    description: Entries of C(web_apps).
    type: list
    elements: dict
    default: []
  app:
    description: Name of the app.
    type: str
    required: true
  command:
    description: The command, such as C(python manage.py createsuperuser --noinput). Every user of the host can see it.
    type: str
    required: true
  timeout:
    description: Seconds that it may take, at least 1.
    type: int
    default: 3600
attributes:
  check_mode:
    description: Finds out whether the app has a release, and runs nothing.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
seealso:
  - module: barehost.web.release
"""

EXAMPLES = r"""
- name: Look for mistakes in the settings
  barehost.web.run:
    apps: "{{ web_apps }}"
    app: shop
    command: python manage.py check --deploy
"""

RETURN = r"""
release:
  description: The release that it has run in.
  returned: success
  type: str
rc:
  description: Exit status of the command. The task fails with any but V(0).
  returned: when it was run
  type: int
stdout:
  description: What it has printed, errors included, in the order in which it came.
  returned: when it was run
  type: str
"""
