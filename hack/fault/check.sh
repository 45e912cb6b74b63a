# Shows of each kind of fault that it bites, and that `clear` heals it: with echo pods of its own and curl.
# shellcheck shell=bash
# Needs fault/kinds.sh, lib/cache.sh.

FAULT_GROUND=netreach-fault
ALL_KINDS="loss drop drop-family drop-to refuse mtu dead-backend kube-proxy bandwidth delay down"
HEAL_WITHIN_S=60

check_kinds() {
  local kind misses=0 bites heals began
  trap 'clear_nodes; kubectl delete namespace $FAULT_GROUND --wait=false >/dev/null 2>&1 || true' EXIT
  trap 'exit 130' INT TERM
  lay_fault_ground
  printf '%-14s %-6s %-6s %7s\n' kind bites heals seconds
  # shellcheck disable=SC2086 # a list
  [ $# -gt 0 ] || set -- $ALL_KINDS
  for kind in "$@"; do
    bites=yes heals=yes began=$SECONDS
    healthy || die "the ground is not whole before $kind: see hack/cluster.sh verify"
    "bite_${kind//-/_}" || bites=NO
    clear_nodes "$NODE"
    await_healthy || heals=NO
    printf '%-14s %-6s %-6s %7d\n' "$kind" "$bites" "$heals" $((SECONDS - began))
    [ "$bites$heals" = yesyes ] || misses=$((misses + 1))
  done
  [ "$misses" = 0 ] || die "$misses kinds of fault did not bite or did not heal: see the table above"
}

# An echo pod on every node. HERE asks; THERE runs on NODE, which the faults are for.
lay_fault_ground() {
  kubectl wait namespace/$FAULT_GROUND --for=delete --timeout=120s >/dev/null 2>&1 || die "namespace $FAULT_GROUND of an earlier check does not go away"
  sed "s#netreach-ground\$#$FAULT_GROUND#; s#/ground\$#/fault#; s#@GROUND_IMAGE@#$GROUND_IMAGE#" "$HACK/cluster/ground.yaml" | kubectl apply -f - >/dev/null
  kubectl -n $FAULT_GROUND rollout status daemonset/echo --timeout=120s >/dev/null || die "the echo pods are not ready: see 'kubectl -n $FAULT_GROUND describe pods'"
  read -r HERE_NODE NODE < <(fault_nodes | grep -v control-plane | paste -sd' ')
  [ -n "$NODE" ] || die "this takes two workers: hack/cluster.sh up --workers 2"
  HERE=$(echo_on "$HERE_NODE" .metadata.name)
  THERE=$(echo_on "$NODE" .metadata.name)
  HERE_V4=$(echo_on "$HERE_NODE" .status.podIP)
  V4=$(echo_on "$NODE" .status.podIP)
  V6=$(echo_on "$NODE" '.status.podIPs[1].ip')
  CLUSTER_IP=$(kubectl -n $FAULT_GROUND get service echo -o jsonpath='{.spec.clusterIP}')
}

echo_on() {
  kubectl -n $FAULT_GROUND get pods -l app=echo --field-selector "spec.nodeName=$1" -o jsonpath="{.items[0]$2}"
}

# ask POD URL [CURL FLAG…]: prints status, connect time and total time; fails as curl does.
ask() {
  kubectl -n $FAULT_GROUND exec "$1" -- curl -gs --noproxy '*' -o /dev/null -w '%{http_code} %{time_connect} %{time_total}\n' --max-time 2 "${@:3}" "$2"
}

answers() {
  ask "$@" >/dev/null 2>&1
}

# padding BYTES: a header of that many, which the server reads before it answers.
padding() {
  printf 'X-Padding: %s' "$(head -c "$1" /dev/zero | tr '\0' x)"
}

healthy() {
  answers "$HERE" "http://$V4:8080/" && answers "$HERE" "http://[$V6]:8080/" && answers "$HERE" "http://$V4:8080/" -H "$(padding 9000)"
}

await_healthy() {
  local until=$((SECONDS + HEAL_WITHIN_S))
  until healthy; do [ $SECONDS -lt $until ] || return 1; done
}

bite_loss() {
  inject_loss "$NODE" 20
  local sum
  # Of an exchange of ten packets more than a third are whole: both outcomes are certain in forty.
  # shellcheck disable=SC2016 # for the pod's shell
  sum=$(kubectl -n $FAULT_GROUND exec "$HERE" -- sh -c 'n=0; for i in $(seq 40); do curl -s --noproxy "*" -o /dev/null --max-time 0.3 "$0" && n=$((n + 1)); done; echo $n' "http://$V4:8080/")
  [ "$sum" -gt 0 ] && [ "$sum" -lt 40 ]
}

bite_drop() {
  inject_drop "$NODE" --port 8080
  ! answers "$HERE" "http://$V4:8080/" && ! answers "$HERE" "http://[$V6]:8080/"
}

bite_drop_family() {
  inject_drop "$NODE" --family 4
  ! answers "$HERE" "http://$V4:8080/" && answers "$HERE" "http://[$V6]:8080/"
}

bite_drop_to() {
  inject_drop "$NODE" --to "$CLUSTER_IP"
  ! answers "$THERE" "http://$CLUSTER_IP/" && answers "$THERE" "http://$HERE_V4:8080/" && answers "$HERE" "http://$V4:8080/"
}

# curl's 7 and 56: could not connect, connection reset.
bite_refuse() {
  inject_refuse "$NODE" --port 8080
  local status=0
  ask "$HERE" "http://$V4:8080/" >/dev/null 2>&1 || status=$?
  [ $status = 7 ] || [ $status = 56 ]
}

bite_mtu() {
  inject_mtu "$NODE" 1000
  answers "$HERE" "http://$V4:8080/" && ! answers "$HERE" "http://$V4:8080/" -H "$(padding 9000)"
}

# Ready stays: three probes a second apart would have told.
bite_dead_backend() {
  inject_dead_backend "$NODE" "$FAULT_GROUND/$THERE" 8080
  ! answers "$HERE" "http://$V4:8080/" && ! answers "$HERE" "http://[$V6]:8080/" &&
    ! kubectl -n $FAULT_GROUND wait "pod/$THERE" --for=condition=Ready=false --timeout=5s >/dev/null 2>&1
}

bite_kube_proxy() {
  local ip
  inject_kube_proxy "$NODE"
  kubectl -n $FAULT_GROUND create service clusterip unseen --tcp=80:8080 >/dev/null
  kubectl -n $FAULT_GROUND set selector service unseen app=echo >/dev/null
  ip=$(kubectl -n $FAULT_GROUND get service unseen -o jsonpath='{.spec.clusterIP}')
  local until=$((SECONDS + HEAL_WITHIN_S))
  until answers "$HERE" "http://$ip/"; do [ $SECONDS -lt $until ] || return 1; done
  ! answers "$THERE" "http://$ip/" || return 1
  clear_nodes "$NODE"
  until answers "$THERE" "http://$ip/"; do [ $SECONDS -lt $until ] || return 1; done
  kubectl -n $FAULT_GROUND delete service unseen >/dev/null
}

# THERE sends, for it is what the node sends that is slow. 60 kB at 256 kbit/s take two seconds.
bite_bandwidth() {
  inject_bandwidth "$NODE" 256kbit
  answers "$THERE" "http://$HERE_V4:8080/" --max-time 1 && ! answers "$THERE" "http://$HERE_V4:8080/" -H "$(padding 60000)" --max-time 1
}

bite_delay() {
  inject_delay "$NODE" 200
  ask "$HERE" "http://$V4:8080/" | awk '{exit !($1 == 200 && $2 >= 0.2 && $2 < 1)}' &&
    ask "$HERE" "http://[$V6]:8080/" | awk '{exit !($1 == 200 && $2 >= 0.2 && $2 < 1)}'
}

bite_down() {
  inject_down "$NODE"
  ! answers "$HERE" "http://$V4:8080/"
}
