#!/usr/bin/env bash
# The tests on a real cluster: up, verify, load images, install, test, down.
#   hack/e2e.sh [--keep] [NAME:TAG=BINARY…]
#     --keep             leaves the cluster running
#     NAME:TAG=BINARY    static programs to make images of and to load (hack/image.sh)
# Installs config/e2e where it is there, else the CRDs alone. On failure the logs and events of everything go to $NETREACH_REPORTS
# (default: target/e2e). A cluster that was up before stays up. With NETREACH_TIERS=all it is an error if no e2e test ran.
set -euo pipefail
# shellcheck source=lib/cache.sh
. "$(dirname "$0")/lib/cache.sh"
cd "$HACK/.."

REPORTS=${NETREACH_REPORTS:-target/e2e}

main() {
  KEEP=no
  if [ "${1:-}" = --keep ]; then KEEP=yes && shift; fi
  case ${1:-} in -*) usage ;; esac
  # A cluster that somebody works with is theirs to end.
  ! hack/cluster.sh status >/dev/null 2>&1 || KEEP=yes
  trap 'finish $?' EXIT
  trap 'exit 130' INT TERM
  hack/cluster.sh up
  eval "$(hack/cluster.sh env)"
  hack/cluster.sh verify
  load_images "$@"
  install_netreach
  run_tests
}

load_images() {
  [ $# -gt 0 ] || return 0
  local tars
  tars=$(hack/image.sh --out target/images "$@" | cut -d' ' -f3-)
  # shellcheck disable=SC2086 # a list
  hack/cluster.sh load $tars
}

install_netreach() {
  if [ -d config/e2e ]; then
    kubectl apply --server-side -k config/e2e
    kubectl wait deployment --all --all-namespaces --for=condition=Available --timeout=120s
  else
    kubectl apply --server-side -f config/crd/bases
  fi
  kubectl wait crd --all --for=condition=Established --timeout=30s
}

run_tests() {
  if [ -f tests/e2e.rs ]; then
    cargo test --locked -p netreach-tests --features e2e --test e2e
  elif [ "${NETREACH_TIERS:-}" = all ]; then
    die "e2e tests NOT RUN: there is no tests/e2e.rs (NETREACH_TIERS=all wants every tier to run)"
  else
    say "e2e tests NOT RUN: there is no tests/e2e.rs"
  fi
}

finish() {
  trap - EXIT
  [ "$1" = 0 ] || collect
  [ "$KEEP" = yes ] || hack/cluster.sh down || true
  exit "$1"
}

# Everything that might tell why, each in a file of its own. What cannot be had any more is left out.
collect() {
  say "collecting logs and events into $REPORTS"
  rm -rf "$REPORTS"
  mkdir -p "$REPORTS/pods" "$REPORTS/nodes"
  local run=$CACHE/run
  cp "$run"/*.log "$run/${NETREACH_CLUSTER:-netreach}"/{*.log,kind.yaml,targets,answers} "$REPORTS" 2>/dev/null || true
  kubectl get nodes,pods,services,endpointslices,ingresses -A -o wide >"$REPORTS/objects.txt" 2>&1 || return 0
  kubectl get events -A --sort-by=.lastTimestamp >"$REPORTS/events.txt" 2>&1 || true
  kubectl get netreach -o yaml >"$REPORTS/netreach.yaml" 2>&1 || true
  kubectl describe pods -A >"$REPORTS/pods.txt" 2>&1 || true
  local namespace pod node
  kubectl get pods -A --no-headers -o custom-columns=:.metadata.namespace,:.metadata.name | while read -r namespace pod; do
    kubectl -n "$namespace" logs "$pod" --all-containers --timestamps </dev/null >"$REPORTS/pods/$namespace.$pod.log" 2>&1 || true
    kubectl -n "$namespace" logs "$pod" --all-containers --previous </dev/null >"$REPORTS/pods/$namespace.$pod.previous.log" 2>/dev/null ||
      rm -f "$REPORTS/pods/$namespace.$pod.previous.log"
  done
  for node in $(kubectl get nodes -o name); do
    docker exec "${node#*/}" journalctl --no-pager >"$REPORTS/nodes/${node#*/}.log" 2>&1 || true
  done
}

main "$@"
