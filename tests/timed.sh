#!/usr/bin/env bash
# Runs one phase of what CI runs, and says how long it took, in the end as well: .ci/run prints the file of all phases.
#
#   tests/timed.sh FILE NAME COMMAND…
set -uo pipefail
file=$1 name=$2
shift 2
mkdir -p "$(dirname "$file")"
began=$SECONDS
"$@"
status=$?
outcome=passed
[ "$status" -eq 0 ] || outcome="FAILED ($status)"
printf '%5d s  %s: %s\n' $((SECONDS - began)) "$name" "$outcome" | tee -a "$file"
exit "$status"
