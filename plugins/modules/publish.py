#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which does the work and never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: publish
short_description: Put a set of files on a host in one step, validated as a whole
description:
  - Renders any number of templates on the controller and hands the files to the host in one round trip.
  - On the host everything is compared first. New content is staged beside the live files, a program may check the
    staged tree as if it were live, and only then everything is put in place. The folder O(tree) is exchanged as a
    whole in one step, so that whoever reads it finds all of the old files or all of the new ones, also after a run
    that was
    killed.
  - If anything is wrong nothing on the host is changed, and the error names the entry, file, template and line.
  - The host remembers what a set published. Files of the set that are no longer wanted are removed; a file which
    the set did
    not publish is never removed, unless O(remove) names it. Content that somebody else wrote where the set
    publishes a file is
    kept in C(/var/lib/barehost/saved).
  - Units that have to take up a change are noted on the host before the change is made; M(barehost.web.units) tells
    them, also in a later run if this one is killed.
  - In the playbooks of this collection a host is not asked for what it has said at the beginning of the play to have,
    just as it is asked for. In other plays it is always asked.
author: barehost.web contributors
options:
  set:
    description: Name of the set; what it published before is remembered under this name. Letters, digits, C(-) and
      C(_). Needed unless O(role) is given.
    type: str
    default: ""
  role:
    description:
      - In the tasks of a role of this collection, the name of that role. The packages that it needs are installed, and
        what follows from its options is published; the other options but O(facts) are not given then.
    type: str
    default: ""
    choices:
      - ""
      - apache
      - app
      - certbot
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
  facts:
    description: Only with O(role). What an earlier task has said of the host, such as the result of
      M(barehost.web.database_server).
    type: dict
    default: {}
  files:
    description: The files of the set. Exactly one of O(files[].template), O(files[].file) and
      O(files[].content) is given for each.
    type: list
    elements: dict
    default: []
    suboptions:
      dest:
        description: Absolute path of the file on the host.
        type: str
        required: true
      template:
        description:
          - Template on the controller, found like that of M(ansible.builtin.template), and after that among those of
            the collection itself. Trailing newlines are kept.
        type: str
        default: ""
      vars:
        description: Variables for this file's template, over those of the play. Their values are data and are never
          templates.
        type: dict
        default: {}
      content:
        description: The content itself.
        type: str
      file:
        description: File on the controller that holds the content, in UTF-8. A relative one is looked for in the
          folder of the playbook, then in that of C(ansible.cfg), then in the collection.
        type: str
        default: ""
      entry:
        description: Name of the entry of the model the file belongs to. Errors and reports name it.
        type: str
        default: ""
      owner:
        description: User who owns the file. The user must exist.
        type: str
        default: root
      group:
        description: Group of the file. The group must exist.
        type: str
        default: root
      mode:
        description: Permissions, octal.
        type: str
        default: "0644"
      secret:
        description: Whether the content is kept out of diffs and error messages.
        type: bool
        default: false
      reload:
        description: Units to reload when the file changes.
        type: list
        elements: str
        default: []
      restart:
        description:
          - Units to restart when the file changes. A name with C(*) in it stands for the units that start with the
            host and fit.
        type: list
        elements: str
        default: []
      stop:
        description: Units to stop when the file is removed, because they are there for this file's entry alone.
        type: list
        elements: str
        default: []
      traces:
        description:
          - Absolute paths of what programs write on account of the file, such as their logs. Wildcards are allowed in
            the last part only.
          - They are removed when the file is.
        type: list
        elements: str
        default: []
  links:
    description: The symbolic links of the set.
    type: list
    elements: dict
    default: []
    suboptions:
      dest:
        description: Absolute path of the link on the host.
        type: str
        required: true
      target:
        description: What the link says, relative to the link's folder or absolute.
        type: str
        required: true
      entry:
        description: Name of the entry of the model the link belongs to.
        type: str
        default: ""
      reload:
        description: Units to reload when the link changes.
        type: list
        elements: str
        default: []
      restart:
        description: Units to restart when the link changes.
        type: list
        elements: str
        default: []
      stop:
        description: Units to stop when the link is removed, because they are there for this link's entry alone.
        type: list
        elements: str
        default: []
  directories:
    description: Folders of the set with owner and mode. Missing parents of files are made without being listed,
      root's and 0755.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path of the folder.
        type: str
        required: true
      owner:
        description: User who owns the folder.
        type: str
        default: root
      group:
        description: Group of the folder.
        type: str
        default: root
      mode:
        description: Permissions, octal.
        type: str
        default: "0755"
      entry:
        description: Name of the entry of the model the folder belongs to.
        type: str
        default: ""
  parts:
    description:
      - More of O(files), O(links), O(directories), O(entries), O(remove) and O(units), as a mapping with these keys or
        as the JSON text of one. For a filter that makes several of them from one model.
    type: dict
    default: {}
  tree:
    description:
      - Folder that goes live as a whole, such as C(/etc/nginx). Files in it which the set does not publish stay as
        they are.
      - Empty means that files are replaced one by one, each in one step.
    type: str
    default: ""
  remove:
    description: Absolute paths of files and links to remove although the set did not publish them; C(*) and C(?)
      may stand in their last part.
    type: list
    elements: str
    default: []
  entries:
    description:
      - Names of all entries the model has now, also absent ones. Stale files of an entry which is in here are
        removed.
      - Files of other entries are orphans. They are listed and stay unless O(purge) is set.
    type: list
    elements: str
    default: []
  purge:
    description: Whether to remove the files of entries that are not mentioned any more.
    type: bool
    default: false
  reload:
    description: Units to reload when anything in the set changes.
    type: list
    elements: str
    default: []
  restart:
    description: Units to restart when anything in the set changes.
    type: list
    elements: str
    default: []
  validate:
    description:
      - How a program on the host checks O(tree) before it goes live. Without it nothing is checked.
      - Where there is no O(tree), the command judges what stands in itself, such as
        C([systemd-analyze, calendar, daily]).
    type: dict
    suboptions: &validation
      command:
        description:
          - Program and arguments, such as C([nginx, -t]). It sees the staged tree at the path of the live one.
          - A program which is missing is an error; in check mode it is a warning, as on a bare host it is not
            installed yet. So is a file below C(/etc/barehost) that the program misses.
        type: list
        elements: str
        required: true
      each:
        description:
          - Pattern of file names, such as V(*.ini), or of whole paths, such as V(/etc/uwsgi/*.ini). The command is then
            run once for each file of the set which it matches, with the path of the file as a further argument.
            Empty to run it once as it is.
        type: str
        default: ""
      scratch:
        description: Folders which are empty for the program and whose content is lost afterwards, such as those of
          its logs.
        type: list
        elements: str
        default: []
      reject:
        description: Regular expression. A line of the program's output which it matches counts as a refusal.
        type: str
        default: ""
      timeout:
        description: Seconds after which a program that does not answer counts as a refusal.
        type: int
        default: 60
  validations:
    description: More of O(validate), for files that different programs have to check.
    type: list
    elements: dict
    default: []
    suboptions: *validation
  accounts:
    description:
      - Users and folders to have before the files are put in place, as M(barehost.web.accounts) takes them, in the same
        call. They are there, too, if the files are refused afterwards.
    type: dict
    default: {}
  units:
    description:
      - Units to bring to their state when the files are in place, as O(barehost.web.units#module:units), in the same
        call.
    type: list
    elements: dict
    default: []
  lock_timeout:
    description: Seconds to wait for another run that publishes the same set.
    type: int
    default: 60
attributes:
  check_mode:
    description: Compares, and validates if the program that validates is installed; nothing that lasts is changed.
    support: full
  diff_mode:
    description: One diff a file; contents marked secret are not shown.
    support: full
seealso:
  - module: barehost.web.units
"""

EXAMPLES = r"""
- name: Publish two sites
  barehost.web.publish:
    set: nginx
    tree: /etc/nginx
    files:
      - dest: /etc/nginx/sites-available/one
        template: site.conf.j2
        vars: {domain: one.example.test}
        entry: one
      - dest: /etc/nginx/sites-available/two
        template: site.conf.j2
        vars: {domain: two.example.test}
        entry: two
    links:
      - {dest: /etc/nginx/sites-enabled/one, target: ../sites-available/one, entry: one}
      - {dest: /etc/nginx/sites-enabled/two, target: ../sites-available/two, entry: two}
    validate:
      command: [nginx, -t]
      scratch: [/var/log/nginx]
    reload: [nginx.service]
    units:
      - name: nginx.service
"""

RETURN = r"""
installed:
  description: Packages that were installed, with O(role).
  returned: with O(role)
  type: list
  elements: str
idle:
  description: Whether the role had nothing to ask the host for, with O(role).
  returned: with O(role)
  type: bool
files:
  description: What changed, one element a path.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The path on the host.
      type: str
    change:
      description: What was done there, V(create), V(update), V(attributes) or V(remove).
      type: str
    kind:
      description: What it is, V(file), V(link) or V(directory).
      type: str
    entry:
      description: The entry it belongs to.
      type: str
    edited_elsewhere:
      description: Whether its content had been written by somebody else.
      type: bool
orphans:
  description: Files that stay although their entry is not mentioned any more, by entry.
  returned: success
  type: dict
accounts:
  description: What was done to O(accounts), one sentence each.
  returned: success
  type: list
  elements: str
actions:
  description: What was done to O(units), such as V(reload nginx.service).
  returned: success
  type: list
  elements: str
saved:
  description: Where content that somebody else wrote was kept before it was replaced.
  returned: success
  type: list
  elements: str
validated:
  description: Whether the program has checked the new tree.
  returned: success
  type: bool
"""
