#!/usr/bin/env bash
# Feeds one of the targets in tests/fuzz with whatever leads it somewhere new; ends with an error when it panics, and keeps the input.
#   hack/fuzz.sh TARGET [SECONDS]     e.g. hack/fuzz.sh review 600 (default: 60)
# Takes cargo-fuzz (cargo install cargo-fuzz) and a nightly Rust toolchain. What it finds is kept, beside the seeds of
# tests/fuzz/corpus, in $NETREACH_CACHE/fuzz.
set -euo pipefail
# shellcheck source=lib/cache.sh
. "$(dirname "$0")/lib/cache.sh"
cd "$HACK/../tests"

main() {
  local target=${1:-} seconds=${2:-60}
  [[ $target =~ ^[a-z]+$ && $seconds =~ ^[0-9]+$ && $# -le 2 ]] || usage
  [ -f "fuzz/$target.rs" ] || die "there is no target '$target': there are $(cd fuzz && echo *.rs)"
  have cargo-fuzz || die "cargo-fuzz is missing: cargo install cargo-fuzz --locked"
  mkdir -p "$CACHE/fuzz/$target"
  CARGO_TARGET_DIR=$CACHE/fuzz/build cargo +nightly fuzz run --fuzz-dir fuzz "$target" "$CACHE/fuzz/$target" "fuzz/corpus/$target" -- \
    -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$CACHE/fuzz/$target-"
}

main "$@"
