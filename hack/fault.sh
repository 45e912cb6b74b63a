#!/usr/bin/env bash
# Faults on the nodes of the cluster that hack/cluster.sh made, by name.
#   hack/fault.sh NODE loss PERCENT [MATCH…]           some of the packets to and from the node's pods are dropped
#   hack/fault.sh NODE drop [MATCH…]                   all of them
#   hack/fault.sh NODE refuse [MATCH…]                 TCP connections are reset
#   hack/fault.sh NODE mtu BYTES                       longer packets to and from the node's pods vanish, and nobody is told
#   hack/fault.sh NODE dead-backend NAMESPACE/POD PORT the pod stays Ready: only the kubelet still reaches the port
#   hack/fault.sh NODE down                            the node stands still
#   hack/fault.sh NODE kube-proxy                      kube-proxy stands still: its rules stay as they are
#   hack/fault.sh NODE bandwidth RATE                  what the node sends is slowed down, e.g. to 256kbit
#   hack/fault.sh NODE delay MILLISECONDS              packets to the node's pods come later
#   hack/fault.sh clear [NODE]                         heals one node, or all
#   hack/fault.sh check [KIND…]                        shows of each kind that it bites and that it heals
# MATCH: --port PORT (TCP, to it or from it), --family 4|6, --to ADDRESS (as the packet comes from a pod or from the wire, so a
# Service's address is meant as well). Several faults on one node add up.
set -euo pipefail
# shellcheck source=lib/cache.sh
. "$(dirname "$0")/lib/cache.sh"
# shellcheck source=fault/kinds.sh
. "$HACK/fault/kinds.sh"
# shellcheck source=fault/check.sh
. "$HACK/fault/check.sh"

main() {
  [ $# -gt 0 ] || usage
  eval "$("$HACK/cluster.sh" env)"
  case $1 in
    clear) clear_nodes "${@:2}" ;;
    check) check_kinds "${@:2}" ;;
    *)
      [ $# -ge 2 ] || usage
      fault_nodes | grep -qxF "$1" || die "'$1' is no node of this cluster: it has $(fault_nodes | paste -sd' ')"
      inject "$@"
      ;;
  esac
}

# inject NODE KIND ARGS…
inject() {
  local node=$1 kind=$2
  shift 2
  case $kind in
    loss) inject_loss "$node" "$@" ;;
    drop) inject_drop "$node" "$@" ;;
    refuse) inject_refuse "$node" "$@" ;;
    mtu) inject_mtu "$node" "$@" ;;
    dead-backend) inject_dead_backend "$node" "$@" ;;
    down) inject_down "$node" "$@" ;;
    kube-proxy) inject_kube_proxy "$node" "$@" ;;
    bandwidth) inject_bandwidth "$node" "$@" ;;
    delay) inject_delay "$node" "$@" ;;
    *) usage ;;
  esac
}

main "$@"
