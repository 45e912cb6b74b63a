# The agent's engine at the paces of rounds, to its own answering side: what it takes of a core and of memory, and how late it is.
# shellcheck shell=bash disable=SC2034

# shellcheck source=server.sh
. "$HACK/bench/server.sh"

PACED_SECONDS=10
# How long the round is whose memory is followed.
FLAT_SECONDS=${FLAT_SECONDS:-60}

prepare() {
  local answer
  CALLER=$("$HACK/static.sh" netreach-agent/load)
  answer=$("$HACK/static.sh" netreach-agent/answer)
  PORT=$(free_port)
  ASYNC_STD_THREAD_COUNT=1 taskset -c 1 "$answer" "127.0.0.1:$PORT" 2>"$DIR/answer.log" &
  await_server "$!" "$PORT" "$DIR/answer.log"
}

measure_all() {
  local connection
  for connection in reuse new; do
    measure "$connection" 10 6 "$PACED_SECONDS"
    measure "$connection" 1 1000 "$PACED_SECONDS"
    measure "$connection" 1000 1 "$PACED_SECONDS"
  done
  measure reuse 500 4 "$FLAT_SECONDS"
}

# measure CONNECTION QPS TARGETS SECONDS
measure() {
  local connection=$1 qps=$2 targets=$3 seconds=$4 began caller
  taskset -c 0 "$CALLER" "127.0.0.1:$PORT" "$connection" "$seconds" paced "$qps" "$targets" >"$DIR/said" &
  caller=$!
  began=$(cut -d' ' -f1 /proc/uptime)
  watch_process "$caller" >"$DIR/seen"
  wait "$caller"
  jq -c --arg connection "$connection" --argjson qps "$qps" --argjson targets "$targets" --argjson seconds "$seconds" \
    --argjson began "$began" --argjson hz "$(getconf CLK_TCK)" --rawfile seen "$DIR/seen" '
    ($seen | split("\n") | map(split(" ") | select(length == 4 and all(. != "")) | map(tonumber))) as $seen |
    '"$SLOPE"'
    {connection: $connection, qps: $qps, targets: $targets, seconds: $seconds, requests, unsent, failed: ([.failures[]] | add // 0),
      latenessP99Micros: .latenessMicros.p99, cpuPercent: ($seen[-1][1] / $hz / ($seen[-1][0] - $began) * 100),
      mostKiB: $seen[-1][3], growthKiBPerMinute: ($seen | steady | slope * 60)}' "$DIR/said" >>"$DIR/results"
}

# watch_process PID: each second until it ends: the second, its CPU time in ticks, KiB resident, most KiB resident (proc(5)).
watch_process() {
  local resident
  while sleep 1 && ! ended "$1"; do
    resident=$(awk '/^VmHWM/ {most = $2} /^VmRSS/ {now = $2} END {print now, most}' "/proc/$1/status")
    printf '%s %s %s\n' "$(cut -d' ' -f1 /proc/uptime)" "$(spent "$1")" "$resident"
  done
}

# Least squares over what was seen after the first fifth, when all that a round needs has been asked for.
SLOPE='
  def steady: .[(length / 5 | ceil):];
  def slope: length as $n | (map(.[0]) | add / $n) as $t | (map(.[2]) | add / $n) as $m |
    (map((.[0] - $t) * (.[2] - $m)) | add) / (map((.[0] - $t) * (.[0] - $t)) | add);'

report() {
  jq -s "$STATISTICS"'
    group_by([.targets, .qps, .connection]) | map({
      connection: .[0].connection, qps: .[0].qps, targets: .[0].targets, seconds: .[0].seconds, rounds: length,
      requests: (map(.requests) | add), unsent: (map(.unsent) | add), failed: (map(.failed) | add),
      cpuPercent: (map(.cpuPercent) | spread), mostKiB: (map(.mostKiB) | spread),
      latenessP99Micros: (map(.latenessP99Micros) | spread), growthKiBPerMinute: (map(.growthKiBPerMinute) | spread)})' "$DIR/results"
}

# shellcheck disable=SC2016 # jq's own
AS_TEXT=$STATISTICS'
  def s: "\(.median | r) (\(.min | r) to \(.max | r))";
  .[] | "\(.targets) targets at \(.qps)/s, \(.connection), \(.seconds) s: \(.cpuPercent | s) % of a core, \(.mostKiB | s) KiB, " +
    "grows \(.growthKiBPerMinute | s) KiB a minute, p99 \(.latenessP99Micros | s) us late, \(.requests) sent, \(.unsent) unsent, \(.failed) failed"'
