# Requests to an nginx, as fast as answers come: by the agent's engine (src/agent/examples/load.rs), wrk, ab and hey.
# shellcheck shell=bash disable=SC2034

TOOLS="ours wrk ab hey"

# shellcheck source=nginx.sh
. "$HACK/bench/nginx.sh"

prepare() {
  need wrk "install the package wrk"
  need ab "install the package apache2-utils"
  need hey "install the package hey"
  OURS=$("$HACK/static.sh" netreach-agent/load)
  start_nginx
}

measure_all() {
  local tool connection at_once
  for connection in reuse new; do
    for at_once in 10 64; do
      for tool in $TOOLS; do measure "$tool" "$connection" "$at_once"; done
    done
  done
}

# measure TOOL CONNECTION AT-ONCE: on the first core; its CPU time is what the kernel says of it when it has ended.
measure() {
  local tool=$1 connection=$2 at_once=$3 spent
  local TIMEFORMAT='{"user": %U, "system": %S, "seconds": %R}'
  spent=$({ time "call_$tool" "$connection" "$at_once" >"$DIR/said" 2>&1; } 2>&1) ||
    { cat "$DIR/said" >&2; die "$tool failed: see above"; }
  jq -c --arg tool "$tool" --arg connection "$connection" --argjson atOnce "$at_once" --argjson counts "$("counts_$tool" <"$DIR/said")" \
    '. + $counts + {tool: $tool, connection: $connection, atOnce: $atOnce}' <<<"$spent" >>"$DIR/results"
}

call_ours() { taskset -c 0 "$OURS" "127.0.0.1:$NGINX_PORT" "$1" "$SECONDS_EACH" closed "$2"; }

call_wrk() {
  local fresh=()
  [ "$1" = reuse ] || fresh=(-H 'Connection: close')
  taskset -c 0 wrk -t 1 -c "$2" -d "$SECONDS_EACH" "${fresh[@]}" "http://127.0.0.1:$NGINX_PORT/"
}

call_ab() {
  local kept=()
  [ "$1" = new ] || kept=(-k)
  taskset -c 0 ab -q -c "$2" -t "$SECONDS_EACH" -n 100000000 "${kept[@]}" "http://127.0.0.1:$NGINX_PORT/"
}

call_hey() {
  local fresh=()
  [ "$1" = reuse ] || fresh=(-disable-keepalive)
  GOMAXPROCS=1 taskset -c 0 hey -cpus 1 -c "$2" -z "${SECONDS_EACH}s" "${fresh[@]}" "http://127.0.0.1:$NGINX_PORT/"
}

# counts_TOOL: reads what it said, prints {"requests", "failed"}. Our engine misses the echo in nginx's answers, which is no failure here.
counts_ours() { jq -c '{requests, failed: ([.failures | to_entries[] | select(.key != "wrong-backend") | .value] | add // 0)}'; }
counts_wrk() { counts 's/^ *\([0-9]*\) requests in .*/requests \1/p; s/^ *Socket errors: connect \([0-9]*\), read \([0-9]*\), write \([0-9]*\), timeout \([0-9]*\)$/failed \1 \2 \3 \4/p; s/^ *Non-2xx or 3xx responses: /failed /p'; }
counts_ab() { counts 's/^Complete requests: */requests /p; s/^Failed requests: */failed /p; s/^Non-2xx responses: */failed /p'; }
counts_hey() { counts 's/^ *\[200\][[:space:]]*\([0-9]*\) responses$/requests \1/p; s/^ *\[\([0-9]*\)\][[:space:]]*[A-Z].*/failed \1/p'; }

# counts SCRIPT: of sed, which prints `requests N` and `failed N…`.
counts() {
  sed -n "$1" | awk '{for (i = 2; i <= NF; i++) sum[$1] += $i} END {printf "{\"requests\": %d, \"failed\": %d}\n", sum["requests"], sum["failed"]}'
}

report() {
  jq -s "$STATISTICS"'
    group_by([.connection, .atOnce, .tool]) | map({
      connection: .[0].connection, atOnce: .[0].atOnce, tool: .[0].tool, rounds: length, failed: (map(.failed) | add),
      cpuMicrosPerRequest: (map((.user + .system) * 1000000 / .requests) | spread),
      perSecond: (map(.requests / .seconds) | spread)})' "$DIR/results"
}

# shellcheck disable=SC2016 # jq's own
AS_TEXT=$STATISTICS'
  (.[] | "\(.connection) \(.atOnce) \(.tool): \(.cpuMicrosPerRequest.median | r) us CPU each (\(.cpuMicrosPerRequest.min | r) to \(.cpuMicrosPerRequest.max | r)), " +
    "\(.perSecond.median | round) requests/s (\(.perSecond.min | round) to \(.perSecond.max | round)), \(.failed) failed"),
  (group_by([.connection, .atOnce])[] | (map({(.tool): .}) | add) as $of | ("wrk", "ab", "hey") as $peer |
    "ratio \($of.ours.connection) \($of.ours.atOnce) ours to \($peer), CPU per request: \($of.ours.cpuMicrosPerRequest.median / $of[$peer].cpuMicrosPerRequest.median | r)",
    "ratio \($of.ours.connection) \($of.ours.atOnce) ours to \($peer), requests/s: \($of.ours.perSecond.median / $of[$peer].perSecond.median | r)")'
