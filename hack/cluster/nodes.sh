# The nodes: kind's containers, and the image that they run.
# shellcheck shell=bash
# Needs lib/engine.sh, and CLUSTER, STATE, CLUSTER_KUBECONFIG, WORKERS, IP_FAMILY, PROXY_MODE, MULTUS.

# A registry that has not answered by then is none.
REGISTRY_ANSWERS_WITHIN_S=10

link_kind() {
  # Asked again with the result of `env` in PATH, `command -v` would find the link itself.
  [ ! -x "$STATE/bin/kind" ] || return 0
  local kind
  kind=$(command -v kind || "$HACK/build.sh" kind)
  ln -sf "$kind" "$STATE/bin/kind"
}

# make_nodes OPTIONS: the cluster, unless it is there. Of a cluster that an earlier call did not finish nothing can be kept.
make_nodes() {
  local there
  there=$(node_containers) || die "could not list the engine's containers: see 'docker ps'"
  if [ -n "$there" ]; then
    [ ! -f "$STATE/made" ] || return 0
    [ -f "$STATE/ours" ] ||
      die "there is a kind cluster '$CLUSTER' that this script did not make: choose another name in NETREACH_CLUSTER, or delete it with 'kind delete cluster --name $CLUSTER'"
    say "removing what an earlier call left half-made"
    remove_nodes
  fi
  rm -f "$STATE/made"
  choose_image
  : >"$STATE/ours"
  say "making cluster '$CLUSTER' ($1)"
  kind_config >"$STATE/kind.yaml"
  "$STATE/bin/kind" create cluster --name "$CLUSTER" --image "$IMAGE" --config "$STATE/kind.yaml" \
    --kubeconfig "$CLUSTER_KUBECONFIG" >"$STATE/kind.log" 2>&1 || {
    tail -n 30 "$STATE/kind.log" >&2
    die "kind could not make the cluster: its last lines are above, all of them in $STATE/kind.log"
  }
  # The cluster's own, so that it is never too old or too new for it.
  docker cp -L "$CLUSTER-control-plane:/usr/bin/kubectl" "$STATE/bin/kubectl" >/dev/null
}

# choose_image: sets IMAGE, and writes to $STATE/road where the parts of the cluster come from: `built`, all of them are in the
# image, which hack/build.sh made, or `pulled`, they are kind's own and those of registries.
choose_image() {
  local why
  case ${NODE_IMAGE:-} in
    build)
      why="NODE_IMAGE asks for one that is built here"
      IMAGE=$(built_image)
      ;;
    '')
      if has_image "$KINDEST_NODE" || pull "$KINDEST_NODE"; then
        IMAGE=$KINDEST_NODE why="the usual one"
      else
        why="$KINDEST_NODE cannot be pulled: $(tail -n 1 "$STATE/pull.log")"
        IMAGE=$(built_image)
      fi
      ;;
    *)
      has_image "$NODE_IMAGE" || pull "$NODE_IMAGE" ||
        die "could not pull NODE_IMAGE=$NODE_IMAGE ($(tail -n 1 "$STATE/pull.log")): name one that the engine can pull, or unset it to have one built"
      IMAGE=$NODE_IMAGE why="NODE_IMAGE names it"
      ;;
  esac
  say "node image: $IMAGE ($why)"
  docker image inspect -f '{{or (index .Config.Labels "netreach.parts") "pulled"}}' "$IMAGE" >"$STATE/road"
  if [ "$MULTUS" = yes ] && ! on_road pulled; then
    die "--multus wants the usual node image, and a registry to pull Multus from: leave it out, second NICs are there without it"
  fi
}

# on_road built|pulled
on_road() {
  [ "$(<"$STATE/road")" = "$1" ]
}

has_image() {
  docker image inspect "$1" >/dev/null 2>&1
}

# pull IMAGE: for as long as it takes, once the registry has answered. What it said is in $STATE/pull.log.
pull() {
  local pid until=$((SECONDS + REGISTRY_ANSWERS_WITHIN_S))
  docker pull "$1" >"$STATE/pull.log" 2>&1 8>&- 9>&- &
  pid=$!
  until grep -q 'Pulling from' "$STATE/pull.log"; do
    kill -0 "$pid" 2>/dev/null || break
    if [ $SECONDS -ge $until ]; then
      kill "$pid"
      echo "no registry answered within $REGISTRY_ANSWERS_WITHIN_S s" >>"$STATE/pull.log"
      break
    fi
    sleep 0.1
  done
  wait "$pid"
}

# Prints the name of the image that hack/build.sh makes, having built and loaded it where need be.
built_image() {
  local tar print
  tar=$("$HACK/build.sh" node-image)
  print=${tar##*/node-}
  print=localhost/netreach-node:${print%%-*}
  if ! has_image "$print"; then
    say "loading the node image into the engine"
    # The older ones that no cluster uses: the engine refuses the rest.
    docker images -q localhost/netreach-node | xargs -r docker rmi >/dev/null 2>&1 || true
    docker load -q -i "$tar" >&2 || die "could not load $tar into the engine: is there space where it keeps its data ('docker info', 'df')?"
  fi
  printf '%s\n' "$print"
}

# Kubelets look every 10 s, not every minute, whether what pods have mounted has changed: tests wait for certificates to arrive.
kind_config() {
  local worker
  cat <<EOF
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
networking: {ipFamily: $IP_FAMILY, disableDefaultCNI: $(on_road built && echo true || echo false), kubeProxyMode: $PROXY_MODE}
kubeadmConfigPatches:
- |
  kind: KubeletConfiguration
  failCgroupV1: false
  syncFrequency: 10s
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
