# Requests to an nginx, as fast as answers come: by the agent's engine (src/agent/examples/load.rs), wrk, ab and hey.
# shellcheck shell=bash disable=SC2034

TOOLS="ours wrk ab hey"

prepare() {
  need nginx "install the package nginx-light (this runs one of its own, as an ordinary process)"
  need wrk "install the package wrk"
  need ab "install the package apache2-utils"
  need hey "install the package hey"
  OURS=$("$HACK/static.sh" netreach-agent/load)
  PORT=$(free_port)
  mkdir "$DIR/temporary"
  nginx_config >"$DIR/nginx.conf"
  taskset -c 1 nginx -p "$DIR" -c "$DIR/nginx.conf" 2>"$DIR/server.log" &
  PIDS+=($!)
  local until=$((SECONDS + 10))
  until curl -fs -o /dev/null "http://127.0.0.1:$PORT/"; do
    if ended "${PIDS[0]}" || [ $SECONDS -ge $until ]; then
      cat "$DIR/server.log" >&2
      die "nginx does not serve: see above"
    fi
    sleep 0.05
  done
}

# One that nobody listens on now.
free_port() {
  local port
  for port in $(shuf -i 20000-29999 -n 50); do
    [ -n "$(ss -Hltn "sport = :$port")" ] || { printf '%s\n' "$port" && return; }
  done
  die "no port was found to serve on"
}

# An answer about as long as an agent's echo.
nginx_config() {
  cat <<END
daemon off;
master_process off;
pid $DIR/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  error_log stderr;
  keepalive_requests 1000000000;
  client_body_temp_path $DIR/temporary;
  proxy_temp_path $DIR/temporary;
  fastcgi_temp_path $DIR/temporary;
  uwsgi_temp_path $DIR/temporary;
  scgi_temp_path $DIR/temporary;
  server {
    listen 127.0.0.1:$PORT reuseport backlog=4096;
    location / { return 200 "netreach-agent-x7k2p worker-2 10.244.1.17:41234"; }
  }
}
END
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

call_ours() { taskset -c 0 "$OURS" "127.0.0.1:$PORT" "$1" "$SECONDS_EACH" closed "$2"; }

call_wrk() {
  local fresh=()
  [ "$1" = reuse ] || fresh=(-H 'Connection: close')
  taskset -c 0 wrk -t 1 -c "$2" -d "$SECONDS_EACH" "${fresh[@]}" "http://127.0.0.1:$PORT/"
}

call_ab() {
  local kept=()
  [ "$1" = new ] || kept=(-k)
  taskset -c 0 ab -q -c "$2" -t "$SECONDS_EACH" -n 100000000 "${kept[@]}" "http://127.0.0.1:$PORT/"
}

call_hey() {
  local fresh=()
  [ "$1" = reuse ] || fresh=(-disable-keepalive)
  GOMAXPROCS=1 taskset -c 0 hey -cpus 1 -c "$2" -z "${SECONDS_EACH}s" "${fresh[@]}" "http://127.0.0.1:$PORT/"
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
  jq -s 'def median: sort | .[length / 2 | floor];
    def spread: {median: median, min: min, max: max};
    group_by([.connection, .atOnce, .tool]) | map({
      connection: .[0].connection, atOnce: .[0].atOnce, tool: .[0].tool, rounds: length, failed: (map(.failed) | add),
      cpuMicrosPerRequest: (map((.user + .system) * 1000000 / .requests) | spread),
      perSecond: (map(.requests / .seconds) | spread)})' "$DIR/results"
}

# shellcheck disable=SC2016 # jq's own
AS_TEXT='def r: . * 100 | round / 100;
  (.[] | "\(.connection) \(.atOnce) \(.tool): \(.cpuMicrosPerRequest.median | r) us CPU each (\(.cpuMicrosPerRequest.min | r) to \(.cpuMicrosPerRequest.max | r)), " +
    "\(.perSecond.median | round) requests/s (\(.perSecond.min | round) to \(.perSecond.max | round)), \(.failed) failed"),
  (group_by([.connection, .atOnce])[] | (map({(.tool): .}) | add) as $of | ("wrk", "ab", "hey") as $peer |
    "ratio \($of.ours.connection) \($of.ours.atOnce) ours to \($peer), CPU per request: \($of.ours.cpuMicrosPerRequest.median / $of[$peer].cpuMicrosPerRequest.median | r)",
    "ratio \($of.ours.connection) \($of.ours.atOnce) ours to \($peer), requests/s: \($of.ours.perSecond.median / $of[$peer].perSecond.median | r)")'
