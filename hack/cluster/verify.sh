# Proof of the ground by curl alone: every way to reach a pod, from a pod on each node and from a container that is no node.
# shellcheck shell=bash
# Needs cluster/nodes.sh, and KUBECONFIG.

GROUND=netreach-ground
PROBE_TIMEOUT_S=3
# A Service picks a backend by chance: of ten, one is left out by this many asks less than once in a hundred million times.
ASKS_MAX=200

verify() {
  local churn=0 red
  case ${1:-}=${2:-} in
    =) ;;
    --churn=[0-9]*) churn=$2 ;;
    *) usage ;;
  esac
  trap 'kubectl delete namespace $GROUND --wait=false >/dev/null 2>&1 || true' EXIT
  kubectl wait namespace/$GROUND --for=delete --timeout=120s >/dev/null 2>&1 || die "namespace $GROUND of an earlier verify does not go away"
  sed "s#@GROUND_IMAGE@#$GROUND_IMAGE#" "$HACK/cluster/ground.yaml" | kubectl apply -f - >/dev/null
  COLUMNS_OF_TABLE="PodIp ClusterIp NodePort LoadBalancer Ingress"
  ! has_second_nics || COLUMNS_OF_TABLE+=" SecondNic"
  churn_services "$churn"
  wait_for_ground
  targets >"$STATE/targets"
  check_targets
  ask_all >"$STATE/answers"
  table <"$STATE/answers"
  red=$(grep -c ' red ' "$STATE/answers" || true)
  [ "$red" = 0 ] || die "$red of $(wc -l <"$STATE/answers") probes got no right answer: they are the lines with 'red' in $STATE/answers"
  say "all $(wc -l <"$STATE/answers") probes were answered"
}

# churn_services N: LoadBalancer Services that come and go. Some packet-filter tools lose their tables over it.
churn_services() {
  local round
  for ((round = 1; round <= $1; round++)); do
    kubectl -n $GROUND create service loadbalancer "churn-$round" --tcp=80:8080 >/dev/null
    address_of "service/churn-$round" >/dev/null
    kubectl -n $GROUND delete service "churn-$round" >/dev/null
  done
}

wait_for_ground() {
  kubectl -n $GROUND rollout status daemonset/echo --timeout=120s >/dev/null || die "the echo pods are not ready: see 'kubectl -n $GROUND describe pods'"
  address_of service/echo >/dev/null
  address_of ingress/echo >/dev/null
}

# address_of OBJECT: its load balancer addresses, once it has them.
address_of() {
  kubectl -n $GROUND wait "$1" --for='jsonpath={.status.loadBalancer.ingress[0].ip}' --timeout=60s >/dev/null ||
    die "$1 in $GROUND got no address within 60 s: see 'kubectl -n metallb-system logs deployment/controller'"
  kubectl -n $GROUND get "$1" -o jsonpath='{.status.loadBalancer.ingress[*].ip}'
}

# A line for each target: column, address family, URL, and the words that the answers must hold: a pod, or every node.
targets() {
  local pod ip ips port every
  every=$(node_names | sed 's/^/node=/' | paste -sd' ')
  kubectl -n $GROUND get pods -l app=echo -o jsonpath='{range .items[*]}{.metadata.name} {.status.podIPs[*].ip}{"\n"}{end}' |
    while read -r pod ips; do
      for ip in $ips; do target PodIp "$ip" ":8080/" "pod=$pod"; done
    done
  for ip in $(kubectl -n $GROUND get service echo -o jsonpath='{.spec.clusterIPs[*]}'); do target ClusterIp "$ip" / "$every"; done
  port=$(kubectl -n $GROUND get service echo -o jsonpath='{.spec.ports[0].nodePort}')
  for ip in $(kubectl get nodes -o jsonpath='{.items[*].status.addresses[?(@.type=="InternalIP")].address}'); do target NodePort "$ip" ":$port/" "$every"; done
  for ip in $(address_of service/echo); do target LoadBalancer "$ip" / "$every"; done
  for ip in $(address_of ingress/echo); do target Ingress "$ip" /ground "$every"; done
  has_second_nics || return 0
  for pod in $(kubectl -n $GROUND get pods -l app=echo -o jsonpath='{.items[*].metadata.name}'); do
    for ip in $(second_ips "$pod"); do target SecondNic "$ip" ":8080/" "pod=$pod"; done
  done
}

