#!/usr/bin/env bash
# How cargo runs a test binary for hack/test.sh: those whose tests mostly wait, for an API server or for a round's end, get more threads
# than there are cores.
set -euo pipefail
case ${1##*/} in
  ha-* | reports-* | rounds-* | admit-* | certs-*) export RUST_TEST_THREADS=${RUST_TEST_THREADS:-5} ;;
esac
exec "$@"
