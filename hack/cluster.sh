#!/usr/bin/env bash
# A real kind cluster to test on: dual-stack, with CoreDNS, MetalLB, an ingress controller and second NICs.
#   hack/cluster.sh up [--workers N] [--ip-family dual|ipv4|ipv6] [--proxy-mode iptables|nftables] [--multus]
#   hack/cluster.sh status             what runs
#   hack/cluster.sh env                prints KUBECONFIG, PATH and DOCKER_HOST to eval
#   hack/cluster.sh load IMAGE…        puts images on every node: names the engine knows, or OCI or docker tars
#   hack/cluster.sh verify [--churn N] proves every way to reach a pod with curl; with --churn after N LoadBalancer Services came and went
#   hack/cluster.sh down               removes all that `up` made, and ends the engine if `up` started it
# The cluster is named by NETREACH_CLUSTER (default: netreach). NODE_IMAGE names the node image, which is pulled where the engine lacks it;
# NODE_IMAGE=build has one built. By default the usual image is taken where a registry answers, with kindnet, Traefik and, by --multus,
# Multus for second NICs; else one is built. Built things and state are in $NETREACH_CACHE (default: ~/.cache/netreach).
set -euo pipefail
# shellcheck source=lib/cache.sh
. "$(dirname "$0")/lib/cache.sh"
# shellcheck source=lib/kubectl.sh
. "$HACK/lib/kubectl.sh"
RUN=$CACHE/run
# shellcheck source=lib/engine.sh
. "$HACK/lib/engine.sh"
# shellcheck source=cluster/nodes.sh
. "$HACK/cluster/nodes.sh"
# shellcheck source=cluster/network.sh
. "$HACK/cluster/network.sh"
# shellcheck source=cluster/pulled.sh
. "$HACK/cluster/pulled.sh"
# shellcheck source=cluster/parts.sh
. "$HACK/cluster/parts.sh"
# shellcheck source=cluster/verify.sh
. "$HACK/cluster/verify.sh"

CLUSTER=${NETREACH_CLUSTER:-netreach}
STATE=$RUN/$CLUSTER
CLUSTER_KUBECONFIG=$STATE/kubeconfig

main() {
  local verb=${1:-}
  [ $# -eq 0 ] || shift
  mkdir -p "$STATE/bin" || die "could not make $STATE: set NETREACH_CACHE to a folder you may write"
  case $verb in
    up | down)
      exec 9>"$RUN/lock"
      flock -n 9 || die "another hack/cluster.sh is at work: wait for it to end"
      "$verb" "$@"
      ;;
    status | env | load | verify)
      engine_find || die "no docker engine answers: start a cluster with $0 up"
      [ -f "$STATE/made" ] || die "there is no cluster '$CLUSTER': start one with $0 up"
      export KUBECONFIG=$CLUSTER_KUBECONFIG PATH=$STATE/bin:$PATH
      "$verb" "$@"
      ;;
    *) usage ;;
  esac
}

up() {
  options "$@"
  local wanted="workers=$WORKERS ip-family=$IP_FAMILY proxy-mode=$PROXY_MODE multus=$MULTUS"
  if [ -f "$STATE/made" ] && [ "$(<"$STATE/made")" != "$wanted" ] && engine_find; then
    die "the cluster '$CLUSTER' runs with other options ($(<"$STATE/made")): take it down first with $0 down"
  fi
  rm -f "$STATE/answers" # of an older cluster
  # Whatever goes wrong from here, Ctrl-C included, leaves nothing half-made and no engine that was not there before.
  trap 'abandon' EXIT
  trap 'exit 130' INT TERM
  engine_up
  link_kind
  make_nodes "$wanted"
  export KUBECONFIG=$CLUSTER_KUBECONFIG PATH=$STATE/bin:$PATH
  if on_road built; then
    cut_off_dns
    lay_network
    make_volumes
  else
    load_ground_image
    install_multus
  fi
  install_metallb
  install_ingress
  wait_for_parts
  printf '%s\n' "$wanted" >"$STATE/made"
  trap - EXIT
  say "cluster '$CLUSTER' is ready: eval \"\$($0 env)\""
}

options() {
  WORKERS=2 IP_FAMILY=dual PROXY_MODE=iptables MULTUS=no
  while [ $# -gt 0 ]; do
    case $1=${2:-} in
      --multus=*) MULTUS=yes && shift && continue ;;
      --workers=[0-9] | --workers=[0-9][0-9]) WORKERS=$2 ;;
      --ip-family=dual | --ip-family=ipv4 | --ip-family=ipv6) IP_FAMILY=$2 ;;
      --proxy-mode=iptables | --proxy-mode=nftables) PROXY_MODE=$2 ;;
      *) usage ;;
    esac
    shift 2
  done
}

# What an `up` that did not come to its end leaves: nothing, unless the cluster was there before it.
abandon() {
  local status=$?
  trap - EXIT
  [ -f "$STATE/made" ] || remove
  exit "$status"
}

down() {
  if engine_find; then remove; fi
  rm -rf "$STATE"
}

remove() {
  if [ -f "$STATE/ours" ] && docker version >/dev/null 2>&1; then
    say "removing cluster '$CLUSTER'"
    remove_nodes
  fi
  rm -f "$STATE/made" "$STATE/ours"
  # Another cluster of ours may live on the same engine.
  if engine_is_ours && [ -z "$(docker ps -q)" ]; then
    docker network rm kind >/dev/null 2>&1 || true
    engine_down
  fi
}

status() {
  printf 'cluster %s: %s\n' "$CLUSTER" "$(<"$STATE/made")"
  kubectl get nodes -o wide
  kubectl get pods -A
}

env() {
  printf 'export KUBECONFIG=%q PATH=%q:"%s"\n' "$CLUSTER_KUBECONFIG" "$STATE/bin" "\$PATH"
  [ -z "${DOCKER_HOST:-}" ] || printf 'export DOCKER_HOST=%q\n' "$DOCKER_HOST"
}

load() {
  [ $# -gt 0 ] || usage
  local image node
  for image in "$@"; do
    for node in $(node_names); do
      if [ -f "$image" ]; then
        docker exec -i "$node" ctr -n k8s.io images import - <"$image"
      else
        docker save "$image" | docker exec -i "$node" ctr -n k8s.io images import -
      fi >/dev/null || die "could not load $image onto $node: is it a tar, or a name that 'docker images' knows?"
    done
    say "loaded $image"
  done
}

main "$@"
