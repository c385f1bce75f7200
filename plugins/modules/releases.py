#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: releases
short_description: List the releases of apps
description:
  - Tells which releases of each app a host has, which of them is live, when and by whom each was made, of which
    version, and why one is not to be live. Nothing is changed.
author: barehost.web contributors
options:
  apps:
    description: Entries of C(web_apps) or of C(app_apps).
    type: list
    elements: dict
    default: []
  app:
    description: Names of the apps that are meant, with commas between them; V(all) for every one.
    type: str
    default: all
attributes:
  check_mode:
    description: Changes nothing anyway.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
seealso:
  - module: barehost.web.release
"""

EXAMPLES = r"""
- name: List the releases of an app
  barehost.web.releases:
    apps: "{{ web_apps }}"
    app: util
"""

RETURN = r"""
releases:
  description: The releases, those of an app together, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    app:
      description: Name of the app.
      type: str
    release:
      description: Id of the release.
      type: str
    state:
      description:
        - V(live), or V(previous) for the one that C(playbooks/rollback.yml) returns to, V(refused) if it did not answer
          in private, V(failed) if its server did not come up, V(withdrawn) by a rollback, V(kept) for any other.
      type: str
    irreversible:
      description: Whether older releases cannot work with the data that it has left.
      type: bool
    barred:
      description: Whether a newer release is irreversible.
      type: bool
    created:
      description: When it was made.
      type: str
    by:
      description: Who has made it; empty if that was not noted yet.
      type: str
    source:
      description: Where its code came from.
      type: str
    version:
      description: The commit, the digest or the requirement that it was made of.
      type: str
    reason:
      description: What the app has said when it was refused or failed.
      type: str
"""
