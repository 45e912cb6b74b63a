# kubectl for scripts: one that cannot connect asks again.
# shellcheck shell=bash
# Needs lib/say.sh.

# The API server of a cluster that has just been made may go for some seconds: its kubelet starts one anew that was slow to answer.
API_BACK_WITHIN_S=60

# Like the program. What `-f -` or `-i` reads from standard input is held, so that it can be said twice.
kubectl() {
  local input='' status said until=$((SECONDS + API_BACK_WITHIN_S))
  case " $* " in *' -f - '* | *' -i '*) input=$(cat) ;; esac
  while :; do
    status=0
    { said=$(command kubectl "$@" 2>&1 >&7 <<<"$input"); } 7>&1 || status=$?
    [ $status != 0 ] && [ $SECONDS -lt $until ] && is_of_a_connection "$said" || break
    say "the API server cannot be reached: asking again"
    sleep 1
  done
  [ -z "$said" ] || printf '%s\n' "$said" >&2
  return $status
}

# is_of_a_connection ERRORS: kubectl's words depend on which of its requests it was that failed.
is_of_a_connection() {
  case $1 in
    *'Unable to connect to the server'* | *' was refused - '* | *'connection refused'* | *'connection reset by peer'* | *': EOF'*) return 0 ;;
  esac
  return 1
}
