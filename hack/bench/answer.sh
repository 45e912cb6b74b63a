# Probes by the agent's engine, 64 at a time, to its own answering side and to an nginx: what the server spends on each.
# shellcheck shell=bash disable=SC2034

AT_ONCE=64
# shellcheck source=nginx.sh
. "$HACK/bench/nginx.sh"

prepare() {
  local answer
  CALLER=$("$HACK/static.sh" netreach-agent/load)
  answer=$("$HACK/static.sh" netreach-agent/answer)
  start_nginx
  OUR_PORT=$(free_port)
  ASYNC_STD_THREAD_COUNT=1 taskset -c 1 "$answer" "127.0.0.1:$OUR_PORT" 2>"$DIR/ours.log" &
  OUR_PID=$!
  await_server "$OUR_PID" "$OUR_PORT" "$DIR/ours.log"
}

measure_all() {
  local connection
  for connection in reuse new; do
    measure ours "$connection" "$OUR_PID" "$OUR_PORT"
    measure nginx "$connection" "$NGINX_PID" "$NGINX_PORT"
  done
}

# measure SERVER CONNECTION PID PORT
measure() {
  local before after
  before=$(spent "$3")
  taskset -c 0 "$CALLER" "127.0.0.1:$4" "$2" "$SECONDS_EACH" closed "$AT_ONCE" >"$DIR/said"
  after=$(spent "$3")
  # An nginx signs no echo, which is no failure here.
  jq -c --arg server "$1" --arg connection "$2" --argjson ticks $((after - before)) --argjson hz "$(getconf CLK_TCK)" --argjson seconds "$SECONDS_EACH" '{
    server: $server, connection: $connection, perSecond: (.requests / $seconds),
    failed: ([.failures | to_entries[] | select($server == "ours" or .key != "wrong-backend") | .value] | add // 0),
    cpuMicrosPerRequest: ($ticks / $hz * 1000000 / .requests)}' "$DIR/said" >>"$DIR/results"
}

report() {
  jq -s "$STATISTICS"'
    group_by([.connection, .server]) | map({
      connection: .[0].connection, server: .[0].server, rounds: length, failed: (map(.failed) | add),
      cpuMicrosPerRequest: (map(.cpuMicrosPerRequest) | spread), perSecond: (map(.perSecond) | spread)})' "$DIR/results"
}

# shellcheck disable=SC2016 # jq's own
AS_TEXT=$STATISTICS'
  (.[] | "\(.connection) \(.server): \(.cpuMicrosPerRequest.median | r) us CPU each (\(.cpuMicrosPerRequest.min | r) to \(.cpuMicrosPerRequest.max | r)), " +
    "\(.perSecond.median | round) requests/s, \(.failed) failed"),
  (group_by(.connection)[] | (map({(.server): .}) | add) as $of |
    "ratio \($of.ours.connection) ours to nginx, requests per CPU second: \($of.nginx.cpuMicrosPerRequest.median / $of.ours.cpuMicrosPerRequest.median | r)")'
