# The pods' network: a veth pair per pod, static routes between the nodes, and a second NIC for pods that ask for one.
# Not a bridge: without the kernel's br_netfilter the answer of a backend on the client's own node would cross the bridge
# without passing NAT, and arrive from the wrong address.
# shellcheck shell=bash
# Needs cluster/nodes.sh, and KUBECONFIG.

# One network for every pod's second NIC, on the wire that joins the nodes; each node gives out its own slice of it.
SECOND_V4=10.245
SECOND_V6=fd00:10:245:

# lay_network: every node's CNI configuration, and its routes to the pods of the others.
lay_network() {
  local node number=0 services
  declare -gA POD_CIDRS NODE_IPS
  say "laying the pods' network"
  for node in $(node_names); do
    POD_CIDRS[$node]=$(node_field "$node" '{.spec.podCIDRs[*]}')
    NODE_IPS[$node]=$(node_field "$node" '{.status.addresses[?(@.type=="InternalIP")].address}')
  done
  for node in $(node_names); do
    number=$((number + 1))
    routes_of "$node" | docker exec -i "$node" sh -e
    cni_config "$number" "${POD_CIDRS[$node]}" |
      docker exec -i "$node" sh -c 'mkdir -p /etc/cni/net.d && cat >/etc/cni/net.d/.part && mv /etc/cni/net.d/.part /etc/cni/net.d/10-netreach.conflist'
  done
  services=$(kubectl get servicecidr kubernetes -o jsonpath='{.spec.cidrs[*]}')
  for node in $(node_names); do fence "$services" | docker exec -i "$node" nft -f -; done
}

# fence SERVICE_CIDRS: rules that keep Services' addresses in. For a moment, while kube-proxy replaces its rules, such an address may stand
# for no pod, and would take the default route: whoever answers out there is kept on a connection for as long as that lasts.
fence() {
  local cidr chain
  echo "table inet netreach_fence"
  echo "delete table inet netreach_fence"
  for chain in output forward; do
    # After the hook's NAT, which has replaced whatever stands for a pod.
    echo "add table inet netreach_fence"
    echo "add chain inet netreach_fence $chain { type filter hook $chain priority 10; }"
    for cidr in $1; do
      case $cidr in
        *:*) echo "add rule inet netreach_fence $chain ip6 daddr $cidr reject" ;;
        *) echo "add rule inet netreach_fence $chain ip daddr $cidr reject" ;;
      esac
    done
  done
}

# node_field NODE JSONPATH: waits for it to be there, since the controller manager gives it some seconds after the join.
node_field() {
  local found until=$((SECONDS + 60))
  until found=$(kubectl get node "$1" -o jsonpath="$2" 2>/dev/null) && [ -n "$found" ]; do
    [ $SECONDS -lt $until ] || die "node $1 has no $2 after 60 s: see 'docker exec $1 journalctl -u kubelet'"
    sleep 0.3
  done
  printf '%s\n' "$found"
}

# routes_of NODE: the commands, for a shell on that node. An address and a prefix of one family belong together.
routes_of() {
  local other cidr ip
  for other in "${!POD_CIDRS[@]}"; do
    [ "$other" != "$1" ] || continue
    for cidr in ${POD_CIDRS[$other]}; do
      for ip in ${NODE_IPS[$other]}; do
        case $cidr,$ip in
          *:*,*:*) echo "ip -6 route replace $cidr via $ip" ;;
          *:*,* | *,*:*) ;;
          *) echo "ip route replace $cidr via $ip" ;;
        esac
      done
    done
  done
}

# cni_config NUMBER POD_CIDRS
cni_config() {
  local cidr ranges=() routes=()
  for cidr in $2; do
    ranges+=("[{\"subnet\":\"$cidr\"}]")
    case $cidr in
      *:*) routes+=('{"dst":"::/0"}') ;;
      *) routes+=('{"dst":"0.0.0.0/0"}') ;;
    esac
  done
  cat <<EOF
{"cniVersion": "0.4.0", "name": "netreach", "plugins": [
  {"type": "ptp", "ipMasq": false,
   "ipam": {"type": "host-local", "ranges": [$(IFS=, && echo "${ranges[*]}")], "routes": [$(IFS=, && echo "${routes[*]}")]}},
  {"type": "portmap", "capabilities": {"portMappings": true}},
  {"type": "second-nic",
   "nic": {$(second_nic "$1" "$2")}}
]}
EOF
}

# second_nic NUMBER POD_CIDRS: the members of its plugin's configuration, for the node of that number, in the families of its pods.
second_nic() {
  local cidr ranges=()
  for cidr in $2; do
    case $cidr in
      *:*) ranges+=("[{\"subnet\":\"$SECOND_V6:/64\",\"rangeStart\":\"$SECOND_V6:$1:1\",\"rangeEnd\":\"$SECOND_V6:$1:fe\"}]") ;;
      *) ranges+=("[{\"subnet\":\"$SECOND_V4.0.0/16\",\"rangeStart\":\"$SECOND_V4.$1.1\",\"rangeEnd\":\"$SECOND_V4.$1.254\"}]") ;;
    esac
  done
  cat <<EOF
"type": "macvlan", "master": "eth0", "mode": "bridge", "ipam": {"type": "host-local", "ranges": [$(IFS=, && echo "${ranges[*]}")]}
EOF
}
