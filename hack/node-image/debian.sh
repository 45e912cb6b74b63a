#!/usr/bin/env bash
# Makes the Debian half of a kind node image: a tar of the release's base and of the packages listed beside this script.
#   hack/node-image/debian.sh OUT.tar      (hack/build.sh node-image calls it and keeps what it makes)
# DEBIAN_MIRROR overrides debootstrap's own mirror.
set -euo pipefail
# shellcheck source=../lib/cache.sh
. "$(dirname "$0")/../lib/cache.sh"

main() {
  local out=${1:?the path to write is missing} packages
  [ "$(id -u)" = 0 ] || die "only root can unpack a Debian system: run as root, or name an image that can be pulled in NODE_IMAGE"
  have debootstrap || install_packages debootstrap
  ROOT=$out.d
  rm -rf "$ROOT"
  trap 'rm -rf "$ROOT"' EXIT
  packages=$(paste -sd, "$HACK/node-image/packages")
  nice debootstrap --variant=minbase --include="$packages" "$DEBIAN_SUITE" "$ROOT" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} >"$out.log" 2>&1 || {
    tail -n 20 "$out.log" >&2
    die "debootstrap failed: its last lines are above, all of them in $out.log"
  }
  # What a node never reads: package lists and archives, manuals, translations.
  rm -rf "$ROOT"/var/cache/apt/archives/*.deb "$ROOT"/var/lib/apt/lists/* "$ROOT"/usr/share/{doc,man,locale,info}
  tar -C "$ROOT" --numeric-owner --sort=name -cf "$out" .
  rm -f "$out.log"
}

main "$@"
