# Reviews over TLS on kept connections: by ours (hack/static.sh) and by a minimal webhook on Go's net/http (hack/bench/webhook).
# shellcheck shell=bash disable=SC2034

RATE=1000

prepare() {
  # shellcheck source=../lib/certs.sh
  . "$HACK/lib/certs.sh"
  make_ca "$DIR/ca" bench-ca
  sign "$DIR/ca" "$DIR/tls" /CN=localhost extendedKeyUsage=serverAuth subjectAltName=DNS:localhost
  OURS=$("$HACK/static.sh" netreach-webhook)
  go build -C "$HACK/bench" -o "$DIR/bin/" ./load ./webhook
  start "$OURS" --listen 127.0.0.1:0 --health-listen 127.0.0.1:0 --certificates "$DIR"
  start "$DIR/bin/webhook" --listen 127.0.0.1:0 --certificates "$DIR"
}

# start PROGRAM ARGS…: on the second core. Its port is the kernel's choice: it is read off its sockets.
start() {
  GOMAXPROCS=1 ASYNC_STD_THREAD_COUNT=1 taskset -c 1 "$@" >"$DIR/server.log" 2>&1 &
  PIDS+=($!)
  local until=$((SECONDS + 10))
  until [ -n "$(port_of $!)" ]; do
    if ended $! || [ $SECONDS -ge $until ]; then
      cat "$DIR/server.log" >&2
      die "$1 does not serve: see above"
    fi
    sleep 0.05
  done
}

# port_of PID: the port it speaks TLS on.
port_of() {
  local port
  for port in $(ss -Hltnp | sed -n "s/.*127\.0\.0\.1:\([0-9]*\) .*pid=$1,.*/\1/p"); do
    ! curl -s --max-time 1 --cacert "$DIR/ca.crt" "https://localhost:$port/" -o /dev/null || printf '%s\n' "$port"
  done | head -n 1
}

measure_all() {
  local server
  for server in ours net/http; do
    measure closed "$server" 0
    measure paced "$server" "$RATE"
  done
}

# measure KIND SERVER RATE
measure() {
  local pid=${PIDS[0]}
  [ "$2" = ours ] || pid=${PIDS[1]}
  taskset -c 0 "$DIR/bin/load" -address "127.0.0.1:$(port_of "$pid")" -ca "$DIR/ca.crt" -path /mutate -body "$HACK/bench/review.json" \
    -expect '"allowed":true' -connections 8 -seconds $SECONDS_EACH -rate "$3" -pid "$pid" |
    jq -c --arg kind "$1" --arg server "$2" '. + {kind: $kind, server: $server}' >>"$DIR/results"
}

report() {
  jq -s "$STATISTICS"'
    group_by([.kind, .server]) | map({
      kind: .[0].kind, server: .[0].server, rounds: length,
      cpuMicrosPerRequest: (map(.cpuMicrosPerRequest) | spread),
      perSecond: (map(.perSecond) | spread),
      perSecondPerCore: (map(.perSecondPerCore) | median),
      p50Micros: (map(.p50Micros) | median), p99Micros: (map(.p99Micros) | spread),
      residentKiB: (map(.residentKiB) | max)})' "$DIR/results"
}

# shellcheck disable=SC2016 # jq's own
AS_TEXT=$STATISTICS'
  (.[] | "\(.kind) \(.server): \(.perSecond.median | round) reviews/s, \(.cpuMicrosPerRequest.median | r) us CPU each (\(.cpuMicrosPerRequest.min | r) to \(.cpuMicrosPerRequest.max | r)), " +
    "\(.perSecondPerCore | round) reviews/s per core, p50 \(.p50Micros) us, p99 \(.p99Micros.median) us (\(.p99Micros.min) to \(.p99Micros.max)), \(.residentKiB) KiB resident at most"),
  (. as $all | ("closed", "paced") as $kind | ($all | map(select(.kind == $kind)) | map({(.server): .}) | add) as $of |
    "ratio \($kind) ours to net/http, CPU per review: \($of.ours.cpuMicrosPerRequest.median / $of["net/http"].cpuMicrosPerRequest.median | r)",
    "ratio \($kind) ours to net/http, p99: \($of.ours.p99Micros.median / $of["net/http"].p99Micros.median | r)")'
