#!/usr/bin/env bash
# The gate before the tests: form, lints, each crate on its own, what the agent may not carry, dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$1"; }

step 'formatting'
cargo fmt --all --check

step 'lints, every warning an error'
cargo clippy --workspace --all-targets --all-features --locked -- -D warnings

step 'each crate alone'
for manifest in src/*/Cargo.toml webhook/Cargo.toml; do
  crate=$(basename "$(dirname "$manifest")")
  cargo check --quiet --locked -p "netreach-$crate"
done

step 'the agent carries no tokio, kube or hyper'
tree=$(cargo tree --locked -p netreach-agent -e normal --prefix none)
if grep -E '^(tokio|kube|hyper)([-_][a-z]+)* v' <<<"$tree"; then
  echo 'the crates above are in the agent: find who brings them with "cargo tree -p netreach-agent -e normal -i CRATE"' >&2
  exit 1
fi
echo "$(cut -d' ' -f1,2 <<<"$tree" | sort -u | wc -l) crates, none of them"

step 'dependencies'
if command -v cargo-deny >/dev/null; then
  # Without the advisories: their database is not on every machine; "cargo deny --config hack/deny.toml check advisories" fetches it.
  cargo deny --locked --config hack/deny.toml check bans licenses sources
else
  echo 'cargo-deny NOT RUN: it is not installed (cargo install cargo-deny --locked)'
fi

step 'shell scripts'
if command -v shellcheck >/dev/null; then
  git grep -lE '^#!(/usr/bin/env |/bin/)(ba|da)?sh' | xargs shellcheck
else
  echo 'shellcheck NOT RUN: it is not installed'
fi

step 'Go programs'
if command -v gofmt >/dev/null; then
  unformatted=$(git ls-files '*.go' | xargs gofmt -l)
  if [ -n "$unformatted" ]; then
    printf 'run gofmt -w on:\n%s\n' "$unformatted" >&2
    exit 1
  fi
else
  echo 'gofmt NOT RUN: Go is not installed'
fi
