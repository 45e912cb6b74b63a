#!/usr/bin/env bash
# A real MinIO on loopback: an S3-compatible store for tests. Several run side by side.
#   eval "$(hack/minio.sh up [--until-exit-of PID] [--dir DIR] [--port PORT] [--certs CERTS])"
#                                 starts one; exports NETREACH_MINIO, NETREACH_MINIO_STORE (what --store takes) and the AWS_… variables
#   hack/minio.sh env             prints those exports again
#   hack/minio.sh down [--keep]   ends it; removes its folder, unless DIR named it or it is to be kept
#   hack/minio.sh assets          prints where the program is, building it where it is nowhere
# `env` and `down` act on the folder that $NETREACH_MINIO names. `up` with the DIR and the PORT of one that was ended and kept brings it
# back as it was. Without them the folder is a new one, and the port a free one. With public.crt and private.key in CERTS it speaks TLS.
# $MINIO names a program to be used instead.
set -euo pipefail
# shellcheck source=lib/cache.sh
. "$(dirname "$0")/lib/cache.sh"

READY_WITHIN_S=30
PORT_TRIES=20
BUCKET=netreach

main() {
  local verb=${1:-}
  [ $# -eq 0 ] || shift
  case $verb in
    up) up "$@" ;;
    assets) find_minio ;;
    env | down | watch)
      DIR=${NETREACH_MINIO:-}
      [ -f "$DIR/port" ] || die "no MinIO at '$DIR' (NETREACH_MINIO): start one with eval \"\$($0 up)\""
      "$verb" "$@"
      ;;
    *) usage ;;
  esac
}

# --- verbs ---

up() {
  local owner='' port='' certs='' keep='' minio
  DIR=
  while [ $# -gt 0 ]; do
    case $1 in
      --until-exit-of) owner=${2:?PID is missing} ;;
      --dir) DIR=${2:?DIR is missing} keep=--keep ;;
      --port) port=${2:?PORT is missing} ;;
      --certs) certs=${2:?CERTS is missing} ;;
      *) usage ;;
    esac
    shift 2
  done
  minio=$(find_minio)
  if [ -z "$DIR" ]; then
    DIR=$(mktemp -d "${TMPDIR:-/tmp}/netreach-minio.XXXXXX")
    touch "$DIR/ours"
  fi
  # A folder in the root of its drive is a bucket to it.
  mkdir -p "$DIR/data/$BUCKET" "$DIR/certs"
  [ -z "$certs" ] || cp "$certs/public.crt" "$certs/private.key" "$DIR/certs/"
  DIR=$(realpath "$DIR")
  ! alive || die "a MinIO runs in $DIR already: end it with NETREACH_MINIO=$DIR $0 down"
  # Anything that goes wrong from here, Ctrl-C included, leaves nothing behind that was not there.
  trap 'down ${keep:+"$keep"}' EXIT
  trap 'exit 130' INT TERM
  start_somewhere "$minio" "$port"
  trap - EXIT
  [ -z "$owner" ] || watch_owner "$owner"
  say "ready at $(endpoint)"
  env
}

# Its keys are no secret: it listens on loopback, and holds nothing but what tests put there.
env() {
  printf 'export NETREACH_MINIO=%q NETREACH_MINIO_STORE=s3://%s\n' "$DIR" "$BUCKET"
  printf 'export AWS_ENDPOINT=%s AWS_ALLOW_HTTP=true AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n' \
    "$(endpoint)" netreach netreach-for-tests
}

endpoint() {
  local scheme=http
  [ ! -f "$DIR/certs/public.crt" ] || scheme=https
  printf '%s://127.0.0.1:%s' "$scheme" "$(<"$DIR/port")"
}

down() {
  local pid
  if alive; then
    pid=$(<"$DIR/pid")
    kill "$pid" 2>/dev/null || true
    # One that was stopped hears nothing until it goes on.
    kill -CONT "$pid" 2>/dev/null || true
    for _ in $(seq 50); do
      alive || break
      sleep 0.1
    done
    ! alive || kill -9 "$pid" 2>/dev/null || true
  fi
  if [ -f "$DIR/ours" ] && [ "${1:-}" != --keep ]; then rm -rf "$DIR"; else rm -f "$DIR/pid"; fi
}

# watch PID: what `up --until-exit-of` leaves in the background.
watch() {
  local minio
  minio=$(<"$DIR/pid")
  while [ -e "/proc/$1" ] && [ "$(cat "$DIR/pid" 2>/dev/null)" = "$minio" ]; do sleep 1; done
  # Another that was started in this folder since is for another to end.
  [ "$(cat "$DIR/pid" 2>/dev/null)" != "$minio" ] || down
}

# --- the process ---

find_minio() {
  if [ -n "${MINIO:-}" ]; then
    [ -x "$MINIO" ] || die "MINIO=$MINIO is no program: unset it, or name one"
    printf '%s\n' "$MINIO"
  else
    "$HACK/build.sh" minio
  fi
}

# Another process may take a port chosen here before MinIO does: then it says so, and we choose again.
start_somewhere() {
  local minio=$1 port=$2 try
  for try in $(seq $PORT_TRIES); do
    echo "${port:-$((20000 + (RANDOM * 32768 + RANDOM) % 12000))}" >"$DIR/port"
    start "$minio"
    ! wait_ready || return 0
    [ -z "$port" ] && grep -q 'address already in use\|port is already in use' "$DIR/minio.log" || break
  done
  tail -n 20 "$DIR/minio.log" >&2
  die "MinIO did not become ready (tries: $try, allowed: $READY_WITHIN_S s each): its last lines are above"
}

# In a session of its own, so that a Ctrl-C meant for the caller does not end it.
start() {
  MINIO_ROOT_USER=netreach MINIO_ROOT_PASSWORD=netreach-for-tests MINIO_BROWSER=off MINIO_UPDATE=off MINIO_CI_CD=1 \
    setsid "$1" server --quiet --certs-dir "$DIR/certs" --address "127.0.0.1:$(<"$DIR/port")" "$DIR/data" >"$DIR/minio.log" 2>&1 </dev/null &
  echo $! >"$DIR/pid"
}

# Ready, or not within the time or because it has ended.
wait_ready() {
  local until=$((SECONDS + READY_WITHIN_S))
  while [ $SECONDS -lt $until ]; do
    ! ended "$(<"$DIR/pid")" || return 1
    # Where the port is another's, it is that one's answer.
    ! { listens && curl -fsk -o /dev/null --max-time 1 "$(endpoint)/minio/health/ready"; } || return 0
    sleep 0.1
  done
  return 1
}

# Is it our process that listens on the port? By the sockets that it holds.
listens() {
  local port socket
  port=$(printf ':%04X$' "$(<"$DIR/port")")
  for socket in $(awk -v port="$port" '$2 ~ port && $4 == "0A" {print $10}' /proc/net/tcp); do
    ! find "/proc/$(<"$DIR/pid")/fd" -lname "socket:\[$socket\]" 2>/dev/null | grep -q . || return 0
  done
  return 1
}

# Is it running, and is it still ours? A number alone may long be somebody else's: the command line names our folder.
alive() {
  [ -f "$DIR/pid" ] && grep -qsF "$DIR/data" "/proc/$(<"$DIR/pid")/cmdline"
}

# A test that is killed cannot clean up after itself: this waits for its end and does.
watch_owner() {
  local self
  self=$(realpath "$0")
  NETREACH_MINIO=$DIR setsid "$self" watch "$1" >/dev/null 2>&1 </dev/null &
}

main "$@"
