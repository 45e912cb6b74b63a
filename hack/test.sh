#!/usr/bin/env bash
# All tests that this machine can run, but for those on a real cluster (hack/e2e.sh). NETREACH_TIERS=all adds them, and makes a
# tier that cannot run an error.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=lib/say.sh
. hack/lib/say.sh

# The crates whose tests ask for a tier, which each names as a feature.
asking() { grep -ls "^$1 = " tests/Cargo.toml webhook/Cargo.toml src/*/Cargo.toml; }

# How many tests those are.
count() {
  local manifest
  for manifest in $(asking "$1"); do
    awk -v want="$1" -v dir="${manifest%Cargo.toml}" -F'"' \
      '/^path/ {path = $2} /^required-features/ && $2 == want {print dir path; print dir substr(path, 1, length(path) - 3)}' "$manifest"
  done | xargs grep -rhs '#\[test\]' | wc -l
}

# The features that switch them on.
features() { for manifest in $(asking "$1"); do sed -n "/^name = /{s|^name = \"\(.*\)\"|--features=\1/$1|p;q}" "$manifest"; done; }

# tier FEATURE WHAT SCRIPT: adds the features of a tier to $tiers, where the script has what it takes.
tier() {
  printf '\n== %s to test against\n' "$2"
  if "$3" assets; then
    mapfile -t -O "${#tiers[@]}" tiers < <(features "$1")
  else
    echo "$1 NOT RUN: no $2, as said above ($(count "$1") tests)"
    [ "${NETREACH_TIERS:-}" != all ] || exit 1
  fi
}

hack/check.sh

tiers=()
tier api-tier 'etcd and kube-apiserver' hack/control-plane.sh
tier minio-tier 'MinIO' hack/minio.sh

printf '\n== tests\n'
# What makes a disk slow; a test that lacks it says so, and fails where nothing may be left out.
[ "${NETREACH_TIERS:-}" != all ] || have strace || install_packages strace
cargo test --config 'target."cfg(all())".runner="hack/lib/runner.sh"' --workspace --locked "${tiers[@]}"

if [ "${NETREACH_TIERS:-}" = all ]; then
  printf '\n== a real cluster\n'
  hack/e2e.sh
fi
