# Where built things are kept, outside the tree and keyed by version, and how they get there whole or not at all.
# shellcheck shell=bash disable=SC2034

# Else a failure inside $(…) would go unseen.
shopt -s inherit_errexit

HACK=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=say.sh
. "$HACK/lib/say.sh"
# shellcheck source=../versions.env
. "$HACK/versions.env"

CACHE=${NETREACH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/netreach}

case $(uname -m) in
  x86_64) ARCH=amd64 ;;
  aarch64 | arm64) ARCH=arm64 ;;
  *) die "this machine is a $(uname -m) (only x86_64 and aarch64 are known): run on one of those" ;;
esac

# keep PATH COMMAND ARGS…: runs `COMMAND ARGS… TEMPORARY` unless PATH is there, then renames TEMPORARY to PATH.
# One build at a time per PATH, by a lock: a second caller waits and then finds the thing made.
# COMMAND is a program, or a function that returns its failure itself: bash ignores `set -e` in what is tested here.
keep() {
  local path=$1 temporary
  shift
  [ ! -e "$path" ] || return 0
  mkdir -p "$(dirname "$path")" || die "could not make $(dirname "$path"): set NETREACH_CACHE to a folder you may write"
  exec 8>"$path.lock"
  if ! flock -n 8; then
    say "waiting for another build of ${path##*/}"
    flock 8
  fi
  if [ ! -e "$path" ]; then
    temporary=$path.part
    rm -rf "$temporary" # what a cut run left; the lock says that nobody is at it
    say "building ${path##*/} (kept in ${path%/*})"
    "$@" "$temporary" 8>&- ||
      die "could not build ${path##*/}: see above$(short_of_space "${path%/*}"); what is built so far is kept, so run it again"
    mv -T "$temporary" "$path"
  fi
  rm -f "$path.lock"
  exec 8>&-
}

# short_of_space FOLDER: says so where that may be why something failed. The largest build takes about this much.
short_of_space() {
  local left
  left=$(df -Pm "$1" | awk 'NR == 2 {print $4}')
  [ "$left" -ge 3000 ] || printf ' (only %d MB are left in %s: make room, or set NETREACH_CACHE to a folder on another disk)' "$left" "$1"
}

# fingerprint FILE…: eight hex digits that change when one of the files does.
fingerprint() {
  cat "$@" | sha256sum | cut -c1-8
}
