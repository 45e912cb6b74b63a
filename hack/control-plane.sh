#!/usr/bin/env bash
# A real etcd and kube-apiserver on loopback, for tests that need an API server and no nodes. Several run side by side.
#   eval "$(hack/control-plane.sh up [--until-exit-of PID])"   starts one; exports KUBECONFIG (admin), NETREACH_CONTROL_PLANE, PATH
#   hack/control-plane.sh env                                  prints those exports again
#   hack/control-plane.sh user NAME [GROUP…]                   mints a client certificate; prints the path of its kubeconfig
#   hack/control-plane.sh agent NAMESPACE ACCOUNT [POD]        mints a service account token for the audience netreach; prints it
#   hack/control-plane.sh assets                               prints where the programs are, building them where they are nowhere
#   hack/control-plane.sh down                                 ends it and removes its data
# All but `up` and `assets` act on the folder that $NETREACH_CONTROL_PLANE names. Programs come from $KUBEBUILDER_ASSETS, else from what
# setup-envtest installed, else from the cached build (hack/build.sh kube). Without a controller manager there are no default
# service accounts, and no garbage collection; a webhook or an aggregated API on loopback is reached by URL or by a Service of type ExternalName.
set -euo pipefail
# shellcheck source=lib/cache.sh
. "$(dirname "$0")/lib/cache.sh"
# shellcheck source=lib/certs.sh
. "$HACK/lib/certs.sh"

READY_WITHIN_S=30
PORT_TRIES=20

main() {
  local verb=${1:-}
  [ $# -eq 0 ] || shift
  case $verb in
    up) up "$@" ;;
    assets) find_assets ;;
    env | user | agent | down | watch)
      DIR=${NETREACH_CONTROL_PLANE:-}
      [ -f "$DIR/server" ] ||
        die "no control plane at '$DIR' (NETREACH_CONTROL_PLANE): start one with eval \"\$($0 up)\""
      "$verb" "$@"
      ;;
    *) usage ;;
  esac
}

# --- verbs ---

up() {
  local owner=
  case ${1:-} in
    "") ;;
    --until-exit-of) owner=${2:?PID is missing} ;;
    *) usage ;;
  esac
  need openssl "install the package openssl"
  local assets
  assets=$(find_assets)
  DIR=$(mktemp -d "${TMPDIR:-/tmp}/netreach-control-plane.XXXXXX")
  # Anything that goes wrong from here, Ctrl-C included, leaves nothing behind.
  trap down EXIT
  trap 'exit 130' INT TERM
  mkdir "$DIR/bin"
  link_programs "$assets"
  make_certificates
  start_etcd
  start_api_server
  trap - EXIT
  [ -z "$owner" ] || watch_owner "$owner"
  say "ready at $(<"$DIR/server")"
  env
}

env() {
  printf 'export NETREACH_CONTROL_PLANE=%q KUBECONFIG=%q PATH=%q:"%s"\n' "$DIR" "$DIR/admin.kubeconfig" "$DIR/bin" "\$PATH"
}

