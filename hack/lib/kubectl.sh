# kubectl for scripts: one that cannot connect asks again.
# shellcheck shell=bash

# A kubelet starts an API server anew that was slow to answer, as it may be on a cluster that has just been made.
API_BACK_WITHIN_S=60

# Like the program. What `-f -` or `-i` reads from standard input is held, so that it can be said twice.
kubectl() {
  local input='' said status until=$((SECONDS + API_BACK_WITHIN_S))
  case " $* " in *' -f - '* | *' -i '*) input=$(cat) ;; esac
  while :; do
    status=0
    { said=$(command kubectl "$@" 2>&1 >&7 <<<"$input"); } 7>&1 || status=$?
    case $said in
      'Unable to connect to the server'* | *'connection to the server '*' was refused'*) [ $SECONDS -ge $until ] || { sleep 1 && continue; } ;;
    esac
    [ -z "$said" ] || printf '%s\n' "$said" >&2
    return $status
  done
}
