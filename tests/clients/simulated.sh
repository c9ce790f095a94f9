#!/usr/bin/env bash
# simulated.sh MESEJ: starts a simulated Meta with the given binary and lets the public clients loose on it (run.sh).
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: $0 MESEJ" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
said=$(mktemp)
"$1" simulate --listen 127.0.0.1:0 >"$said" 2>&1 &
simulator=$!
trap 'kill "$simulator" 2>/dev/null; wait "$simulator" 2>/dev/null || true; rm -f "$said"' EXIT

base=
for _ in $(seq 100); do
    base=$(grep -oE 'http://127\.0\.0\.1:[0-9]+' "$said" | head -1 || true)
    [ -n "$base" ] && break
    kill -0 "$simulator" 2>/dev/null || break
    sleep 0.1
done
[ -n "$base" ] || { echo "the simulator did not start:" >&2; cat "$said" >&2; exit 1; }

"$here/run.sh" "$base" 106540352242922 simulated-access-token
