#!/usr/bin/env bash
# All tests that this machine can run. NETREACH_TIERS=all makes a tier that cannot run an error.
set -euo pipefail
cd "$(dirname "$0")/.."

# What tests/Cargo.toml asks the feature of, and how many tests that are.
count() {
  awk -v want="$1" -F'"' '/^path/ {path = $2} /^required-features/ && $2 == want {print "tests/" path; print "tests/" substr(path, 1, length(path) - 3)}' \
    tests/Cargo.toml | xargs grep -rhs '#\[test\]' | wc -l
}

hack/check.sh

printf '\n== an API server to test against\n'
tiers=()
if hack/control-plane.sh assets; then
  tiers+=(--features netreach-tests/api-tier)
else
  echo "API tier NOT RUN: no etcd and kube-apiserver, as said above ($(count api-tier) tests)"
  [ "${NETREACH_TIERS:-}" != all ] || exit 1
fi

printf '\n== tests\n'
cargo test --workspace --locked "${tiers[@]}"
