# The nodes: kind's containers, from an image that is there, named, or built.
# shellcheck shell=bash
# Needs lib/engine.sh, and CLUSTER, STATE, CLUSTER_KUBECONFIG, WORKERS, IP_FAMILY, PROXY_MODE.

# Links kind and kubectl where `env` says that they are.
link_programs() {
  local kind kubectl
  # Asked again with the result of `env` in PATH, `command -v` would find the link itself.
  if [ ! -x "$STATE/bin/kind" ]; then
    kind=$(command -v kind || "$HACK/build.sh" kind)
    ln -sf "$kind" "$STATE/bin/kind"
  fi
  kubectl=$("$HACK/build.sh" kube)
  ln -sf "$kubectl" "$STATE/bin/kubectl"
}

# make_nodes OPTIONS: the cluster, unless it is there. Of a cluster that an earlier call did not finish nothing can be kept.
make_nodes() {
  local image there
  there=$(node_containers) || die "could not list the engine's containers: see 'docker ps'"
  if [ -n "$there" ]; then
    [ ! -f "$STATE/made" ] || return 0
    [ -f "$STATE/ours" ] ||
      die "there is a kind cluster '$CLUSTER' that this script did not make: choose another name in NETREACH_CLUSTER, or delete it with 'kind delete cluster --name $CLUSTER'"
    say "removing what an earlier call left half-made"
    remove_nodes
  fi
  rm -f "$STATE/made"
  image=$(node_image)
  : >"$STATE/ours"
  say "making cluster '$CLUSTER' ($1)"
  kind_config >"$STATE/kind.yaml"
  "$STATE/bin/kind" create cluster --name "$CLUSTER" --image "$image" --config "$STATE/kind.yaml" \
    --kubeconfig "$CLUSTER_KUBECONFIG" >"$STATE/kind.log" 2>&1 || {
    tail -n 30 "$STATE/kind.log" >&2
    die "kind could not make the cluster: its last lines are above, all of them in $STATE/kind.log"
  }
  printf '%s\n' "$1" >"$STATE/made"
}

# Prints the name of a node image that the engine has, building and loading it where need be.
node_image() {
  if [ -n "${NODE_IMAGE:-}" ]; then
    printf '%s\n' "$NODE_IMAGE"
    return
  fi
  local tar print
  tar=$("$HACK/build.sh" node-image)
  print=${tar##*/node-}
  print=localhost/netreach-node:${print%%-*}
  if ! docker image inspect "$print" >/dev/null 2>&1; then
    say "loading the node image into the engine"
    # The older ones that no cluster uses: the engine refuses the rest.
    docker images -q localhost/netreach-node | xargs -r docker rmi >/dev/null 2>&1 || true
    docker load -q -i "$tar" >&2
  fi
  printf '%s\n' "$print"
}

kind_config() {
  local worker
  cat <<EOF
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
networking: {ipFamily: $IP_FAMILY, disableDefaultCNI: true, kubeProxyMode: $PROXY_MODE}
kubeadmConfigPatches:
- |
  kind: KubeletConfiguration
  failCgroupV1: false
nodes:
- role: control-plane
EOF
  for ((worker = 0; worker < WORKERS; worker++)); do echo '- role: worker'; done
}

remove_nodes() {
  local containers
  containers=$(node_containers)
  # shellcheck disable=SC2086 # a list
  [ -z "$containers" ] || docker rm -f -v $containers >/dev/null
}

node_containers() {
  docker ps -aq --filter "label=io.x-k8s.kind.cluster=$CLUSTER"
}

node_names() {
  docker ps --filter "label=io.x-k8s.kind.cluster=$CLUSTER" --format '{{.Names}}' | sort
}
