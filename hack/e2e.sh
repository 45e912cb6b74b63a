#!/usr/bin/env bash
# The tests on a real cluster: build our programs and images, up, verify, load, install, test, down.
#   hack/e2e.sh [--keep] [--long] [TEST…]
#     --keep    leaves the cluster running
#     --long    runs the tests that take many minutes, and those alone
#     TEST      runs the tests with this in their name alone
# On failure the logs and events of everything go to $NETREACH_REPORTS (default: target/e2e). A cluster that was up before stays up.
set -euo pipefail
# shellcheck source=lib/cache.sh
. "$(dirname "$0")/lib/cache.sh"
# shellcheck source=lib/kubectl.sh
. "$(dirname "$0")/lib/kubectl.sh"
cd "$HACK/.."

REPORTS=${NETREACH_REPORTS:-target/e2e}

# What config/e2e runs: of the agent it is measured what it costs, so that it is built as it is shipped.
MEASURED=netreach-agent
PROGRAMS="netreach-webhook netreach-manager"

main() {
  KEEP=no
  if [ "${1:-}" = --keep ]; then KEEP=yes && shift; fi
  LONG=()
  if [ "${1:-}" = --long ]; then LONG=(--ignored) && shift; fi
  case ${1:-} in -*) usage ;; esac
  # A cluster that somebody works with is theirs to end.
  ! hack/cluster.sh status >/dev/null 2>&1 || KEEP=yes
  UP=
  trap 'finish $?' EXIT
  trap 'exit 130' INT TERM
  # A cluster that comes up mostly waits, and what is built meanwhile stands back.
  hack/cluster.sh up &
  UP=$!
  make_images
  wait "$UP"
  eval "$(hack/cluster.sh env)"
  hack/cluster.sh verify
  # shellcheck disable=SC2086 # a list
  hack/cluster.sh load $IMAGES
  install_netreach
  # Of the whole workspace, so that what was built for its other tests serves here too. More threads than cores: those that have the cluster alone wait for each other, and the others mostly for rounds.
  cargo test --locked --workspace --features netreach-tests/e2e --test e2e -- --nocapture --test-threads 8 "${LONG[@]}" "$@"
}

make_images() {
  local program pairs=()
  # shellcheck disable=SC2086 # a list
  for program in $(nice hack/static.sh $MEASURED) $(nice hack/static.sh --quick $PROGRAMS); do pairs+=("${program##*/}:e2e=$program"); done
  IMAGES=$(hack/image.sh --out target/images "${pairs[@]}" | cut -d' ' -f3-)
}

# The tests install what they need themselves; this is so that what cannot be installed is told once, and here.
install_netreach() {
  say "installing NetReach"
  kubectl apply -k config/e2e >/dev/null
  local kind
  for kind in deployment daemonset; do
    kubectl -n netreach-system rollout status "$kind" --timeout=120s >/dev/null ||
      die "the parts of NetReach are not ready: see 'kubectl -n netreach-system describe pods'"
  done
}

finish() {
  trap - EXIT
  [ -z "$UP" ] || wait "$UP" || true
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
  kubectl get apiservices,endpointslices -A -o yaml >"$REPORTS/api.yaml" 2>&1 || true
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
