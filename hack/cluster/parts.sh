# What stands in the cluster beside Kubernetes: names, volumes, MetalLB, the ingress controller.
# shellcheck shell=bash
# Needs cluster/nodes.sh, and KUBECONFIG.

PART_READY_WITHIN_S=180

# CoreDNS would take the nodes' resolver for its upstream. That one listens on a node's own loopback, so that in a pod CoreDNS
# finds itself there, and stops. Nothing here asks for names outside the cluster: it gets none.
cut_off_dns() {
  local corefile
  corefile=$(kubectl -n kube-system get configmap coredns -o jsonpath='{.data.Corefile}' | sed '/^ *forward /,/^ *}/d')
  kubectl -n kube-system create configmap coredns --from-literal=Corefile="$corefile" --dry-run=client -o yaml |
    kubectl -n kube-system apply --server-side --force-conflicts -f - >/dev/null
}

# A few volumes on each node, since nothing here makes them on demand.
make_volumes() {
  local node number
  for node in $(node_names); do
    docker exec "$node" mkdir -p /var/local/netreach/1 /var/local/netreach/2
    for number in 1 2; do volume "$node" "$number"; done
  done | kubectl apply -f - >/dev/null
}

volume() {
  cat <<EOF
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: $1-$2}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: standard
  persistentVolumeReclaimPolicy: Delete
  local: {path: /var/local/netreach/$2}
  nodeAffinity:
    required:
      nodeSelectorTerms:
      - matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [$1]}]
EOF
}

install_metallb() {
  say "installing MetalLB $METALLB_VERSION"
  kubectl apply -f "$("$HACK/build.sh" metallb-manifest)" >/dev/null
}

install_ingress() {
  local controller=haproxy
  ! on_road pulled || controller=traefik
  say "installing the ingress controller ($controller)"
  sed "s#@GROUND_IMAGE@#$GROUND_IMAGE#; s#@TRAEFIK_IMAGE@#$TRAEFIK_IMAGE#" "$HACK/ingress/$controller.yaml" | kubectl apply -f - >/dev/null
}

# MetalLB's webhook refuses addresses until its controller serves; the ingress gets its own address only then.
wait_for_parts() {
  say "waiting for every part to be ready"
  roll_out kube-system deployment/coredns
  roll_out metallb-system deployment/controller
  roll_out metallb-system daemonset/speaker
  local until=$((SECONDS + PART_READY_WITHIN_S))
  until address_pool | kubectl apply -f - >"$STATE/pool.log" 2>&1; do
    [ $SECONDS -lt $until ] || die "MetalLB took no address pool within $PART_READY_WITHIN_S s: $(tail -n 1 "$STATE/pool.log")"
    sleep 0.5
  done
  roll_out netreach-ingress deployment/ingress
  kubectl -n netreach-ingress wait service/ingress --for='jsonpath={.status.loadBalancer.ingress[0].ip}' --timeout="${PART_READY_WITHIN_S}s" >/dev/null ||
    die "the ingress controller's Service got no address: see 'kubectl -n metallb-system logs deployment/controller'"
  kubectl wait node --all --for=condition=Ready --timeout="${PART_READY_WITHIN_S}s" >/dev/null || die "a node is not ready: see 'kubectl describe nodes'"
}

roll_out() {
  kubectl -n "$1" rollout status "$2" --timeout="${PART_READY_WITHIN_S}s" >/dev/null ||
    die "$2 in $1 is not ready: see 'kubectl -n $1 describe pods' (eval \"\$($0 env)\" first)"
}

# The end of the kind network's own prefixes: the engine gives out addresses from their beginning.
address_pool() {
  local subnet ranges=()
  for subnet in $(docker network inspect kind -f '{{range .IPAM.Config}}{{.Subnet}} {{end}}'); do
    case $IP_FAMILY,$subnet in
      ipv4,*:* | ipv6,*.*) ;;
      *:*) ranges+=("${subnet%%::/*}::ff00:1-${subnet%%::/*}::ff00:ff") ;;
      *) ranges+=("$(last_addresses "$subnet")") ;;
    esac
  done
  cat <<EOF
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: kind, namespace: metallb-system}
spec: {addresses: [$(IFS=, && echo "${ranges[*]}")]}
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: {name: kind, namespace: metallb-system}
EOF
}

# last_addresses A.B.C.D/N: 50 addresses before the last ones of the prefix.
last_addresses() {
  local a b c d last
  IFS=./ read -r a b c d length <<<"$1"
  last=$(((a << 24 | b << 16 | c << 8 | d) | (1 << (32 - length)) - 1))
  printf '%s-%s\n' "$(dotted $((last - 60)))" "$(dotted $((last - 11)))"
}

dotted() {
  printf '%d.%d.%d.%d' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255))
}
