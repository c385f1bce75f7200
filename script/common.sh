# shellcheck shell=bash
# Shared by the commands in script/: where the checkout is, and how they speak.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() {
  printf '%s  %s\n' "$(date +%H:%M:%S)" "$*"
}

die() {
  printf 'script/%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Print the comment at the head of a command, which is its help.
usage() {
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
}

# patiently COMMAND…: try three times. A mirror that is overloaded, or another package manager at work, is over soon.
patiently() {
  local pause
  for pause in 5 15; do
    "$@" && return
    say "that failed; once more in $pause s"
    sleep "$pause"
  done
  "$@"
}

# watch_log LOG PATTERN COMMAND…: keep the output in a log; show a matching line now and then, all of it on failure.
watch_log() {
  local log=$1 pattern=$2 line shown=-2
  shift 2
  "$@" </dev/null 2>&1 | while IFS= read -r line; do
    printf '%s\n' "$line" >&3
    if [[ $line =~ $pattern ]] && ((SECONDS - shown >= 2)); then
      shown=$SECONDS
      line=${line%% (from*}
      printf '          %s\n' "${line:0:100}"
    fi
  done 3>"$log" || {
    cat "$log" >&2
    return 1
  }
}