# Our own CNI chain gives them, or Multus.
has_second_nics() {
  on_road built || grep -q multus=yes "$STATE/made"
}

# An address that is missing would leave its cell empty, not red: so every column must have each family, and every pod both NICs.
check_targets() {
  local column family families='v4 v6' nodes want got
  case $(<"$STATE/made") in *=ipv4*) families=v4 ;; *=ipv6*) families=v6 ;; esac
  nodes=$(node_names | wc -l)
  for column in $COLUMNS_OF_TABLE; do
    case $column in PodIp | NodePort | SecondNic) want=$nodes ;; *) want=1 ;; esac
    for family in $families; do
      got=$(grep -c "^$column $family " "$STATE/targets" || true)
      [ "$got" = "$want" ] || die "there are $got addresses of $column $family to ask, not $want: see $STATE/targets and 'kubectl get pods,services,ingresses -A -o wide'"
    done
  done
}

# second_ips POD: the addresses of its net1, from its network status: a list in JSON.
second_ips() {
  kubectl -n $GROUND get pod "$1" -o jsonpath='{.metadata.annotations.k8s\.v1\.cni\.cncf\.io/network-status}' | tr -d ' \n' |
    sed -n 's/.*"interface":"net1"[^[]*"ips":\[\([^]]*\)\].*/\1/p' | tr -d '"' | tr ',' ' '
}

# target COLUMN IP REST WORDS
target() {
  case $2 in
    *:*) printf '%s v6 http://[%s]%s %s\n' "$1" "$2" "$3" "$4" ;;
    *) printf '%s v4 http://%s%s %s\n' "$1" "$2" "$3" "$4" ;;
  esac
}

# Lines of answers: source, column, family, green or red, word, URL.
ask_all() {
  local pod node
  kubectl -n $GROUND get pods -l app=echo -o jsonpath='{range .items[*]}{.metadata.name} {.spec.nodeName}{"\n"}{end}' |
    while read -r pod node; do
      asker "$node" '' | kubectl -n $GROUND exec -i "$pod" -- sh
    done
  # A fresh container: an old one might still know where the announcer was. It has no way to pods or to ClusterIPs.
  asker outside '^(NodePort|LoadBalancer|Ingress) ' |
    docker run --rm -i --network kind --entrypoint /bin/sh "$(docker inspect -f '{{.Config.Image}}' "$(node_names | head -n 1)")"
}

# asker SOURCE COLUMNS: the shell program that asks all targets at once. It asks each until every word has been in an answer,
# so that behind a Service every node's pod has to be reached; it gives up at the first failure.
asker() {
  local column family url words
  cat <<EOF
ask() {
  from=\$1 url=\$2 tries=0 seen=
  shift 2
  for word in "\$@"; do
    colour=red
    while case \$seen in *" \$word "*) colour=green; false ;; *) [ \$tries -lt $ASKS_MAX ] ;; esac; do
      tries=\$((tries + 1))
      answer=\$(curl -gsf --noproxy '*' --max-time $PROBE_TIMEOUT_S "\$url") || tries=$ASKS_MAX
      seen="\$seen \$answer "
    done
    echo "\$from \$colour \$word \$url"
  done
}
EOF
  grep -E "${2:-.}" "$STATE/targets" | while read -r column family url words; do
    echo "ask '$1 $column $family' '$url' $words &"
  done
  echo wait
}

# table: answers of one source in a row; "3/3" is reached/to be reached, a dot that nothing was asked.
table() {
  sort | awk -v columns="$COLUMNS_OF_TABLE" '
    { if (!($1 in row_of)) { row_of[$1]; rows[++count] = $1 } asked[$1, $2, $3]++; if ($4 == "green") answered[$1, $2, $3]++ }
    END {
      n = split(columns, column, " ")
      printf "%-24s", "from"
      for (i = 1; i <= n; i++) for (f = 4; f <= 6; f += 2) printf "%16s", column[i] " v" f
      print ""
      for (r = 1; r <= count; r++) {
        row = rows[r]
        printf "%-24s", row
        for (i = 1; i <= n; i++) for (f = 4; f <= 6; f += 2) {
          key = row SUBSEP column[i] SUBSEP "v" f
          cell = asked[key] ? (answered[key] + 0) "/" asked[key] (answered[key] == asked[key] ? "" : " RED") : "."
          printf "%16s", cell
        }
        print ""
      }
    }'
}
