#!/usr/bin/env bash
# All tests that this machine can run. NETREACH_TIERS=all makes a tier that cannot run an error.
set -euo pipefail
cd "$(dirname "$0")/.."

hack/check.sh

printf '\n== tests\n'
cargo test --workspace --locked
