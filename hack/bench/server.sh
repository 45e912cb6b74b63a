# A server to measure against: an ordinary process that ends with the script.
# shellcheck shell=bash

# await_server PID PORT LOG: until it answers; ends where it does not.
await_server() {
  local until=$((SECONDS + 10))
  PIDS+=("$1")
  until curl -fs -o /dev/null "http://127.0.0.1:$2/"; do
    if ended "$1" || [ $SECONDS -ge $until ]; then
      cat "$3" >&2
      die "a server does not serve: see above"
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

# spent PID: its CPU time so far, ticks (proc(5)).
spent() { awk '{print $14 + $15}' "/proc/$1/stat"; }
