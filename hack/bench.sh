#!/usr/bin/env bash
# Measures us and our peers in turns, within one run, and prints medians and ratios. The machine is shared: compare ratios, and CPU time.
#   hack/bench.sh webhook [--rounds N] [-o json]
#     reviews over TLS on kept connections, ours (hack/static.sh) and a minimal webhook on Go's net/http (hack/bench/webhook):
#     as fast as answers come, and at 1,000 a second. The server has one core, the caller (hack/bench/load) another.
#   hack/bench.sh load [--rounds N] [-o json]
#     requests as fast as answers come, at 10 and at 64 at a time, over kept and over fresh connections: the agent's engine, wrk, ab and
#     hey, on one core. The server is an nginx of its own, on another.
#   hack/bench.sh answer [--rounds N] [-o json]
#     probes by the agent's engine, 64 at a time, to its own answering side and to that nginx: the CPU time of the server.
#   hack/bench.sh lean [--rounds N] [-o json]
#     the agent's engine at the paces of rounds: CPU, memory and lateness. The last follows memory for $FLAT_SECONDS (60).
set -euo pipefail
# shellcheck source=lib/cache.sh
. "$(dirname "$0")/lib/cache.sh"

ROUNDS=5
SECONDS_EACH=3
# What the reports say of the figures of all rounds, in jq.
STATISTICS='def median: sort | .[length / 2 | floor];
  def spread: {median: median, min: min, max: max};
  def r: . * 100 | round / 100;
'

main() {
  case ${1:-} in
    # shellcheck source=bench/webhook.sh
    webhook) . "$HACK/bench/webhook.sh" ;;
    # shellcheck source=bench/load.sh
    load) . "$HACK/bench/load.sh" ;;
    # shellcheck source=bench/answer.sh
    answer) . "$HACK/bench/answer.sh" ;;
    # shellcheck source=bench/lean.sh
    lean) . "$HACK/bench/lean.sh" ;;
    *) usage ;;
  esac
  shift
  OUTPUT=text
  while [ $# -gt 0 ]; do
    case $1=${2:-} in
      --rounds=[1-9] | --rounds=[1-9][0-9]) ROUNDS=$2 ;;
      -o=json) OUTPUT=json ;;
      *) usage ;;
    esac
    shift 2
  done
  [ "$(nproc)" -ge 2 ] || die "this takes two cores, one for the server and one for the caller: this machine has $(nproc)"
  need jq "install the package jq"
  DIR=$(mktemp -d)
  PIDS=()
  trap finish EXIT
  trap 'exit 130' INT TERM
  prepare
  for ((round = 1; round <= ROUNDS; round++)); do
    say "round $round of $ROUNDS"
    measure_all
  done
  if [ "$OUTPUT" = json ]; then report | jq .; else report | jq -r "$AS_TEXT"; fi
}

finish() {
  local pid
  trap - EXIT
  for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$DIR"
}

main "$@"
