#!/usr/bin/python
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which never calls this file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Release the code of any number of apps
description:
  - Puts the code of every app into a folder of its own, C(/srv/<name>/releases/<id>), builds a virtual environment
    in it with C(uv), and then points C(/srv/<name>/current) at it by one rename.
  - The C(id) is the time at which the run began, in UTC, and the begin of a digest of what the release is made of, such
    as C(20260102T030405Z-1f0ca2b4). It is the same on all hosts of a run, whatever Python they have.
  - A release is known by what it is made of (code, requirements, interpreter). Nothing is built or sent while the
    live release is made of what the entry wants; an older release that is made of it is made live again.
  - Everything that is foreign code runs as the app's own system user, in a sandbox of systemd. A build can write to
    its folder and to C(/var/cache/barehost/<name>) only, a command to its folder and to C(/var/lib/<name>). What is
    released belongs to root; the app's group can read it, and nobody can write it.
  - A release that is to run is asked first, see O(apps[].preflight).
  - If anything fails before the switch, the live release stays what it was. The other apps are released all the
    same, and the task fails at the end. What a killed run leaves behind is removed by the next one.
  - The restart or reload of the unit that runs an app, and of the workers that the app has on the host, is noted on the
    host before the switch; M(barehost.web.units) carries it out, also in a later run if this one is killed.
  - Dependencies are those of the first of C(uv.lock), C(pylock.toml), C(poetry.lock), C(Pipfile.lock),
    C(requirements.txt), C(pyproject.toml) and C(setup.py). What C(uv) cannot read it has exported, with the hashes, by
    the tool that made it, in the sandbox of the build. The index is the one that the host is told of.
    Builds see the variables C(UV_*), C(PIP_*), C(SSL_*) and those of a proxy from the environment of the login,
    and the index that C(/etc/pip.conf) names.
  - A server that has an archive or a repository and cannot answer for the moment (no connection, an answer such as 503,
    a transfer that breaks off) is asked again up to three times, after 1, 3 and 10 seconds.
