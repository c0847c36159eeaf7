# Outlives the test process, however that ends, and takes down what it started.
#
# usage: sh -c "$(cat watchdog.sh)" watchdog DIRECTORY
#
# Reads "started PID" and "ended PID" on standard input. When that closes, ends what is left, the youngest first: an API
# server that lost its etcd hangs in its shutdown. Then removes DIRECTORY, unless it is empty text.
pids=
while read -r what pid; do
  case $what in
    started) pids="$pid $pids" ;;
    ended)
      left=
      for other in $pids; do [ "$other" = "$pid" ] || left="$left $other"; done
      pids=$left
      ;;
  esac
done
for pid in $pids; do
  kill -TERM "$pid" 2>/dev/null || continue
  tenths=0
  while kill -0 "$pid" 2>/dev/null; do
    tenths=$((tenths + 1))
    if [ "$tenths" -gt 50 ]; then
      kill -KILL "$pid" 2>/dev/null
      break
    fi
    sleep 0.1
  done
done
[ -z "$1" ] || rm -rf "$1"
