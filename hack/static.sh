#!/usr/bin/env bash
# Builds our own programs as static binaries, which is what hack/image.sh makes images of; prints the path of each.
#   hack/static.sh [--quick] PACKAGE…   e.g. hack/static.sh netreach-webhook netreach-manager
#     PACKAGE/EXAMPLE   that example of it, with its feature bench
#     --quick   without the optimizations that take longest (profile quick of Cargo.toml)
# Against musl. What that takes beyond a Rust toolchain by rustup is installed where it is missing: on Debian, as root.
set -euo pipefail
# shellcheck source=lib/cache.sh
. "$(dirname "$0")/lib/cache.sh"
cd "$HACK/.."

main() {
  local target package profile=release what
  if [ "${1:-}" = --quick ]; then profile=quick && shift; fi
  [ $# -gt 0 ] || usage
  case $1 in -*) usage ;; esac
  target=$(uname -m)-unknown-linux-musl
  have musl-gcc || install_packages musl-tools
  if have rustup; then
    rustup target list --installed | grep -qx "$target" || rustup target add "$target" >&2 ||
      die "could not get Rust's standard library for $target: see above"
  fi
  local cc=CC_${target//-/_}
  export "$cc=musl-gcc"
  # One by one: built together, what one package asks of a dependency would get into the others.
  for package in "$@"; do
    say "building $package for $target ($profile)"
    what=()
    case $package in */*) what=(--features bench --example "${package#*/}") ;; esac
    cargo build --quiet --locked --profile "$profile" --target "$target" -p "${package%/*}" "${what[@]}" >&2
    printf '%s\n' "${CARGO_TARGET_DIR:-target}/$target/$profile/${package/*\//examples/}"
  done
}

main "$@"