author: barehost.web contributors
options:
  apps:
    description: The apps, one entry each.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the app and of its system user, which must exist (see M(barehost.web.accounts)).
        type: str
        required: true
      state:
        description:
          - V(absent) removes all releases of the app, its folder, its caches and its user. It fails while a process of
            the user still runs.
        type: str
        choices: [present, absent]
        default: present
      server:
        description:
          - The server that runs the app, whose unit C(<server>@<name>.service) is told of a new release.
          - V(none) is an app without a process, such as a static frontend. Everybody on the host can read its files.
        type: str
        default: gunicorn
      take_up:
        description: What the unit does to take up a new release.
        type: str
        choices: [restart, reload]
        default: restart
      debian_python:
        description:
          - Whether the server brings Debian's own Python. An app whose O(apps[].python) is another one is then not
            released.
        type: bool
        default: false
      manager:
        description:
          - What keeps the server running, V(systemd) or V(supervisor), whose program C(<name>) is told instead.
        type: str
        choices: [systemd, supervisor]
        default: systemd
      program:
        description:
          - The program that the environment of the app must have, a key of O(server_requirements); empty for none.
        type: str
        default: ""
      source:
        description: Where the code comes from. Exactly one of C(path), C(git), C(archive) and C(package).
        type: dict
        default: {}
        suboptions:
          path:
            description:
              - A folder on the controller. A relative one is looked for in the folder of the playbook, then in
                that of C(ansible.cfg), then in the collection itself.
              - Folders of version control, virtual environments and compiled Python are left out. A C(.gitignore)
                is not followed, because what is built is often both ignored and what is to be released. Empty
                folders do not count.
            type: str
          git:
            description:
              - URL of a git repository, which the host fetches, with its submodules.
              - A user name and a password in it are given to git through a file that nobody else can read.
            type: str
          version:
            description:
              - Tag, branch or full commit id of O(apps[].source.git). Tags go before branches of the same name.
            type: str
          key:
            description:
              - Private ssh key, the text itself, that opens O(apps[].source.git). On the host for the time of the
                fetch only.
            type: str
          archive:
            description:
              - A tar (plain, gz, xz, bz2) or zip archive. A URL is fetched by the host, anything else is a file on
                the controller. If everything in it is in one folder, that folder is the source.
            type: str
          checksum:
            description:
              - Checksum of O(apps[].source.archive), C(sha256:) and 64 digits. It is compared before anything is
                unpacked.
            type: str
          package:
            description:
              - A requirement from the package index. The release is then an environment without a folder of code.
            type: str
          subdirectory:
            description: Folder of the source that becomes the release; empty for the source itself.
            type: str
            default: ""
      python:
        description: Python version of the virtual environment, such as V(3.12). Empty for Debian's own C(python3).
        type: str
        default: ""
      requirements:
        description: Requirements that are installed beside the app's own dependencies.
        type: list
        elements: str
        default: []
      index:
        description: Where the packages of the app come from, instead of O(index).
        type: dict
        suboptions:
          url:
            description:
              - URL of an index (PEP 503) that takes the place of the host's own, which is PyPI unless the host has been
                told otherwise (C(pip.conf), C(PIP_INDEX_URL) or C(UV_DEFAULT_INDEX)).
            type: str
          extra:
            description:
              - URLs of further indexes. They are asked first, one after the other; a package is taken from the first
                that has it, so that nobody else can offer one of its name.
            type: list
            elements: str
            default: []
          wheels:
            description:
              - Places that have packages as files - folders of the host, folders of the source (written without C(/)
                at the beginning), URLs of pages with links to them.
            type: list
            elements: str
            default: []
          only_wheels:
            description:
              - Whether no index is asked at all. Everything, C(uv) included, is in C(wheels) then, or there.
            type: bool
            default: false
      commands:
        description:
          - Commands that run in a new release before it becomes the live one, one after the other, without a shell.
            They run as the app's user with its environment file C(/etc/barehost/apps/<name>.env), and may write to
            the release and to C(/var/lib/<name>) only. If one fails, the live release stays.
          - What they write into the release is part of it, and belongs to root as soon as the last one is done.
        type: list
        elements: str
        default: []
      irreversible:
        description:
          - Whether older releases cannot work with the data that the commands leave. Nothing returns to an older one
            then unless O(deploy.despite_data) is set.
        type: bool
        default: false
      public:
        description:
          - Folders of the release that everybody on the host may read, for a web server. Other users can go through
            the folders above them, and list nothing there.
        type: list
        elements: str
        default: []
      shared:
        description:
          - Paths of a release that lead to data of all releases, in C(/var/lib/<name>/shared). The folders there are
            made as the app's user. A release whose code has something of its own in such a place is not made.
        type: list
        elements: dict
        default: []
        suboptions:
          path:
            description: The path, relative to the release and to the folder of the data.
            type: str
            required: true
          type:
            description: A V(file) is made by whoever writes it; the link leads nowhere until then.
            type: str
            choices: [directory, file]
            default: directory
          public:
            description: Whether the web server (C(www-data)) may read the folder, by an access list.
            type: bool
            default: false
      preflight:
        description:
          - How a release is asked before it becomes the live one. It is loaded in private, on its own Python, as the
            app's user with its environment file, and has to answer one request. If it does not, the live release
            stays, the error shows what the app has said, and the new release is kept for whoever looks into it,
            until the next one that fails. Nothing is asked without this.
        type: dict
        suboptions:
          wsgi:
            description: The WSGI callable, C(module:callable).
            type: str
            required: true
          folder:
            description: Folder inside the release that holds the code; empty for the release itself.
            type: str
            default: ""
          health:
            description: The request.
            type: dict
            required: true
            suboptions:
              path:
                description: Path that is asked for.
                type: str
                default: /
              method:
                description: Method of the request.
                type: str
                choices: [GET, HEAD, OPTIONS]
                default: GET
              status:
                description: The only good status; V(0) for any below 500. A redirect is taken then, and told.
                type: int
                default: 0
              host:
                description: Host name that is asked for.
                type: str
                default: localhost
              timeout:
                description: Seconds for loading the release and for its answer, together.
                type: int
                default: 30
          settings:
            description: Settings of systemd for it, as the unit of the app has them.
            type: list
            elements: str
            default: []
      keep_releases:
        description:
          - Number of releases that stay on the host, the live one included. The one that was live before always
            stays until the next release, because its processes may still run.
        type: int
        default: 5
      keep_assets:
        description:
          - Whether files that the web server has handed out of older releases which stay on the host can still be
            fetched under their names, where the live release has nothing of that name. They are links in the live
            release to the same content, in the folders of O(apps[].public), or anywhere in an app without a process.
            Pages (C(.html)) and hidden files are left out.
        type: bool
        default: true
  index:
    description:
      - Where the packages of all apps come from. A user name and a password in a URL are given to uv through a file
        that nobody else can read.
    type: dict
    default: {}
    suboptions:
      url:
        description:
          - URL of an index (PEP 503) that takes the place of the host's own, which is PyPI unless the host has been
            told otherwise (C(pip.conf), C(PIP_INDEX_URL) or C(UV_DEFAULT_INDEX)).
        type: str
      extra:
        description:
          - URLs of further indexes. They are asked first, one after the other; a package is taken from the first
            that has it, so that nobody else can offer one of its name.
        type: list
        elements: str
        default: []
      wheels:
        description:
          - Places that have packages as files - folders of the host, folders of the source (written without C(/)
            at the beginning), URLs of pages with links to them.
        type: list
        elements: str
        default: []
      only_wheels:
        description:
          - Whether no index is asked at all. Everything, C(uv) included, is in C(wheels) then, or there.
        type: bool
        default: false
  fetch_python:
    description:
      - Whether C(uv) may fetch a Python that the host does not have (O(apps[].python)), from where it gets its own. It
        is kept in C(/opt/barehost/python) as long as a release runs on it, and has no updates by C(apt).
    type: bool
    default: false
  server_requirements:
    description:
      - What to install for each O(apps[].program) if the app's own dependencies do not bring it.
    type: dict
    default: {gunicorn: "gunicorn==27.0.1"}
  entries:
    description: Names of all apps of the model, so that those which O(apps) leaves out are not taken for orphans.
    type: list
    elements: str
    default: []
  purge:
    description:
      - Whether apps that were released once and are mentioned neither in O(apps) nor in O(entries) are removed. One
        whose unit still runs is left alone, with a warning.
    type: bool
    default: false
  uv_version:
    description: Version of C(uv). It is kept in C(/opt/barehost/uv-<version>).
    type: str
    default: "0.13.8"
  uv_checksums:
    description: SHA-256 checksums of the wheels of C(uv) that are accepted. Any is when this is empty.
    type: list
    elements: str
    default: []
  build_timeout:
    description: Seconds that one step of a build may take.
    type: int
    default: 900
  lock_timeout:
    description: Seconds to wait for another run on the same host before this one gives up.
    type: int
    default: 600
  deploy:
    description:
      - Do all that a release takes in this call - units take up their releases, the server of an app before its
        workers, and a release whose server or workers do not come up is taken back. The apps must run on the host
        already. Without this the units are only noted, for M(barehost.web.units).
    type: dict
    suboptions:
      addresses:
        description: Where the servers of the apps answer, as the filter P(barehost.web.addresses#filter) says.
        type: list
        elements: dict
        default: []
      app:
        description: Names of the apps that are meant, with commas between them; V(all) for every one.
        type: str
        default: all
      version:
        description:
          - What to release instead of the entry's own version - of a C(git) source its tag, branch or commit, of a
            C(package) the version of the package. For one app.
        type: str
        default: ""
      return_to:
        description:
          - Release nothing, but make an older release live again, V(previous) or the id of one. The release that was
            live is withdrawn - it stays, and is not made live again until O(deploy.again) says so. For one app.
        type: str
        default: ""
      again:
        description: Whether a release that was withdrawn may be live again.
        type: bool
        default: false
      despite_data:
        description: Whether an older release may be live again although a newer one was irreversible.
        type: bool
        default: false
      ask:
        description: Whether a release is asked before it is live, see O(apps[].preflight).
        type: bool
        default: true
      break_lock:
        description: Whether another run that holds the lock of the host is ended instead of waited for.
        type: bool
        default: false
attributes:
  check_mode:
    description: Says what would be released. Works on a bare host; a branch or tag is not resolved there.
    support: full
  diff_mode:
    description: Lists the files that differ between the live and the new release, without their content.
    support: full
"""

EXAMPLES = r"""
- name: Release two apps
  barehost.web.release:
    apps:
      - name: util
        source: {path: examples/util}
      - name: notes
        source: {git: "https://git.example.test/notes.git", version: v1.4.2}
"""

RETURN = r"""
apps:
  description: What became of each app.
  returned: success
  type: list
  elements: dict
  sample:
    - name: util
      change: released
      release: 20260102T030405Z-1a2b3c4d
      previous: ""
      source: path examples/util
      version: "sha256:1a2b3c4d"
removed:
  description: Apps that were removed.
  returned: always
  type: list
  elements: str
notes:
  description: What is worth knowing of the releases, such as a health path that answers with a redirect.
  returned: success
  type: list
  elements: str
orphans:
  description: Apps that were released once and that nothing mentions any more.
  returned: always
  type: list
  elements: str
"""
