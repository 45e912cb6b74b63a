# What each kind of fault does to a node, and what undoes it. Every trace carries a name of our own, so that `clear` needs no memory:
# the packet filter's table, the TUN device, the shaper, a stopped process, a paused container.
# shellcheck shell=bash

TABLE="inet netreach_fault"
DELAY_DEVICE=nrdelay
DELAY_PROGRAM=/usr/local/bin/nrdelay
DELAY_ROUTES=23001 # a routing table, and the priority of the rule that leads there

# From the engine, for the API server may stand on a node that is down.
fault_nodes() {
  docker ps --filter "label=io.x-k8s.kind.cluster=${NETREACH_CLUSTER:-netreach}" --format '{{.Names}}' | sort
}

on() {
  docker exec -i "$@"
}

# --- packets ---

inject_loss() {
  local node=$1 percent=${2:-}
  [[ $percent =~ ^[0-9]{1,2}$|^100$ ]] || usage
  filter "$node" "numgen random mod 100 < $percent drop" "${@:3}"
}

inject_drop() {
  filter "$1" drop "${@:2}"
}

inject_refuse() {
  filter "$1" "meta l4proto tcp reject with tcp reset" "${@:2}"
}

inject_mtu() {
  [[ ${2:-} =~ ^[0-9]+$ && $# = 2 ]] || usage
  filter "$1" "meta length > $2 drop"
}

# filter NODE VERDICT [MATCH…]. Without --to the rule stands where packets are forwarded: those of the node itself, its kubelet's
# probes among them, do not come by. With --to it stands where packets arrive, before a Service's address is replaced.
filter() {
  local node=$1 verdict=$2 chain=forwarded family='' address='' ports=('')
  shift 2
  while [ $# -gt 0 ]; do
    case $1=${2:-} in
      --port=[0-9]*) ports=("tcp dport $2 " "tcp sport $2 ") ;;
      --family=4) family='meta nfproto ipv4 ' ;;
      --family=6) family='meta nfproto ipv6 ' ;;
      --to=*:*) chain=arriving address="ip6 daddr $2 " ;;
      --to=*.*) chain=arriving address="ip daddr $2 " ;;
      *) usage ;;
    esac
    shift 2
  done
  {
    echo "add table $TABLE"
    echo "add chain $TABLE forwarded { type filter hook forward priority -10; }"
    echo "add chain $TABLE arriving { type filter hook prerouting priority -310; }"
    for port in "${ports[@]}"; do echo "add rule $TABLE $chain $family$address$port$verdict"; done
  } | on "$node" nft -f -
}

# The pod's own network namespace, for traffic on the pod's own node may not pass the node's filter. The node itself still gets
# through: readiness probes come from there.
inject_dead_backend() {
  local node=$1 pod=${2:-} port=${3:-} ips netns
  [[ $pod == */* && $port =~ ^[0-9]+$ ]] || usage
  ips=$(kubectl -n "${pod%%/*}" get pod "${pod#*/}" -o jsonpath='{.status.podIPs[*].ip}')
  [ "$(kubectl -n "${pod%%/*}" get pod "${pod#*/}" -o jsonpath='{.spec.nodeName}')" = "$node" ] || die "$pod does not run on $node: see 'kubectl get pods -A -o wide'"
  netns=$(netns_of "$node" "${ips%% *}")
  {
    echo "add table $TABLE"
    echo "add chain $TABLE incoming { type filter hook input priority -10; }"
    echo "add rule $TABLE incoming tcp dport $port ip saddr != { $(own_addresses "$node" -4) } drop"
    echo "add rule $TABLE incoming tcp dport $port ip6 saddr != { $(own_addresses "$node" -6) } drop"
  } | on "$node" nsenter --net="/run/netns/$netns" nft -f -
}

netns_of() {
  local found
  # shellcheck disable=SC2016 # for the node's shell
  found=$(on "$1" sh -c 'for ns in $(ip netns list | cut -d" " -f1); do ! ip -n "$ns" -o addr | grep -qF " $0/" || echo "$ns"; done' "$2")
  [ -n "$found" ] || die "no network namespace on $1 has the address $2: does the pod run with hostNetwork?"
  printf '%s\n' "$found"
}

# own_addresses NODE -4|-6: as the packet filter lists them.
own_addresses() {
  on "$1" ip "$2" -o addr | awk '{sub("/.*", "", $4); print $4}' | sort -u | paste -sd,
}

# --- the rest ---

inject_down() {
  [ $# = 1 ] || usage
  docker pause "$1" >/dev/null
}

inject_kube_proxy() {
  [ $# = 1 ] || usage
  signal_kube_proxy "$1" STOP
}

# signal_kube_proxy NODE SIGNAL: the process that runs in the node's kube-proxy pod.
signal_kube_proxy() {
  # shellcheck disable=SC2016 # for the node's shell
  on "$1" sh -c 'for pid in $(pgrep -x kube-proxy); do kill -s "$0" "$pid"; done' "$2"
}

inject_bandwidth() {
  [[ ${2:-} =~ ^[0-9]+(bit|kbit|mbit|gbit)$ && $# = 2 ]] || usage
  on "$1" tc qdisc replace dev eth0 root tbf rate "$2" burst 16kb latency 2s
}

# There is no netem in every kernel: what comes by the wire for a pod of the node goes through a TUN device, where a program holds it back.
inject_delay() {
  local node=$1 ms=${2:-} program cidrs
  [[ $ms =~ ^[0-9]+$ && $# = 2 ]] || usage
  clear_delay "$node"
  program=$("$HACK/build.sh" ground)/delay || return
  cidrs=$(kubectl get node "$node" -o jsonpath='{.spec.podCIDRs[*]}') || return
  on "$node" install -m755 /dev/stdin "$DELAY_PROGRAM" <"$program" || return
  docker exec -d "$node" "$DELAY_PROGRAM" "$DELAY_DEVICE" "${ms}ms" || return
  on "$node" sh -e -s "$DELAY_DEVICE" "$DELAY_ROUTES" "$cidrs" <<'EOS'
    tries=0
    until ip link set "$1" up 2>/dev/null; do tries=$((tries + 1)); [ $tries -lt 100 ] || exit 1; sleep 0.1; done
    echo 0 >"/proc/sys/net/ipv4/conf/$1/rp_filter"
    for cidr in $3; do
      case $cidr in *:*) v=-6 ;; *) v=-4 ;; esac
      ip $v route replace default dev "$1" table "$2"
      ip $v rule add iif eth0 to "$cidr" lookup "$2" priority "$2"
    done
EOS
}

# --- healing ---

clear_nodes() {
  local node nodes
  nodes=${1:-$(fault_nodes)}
  for node in $nodes; do
    [ "$(docker inspect -f '{{.State.Paused}}' "$node")" = false ] || docker unpause "$node" >/dev/null
    # shellcheck disable=SC2016 # for the node's shell
    on "$node" sh -s "$TABLE" <<'EOS'
      nft delete table $1 2>/dev/null
      for ns in /run/netns/*; do nsenter --net="$ns" nft delete table $1 2>/dev/null; done
      tc qdisc delete dev eth0 root 2>/dev/null
      true
EOS
    signal_kube_proxy "$node" CONT
    clear_delay "$node"
  done
}

clear_delay() {
  on "$1" sh -s "$DELAY_ROUTES" "$DELAY_PROGRAM" <<'EOS'
    for v in -4 -6; do while ip $v rule delete priority "$1" 2>/dev/null; do :; done; done
    for pid in $(pgrep -x nrdelay); do kill "$pid"; done
    rm -f "$2"
    true
EOS
}
