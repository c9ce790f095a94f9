#!/usr/bin/env bash
# Runs tests that must come to an end, and names those that did not.
#
#   tests/bounded.sh LIMIT LOG COMMAND…      LIMIT as `timeout` takes it; LOG gets what the command says
#
# A test that waits for ever would otherwise only be noticed by whoever ends the whole run, and its name lies far up.
set -uo pipefail
limit=$1 log=$2
shift 2
mkdir -p "$(dirname "$log")"

# In a process group of its own, so that everything that was started goes with it.
timeout --kill-after=20s "$limit" "$@" >"$log" 2>&1 &
running=$!
trap 'kill -TERM "$running" 2>/dev/null' INT TERM
tail -n +1 -f --pid="$running" "$log" &
shown=$!
wait "$running"
status=$?
wait "$shown"

if [ "$status" -ne 0 ]; then
  slow=$(sed -nE 's/^test (\S+) has been running for over.*/\1/p' "$log")
  for test in $slow; do
    grep -qE "^test $test \.\.\. (ok|FAILED|ignored)" "$log" || echo "did not end: $test" >&2
  done
  # The first failures say why; what follows them often only follows from them.
  grep -E '^test \S+ \.\.\. FAILED' "$log" | head -20 >&2
  echo "of $(grep -cE '^test \S+ \.\.\. FAILED' "$log") failures, the first three:" >&2
  awk '/panicked at / { if (++panics > 3) exit; left = 25 } left > 0 { print; left-- }' "$log" | cut -c1-400 >&2
  # 137: what is told to end and does not is killed.
  [[ $status -ne 124 && $status -ne 137 ]] || echo "stopped: it took longer than $limit" >&2
fi
exit "$status"
