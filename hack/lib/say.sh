# How the scripts of this folder speak: progress and errors on stderr, so that stdout holds only what was asked for.
# shellcheck shell=bash

# say MESSAGE…: one line of progress, with the seconds since the script began.
say() {
  printf '%s: [%3d s] %s\n' "${0##*/}" "$SECONDS" "$*" >&2
}

# die MESSAGE…: says what went wrong and how to get on, and ends with 1.
die() {
  printf '%s: error: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# usage: prints the comment at the head of the calling script, and ends with 2: the command line was wrong.
usage() {
  sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0" >&2
  exit 2
}

# need PROGRAM HINT: ends unless the program is there.
need() {
  command -v "$1" >/dev/null || die "$1 is missing: $2"
}

# have PROGRAM: is it there?
have() {
  command -v "$1" >/dev/null
}

# install_packages PACKAGE…: on Debian, as root; elsewhere it ends and says what to install.
install_packages() {
  local log
  if ! have apt-get || [ "$(id -u)" != 0 ]; then die "missing here: $* (only root on Debian can have this script install them): install them"; fi
  say "installing $*"
  log=$(mktemp)
  apt-get -qq update >"$log" 2>&1 || say "could not refresh the package lists: going on with the old ones"
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >>"$log" 2>&1 ||
    { tail -n 20 "$log" >&2; die "could not install $*: the last lines of apt-get are above, all of them in $log"; }
  rm -f "$log"
}

# ended PID: has a child of this very script ended? What its command line says may still be ours: it takes a moment to become another program.
ended() {
  ! grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$1/status"
}
