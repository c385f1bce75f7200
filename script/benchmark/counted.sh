#!/bin/sh
# Stands in for ssh, sftp, scp and podman, called by their names: notes the call, then makes it.
# Ansible asks "ssh -o ControlPersist" what it can do; that goes nowhere.
[ "$*" = "-o ControlPersist" ] || printf '%s\n' "${0##*/}" >>"$BENCH_CALLS"
exec "${0##*/}" "$@"
