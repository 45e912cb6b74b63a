# The docker engine: the one that runs, else one of our own, on a socket and in a folder of its own, ended again by engine_down.
# shellcheck shell=bash
# Needs lib/cache.sh, and RUN: a folder for what lives as long as the cluster.

ENGINE_READY_WITHIN_S=60

# engine_find: true when an engine answers; DOCKER_HOST then names it if it is ours.
engine_find() {
  have docker || return 1
  if [ -z "${DOCKER_HOST:-}" ] && engine_is_ours; then
    export DOCKER_HOST=unix://$RUN/docker.sock
  fi
  docker version >/dev/null 2>&1
}

# engine_up: an engine that answers, installed and started where there is none.
engine_up() {
  ! engine_find || return 0
  local why
  why=$(docker version 2>&1 | tail -n 1 || true)
  case $why in
    *"permission denied"*) die "you may not use the docker engine that runs here ($why): join its group (usermod -aG docker \$USER, then log in again), or run as root" ;;
  esac
  [ "$(id -u)" = 0 ] || die "no docker engine answers ($why): start one, or run as root so that this script can"
  engine_install
  ! engine_find || return 0 # the package may have started one
  engine_start
}

engine_install() {
  if ! have docker || ! have dockerd; then
    # The run level keeps a machine without systemd from starting the engine at once, without the wrapper below.
    RUNLEVEL=1 install_packages docker.io iptables jq
  fi
}

engine_start() {
  local flags=()
  mkdir -p "$CACHE/docker"
  if ! may_set_resources; then
    need jq "apt-get install jq"
    flags+=(--add-runtime "bounded=$HACK/cluster/runc-bounded" --default-runtime bounded)
  fi
  # The engine closes the machine's forwarding, and leaves it closed: remember what it was.
  iptables -S FORWARD 2>/dev/null | sed -n 's/^-P FORWARD //p' >"$RUN/forward-policy"
  export DOCKER_HOST=unix://$RUN/docker.sock
  say "starting a docker engine (data in $CACHE/docker, log in $RUN/dockerd.log)"
  setsid dockerd --host "$DOCKER_HOST" --data-root "$CACHE/docker" --exec-root "$RUN/docker-exec" --pidfile "$RUN/dockerd.pid" \
    "${flags[@]}" >"$RUN/dockerd.log" 2>&1 </dev/null 8>&- 9>&- &
  echo $! >"$RUN/engine.pid"
  local until=$((SECONDS + ENGINE_READY_WITHIN_S))
  until docker version >/dev/null 2>&1; do
    ! ended "$(<"$RUN/engine.pid")" || { tail -n 20 "$RUN/dockerd.log" >&2; die "the docker engine ended: its last lines are above"; }
    [ $SECONDS -lt $until ] || die "the docker engine did not answer within $ENGINE_READY_WITHIN_S s: see $RUN/dockerd.log"
    sleep 0.2
  done
}

# engine_down: ends the engine if it is ours.
engine_down() {
  engine_is_ours || return 0
  local pid
  pid=$(<"$RUN/engine.pid")
  say "ending the docker engine that this script started"
  kill "$pid"
  for _ in $(seq 200); do
    engine_is_ours || break
    sleep 0.1
  done
  ! engine_is_ours || kill -9 "$pid"
  [ ! -s "$RUN/forward-policy" ] || iptables -P FORWARD "$(<"$RUN/forward-policy")"
  ip link delete docker0 2>/dev/null || true # the engine's own bridge, empty now
  rm -rf "$RUN/engine.pid" "$RUN/forward-policy" "$RUN/docker-exec"
}

# Did we start an engine, and is that process still it?
engine_is_ours() {
  [ -f "$RUN/engine.pid" ] && grep -qsF "$RUN/docker.sock" "/proc/$(<"$RUN/engine.pid")/cmdline"
}

# A privileged container asks for every capability; where this machine's own bounding set lacks one, runc refuses to start it.
# CAP_SYS_RESOURCE is bit 24.
may_set_resources() {
  local bounding
  bounding=$(sed -n 's/^CapBnd:\s*//p' /proc/self/status)
  [ $((0x$bounding >> 24 & 1)) = 1 ]
}
