# What a cluster from the usual node image lacks: the image that verify asks from, and a second NIC.
# shellcheck shell=bash
# Needs cluster/nodes.sh, cluster/network.sh, and KUBECONFIG.

# Our echo in an image with a shell and curl.
load_ground_image() {
  local folder
  folder=$("$HACK/build.sh" ground)
  printf 'FROM %s\nCOPY echo /usr/local/bin/\n' "$CURL_IMAGE" | docker build -q -t "$GROUND_IMAGE" -f - "$folder" >/dev/null ||
    die "could not build $GROUND_IMAGE from $CURL_IMAGE: can the engine pull that?"
  load "$GROUND_IMAGE"
}

# Multus as its release has it, with a network `second` in the namespace default. The network's configuration lies on each node,
# where Multus looks for it by name: every node gives out addresses of its own.
install_multus() {
  [ "$MULTUS" = yes ] || return 0
  say "installing Multus $MULTUS_VERSION"
  local manifest=https://raw.githubusercontent.com/k8snetworkplumbingwg/multus-cni/$MULTUS_VERSION/deployments/multus-daemonset-thick.yml
  curl -sSfL "$manifest" | sed "s#multus-cni:snapshot#multus-cni:$MULTUS_VERSION#" | kubectl apply -f - >/dev/null ||
    die "could not install Multus from $manifest: leave out --multus where that cannot be reached"
  local node number=0 macvlan
  macvlan=$("$HACK/build.sh" macvlan)
  for node in $(node_names); do
    number=$((number + 1))
    docker exec -i "$node" install -D -m755 /dev/stdin /opt/cni/bin/macvlan <"$macvlan"
    printf '{"cniVersion": "0.4.0", "name": "second", %s}\n' "$(second_nic "$number" "$(node_field "$node" '{.spec.podCIDRs[*]}')")" |
      docker exec -i "$node" install -D -m644 /dev/stdin /etc/cni/multus/net.d/second.conf
  done
  roll_out kube-system daemonset/kube-multus-ds
  kubectl apply -f "$HACK/cluster/second-network.yaml" >/dev/null
}