user() {
  local name=${1:?a user name is missing} groups=
  shift
  for group in "$@"; do groups+="/O=$group"; done
  case $name in */*) die "a user name holds no slash, this one does: $name" ;; esac
  # KUBECONFIG is a list: a colon in a path would end it.
  local file=$DIR/user-${name//:/-}
  sign "$DIR/ca" "$file" "$groups/CN=$name" extendedKeyUsage=clientAuth
  write_kubeconfig "$file.kubeconfig" "$(<"$DIR/server")" "$DIR/ca.crt" "$file"
  printf '%s\n' "$file.kubeconfig"
}

agent() {
  local namespace=${1:?a namespace is missing} account=${2:?a service account is missing} pod=${3:-} bound=()
  [ -z "$pod" ] || bound=(--bound-object-kind Pod --bound-object-name "$pod")
  "$DIR/bin/kubectl" --kubeconfig "$DIR/admin.kubeconfig" -n "$namespace" create token "$account" --audience netreach "${bound[@]}"
}

down() {
  local program
  for program in kube-apiserver etcd; do end "$program"; done
  rm -rf "$DIR"
}

# watch PID: what `up --until-exit-of` leaves in the background.
watch() {
  while [ -e "/proc/$1" ] && [ -d "$DIR" ]; do sleep 1; done
  down
}

# --- programs ---

# Prints a folder with etcd, kube-apiserver and kubectl, or the path of the binary that is all three.
find_assets() {
  local folder
  if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
    for program in etcd kube-apiserver kubectl; do
      [ -x "$KUBEBUILDER_ASSETS/$program" ] || die "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS holds no $program: unset it, or fill it with setup-envtest"
    done
    printf '%s\n' "$KUBEBUILDER_ASSETS"
  elif have setup-envtest && folder=$(setup-envtest use -i -p path 2>/dev/null); then
    printf '%s\n' "$folder"
  else
    "$HACK/build.sh" kube
  fi
}

link_programs() {
  local program
  for program in etcd kube-apiserver kubectl; do
    if [ -d "$1" ]; then
      ln -s "$1/$program" "$DIR/bin/$program"
    else
      ln -s "$1" "$DIR/bin/$program"
    fi
  done
}

make_certificates() {
  make_ca "$DIR/ca" netreach-test-ca
  make_ca "$DIR/front-proxy-ca" netreach-test-front-proxy-ca
  sign "$DIR/ca" "$DIR/serving" /CN=kube-apiserver extendedKeyUsage=serverAuth \
    subjectAltName=DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:::1
  sign "$DIR/ca" "$DIR/admin" /O=system:masters/CN=admin extendedKeyUsage=clientAuth
  sign "$DIR/front-proxy-ca" "$DIR/front-proxy" /CN=front-proxy-client extendedKeyUsage=clientAuth
  openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$DIR/accounts.key" 2>/dev/null
}

# --- processes ---

# start PROGRAM FLAG…: in the background and in a session of its own, so that a Ctrl-C meant for the caller does not end it.
start() {
  local program=$1
  shift
  setsid "$DIR/bin/$program" "$@" >"$DIR/$program.log" 2>&1 </dev/null &
  echo $! >"$DIR/$program.pid"
}

# Over sockets in the data folder: no port to choose, and nobody else can connect. A test's data need not outlive a power cut.
start_etcd() {
  start etcd --data-dir="$DIR/etcd" --unsafe-no-fsync --log-level=warn \
    --listen-client-urls="unix://$DIR/etcd.sock" --advertise-client-urls=http://localhost:0 \
    --listen-peer-urls="unix://$DIR/etcd-peer.sock" \
    --initial-advertise-peer-urls=http://localhost:0 --initial-cluster=default=http://localhost:0 # nobody will ask
}

# The API server cannot choose its own port. Another process may take the one chosen before it does: then it says so, and we choose again.
start_api_server() {
  local port try
  for try in $(seq $PORT_TRIES); do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || continue
    echo "https://127.0.0.1:$port" >"$DIR/server"
    write_kubeconfig "$DIR/admin.kubeconfig" "https://127.0.0.1:$port" "$DIR/ca.crt" "$DIR/admin"
    start_api_server_at "$port"
    ! wait_ready || return 0
    grep -q 'address already in use' "$DIR/kube-apiserver.log" || break
  done
  [ -f "$DIR/kube-apiserver.log" ] ||
    die "every port that was tried on 127.0.0.1 is taken ($PORT_TRIES of those from 20000 to 31999): end some of what listens there ('ss -ltnp')"
  tail -n 20 "$DIR/kube-apiserver.log" "$DIR/etcd.log" >&2
  die "the API server did not become ready (tries: $try, allowed: $READY_WITHIN_S s each): its last lines are above"
}

start_api_server_at() {
  start kube-apiserver --secure-port="$1" --bind-address=127.0.0.1 --advertise-address=127.0.0.1 --endpoint-reconciler-type=none \
    --etcd-servers="unix://$DIR/etcd.sock" --service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112 --allow-privileged=true \
    --authorization-mode=RBAC --client-ca-file="$DIR/ca.crt" \
    --tls-cert-file="$DIR/serving.crt" --tls-private-key-file="$DIR/serving.key" \
    --service-account-issuer=https://kubernetes.default.svc \
    --service-account-key-file="$DIR/accounts.key" --service-account-signing-key-file="$DIR/accounts.key" \
    --requestheader-client-ca-file="$DIR/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --proxy-client-cert-file="$DIR/front-proxy.crt" --proxy-client-key-file="$DIR/front-proxy.key"
}

# Ready, or not within the time or because one of the two has ended.
wait_ready() {
  local until=$((SECONDS + READY_WITHIN_S))
  while [ $SECONDS -lt $until ]; do
    if ended "$(<"$DIR/kube-apiserver.pid")" || ended "$(<"$DIR/etcd.pid")"; then return 1; fi
    ! "$DIR/bin/kubectl" --kubeconfig "$DIR/admin.kubeconfig" --request-timeout=1s get --raw /readyz >/dev/null 2>&1 || return 0
    sleep 0.1
  done
  return 1
}

# Is PROGRAM running, and is it still ours? A number alone may long be somebody else's: the command line names our folder.
alive() {
  [ -f "$DIR/$1.pid" ] && grep -qsF "$DIR" "/proc/$(<"$DIR/$1.pid")/cmdline"
}

end() {
  local pid
  alive "$1" || return 0
  pid=$(<"$DIR/$1.pid")
  kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 50); do
    alive "$1" || return 0
    sleep 0.1
  done
  kill -9 "$pid" 2>/dev/null || true
}

# A test that is killed cannot clean up after itself: this waits for its end and does.
watch_owner() {
  local self
  self=$(realpath "$0")
  NETREACH_CONTROL_PLANE=$DIR setsid "$self" watch "$1" >/dev/null 2>&1 </dev/null &
}

main "$@"
