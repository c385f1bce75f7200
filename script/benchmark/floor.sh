# shellcheck shell=dash
# What a careful administrator would write instead of role nginx. The benchmark adds the lines that name packages,
# files and links, and pipes the whole to `sh -s`. Where everything is as wanted it starts one program a file and a
# handful besides: this is the floor that the role is measured against. It knows nothing of owners, of files that
# are no longer wanted, of a bad configuration that is live before it is checked, or of a run that is killed.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
action=none
units=kept

# have PACKAGE…: install what is missing, without starting it.
have() {
  [ "$(dpkg-query -W -f '${db:Status-Status}\n' "$@" 2>/dev/null | grep -cx installed)" -ne $# ] || return 0
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  apt-get -qy --no-install-recommends install "$@" >/dev/null
  rm -f /usr/sbin/policy-rc.d
  echo "installed $*"
}

changed() {
  echo "changed $1"
  case $1 in
    /etc/systemd/*) units=new action=restart ;;
    *) [ "$action" = restart ] || action=reload ;;
  esac
}

# put FILE MODE CONTENT: write the file unless it says so already.
put() {
  ! printf '%s' "$3" | cmp -s - "$1" || return 0
  mkdir -p "${1%/*}"
  printf '%s' "$3" >"$1.new"
  chmod "$2" "$1.new"
  mv "$1.new" "$1"
  changed "$1"
}

# join LINK TARGET: make the link unless it leads there already.
join() {
  [ ! -h "$1" ] || [ ! "$1" -ef "${1%/*}/$2" ] || return 0
  mkdir -p "${1%/*}"
  ln -sfn "$2" "$1"
  changed "$1"
}

# drop FILE: remove what the package put there.
drop() {
  [ -e "$1" ] || [ -h "$1" ] || return 0
  rm -f "$1"
  changed "$1"
}

# serve UNIT: have it enabled, running and up to date with what was changed.
serve() {
  [ "$action" = none ] || nginx -t -q
  [ "$units" = kept ] || systemctl daemon-reload
  systemctl is-enabled --quiet "$1" || systemctl enable --quiet "$1"
  if ! systemctl is-active --quiet "$1"; then
    systemctl start "$1"
  elif [ "$action" != none ]; then
    systemctl "$action" "$1"
  fi
}
