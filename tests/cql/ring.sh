#!/usr/bin/env bash
# Runs a ring of three Cassandra nodes on 127.0.0.1, .2 and .3 until its standard input ends.
#
#   ring.sh FOLDER [PORT]
#
# Each node has a folder of its own, FOLDER/1 to FOLDER/3, with its process id in `pid`: kill or stop one to see what
# is left. Prints "ready 127.0.0.1:PORT" when all three take connections. Takes about 15 s and 2.7 GiB.
set -euo pipefail

folder=${1:?usage: ring.sh FOLDER [PORT]}
port=${2:-9042}
here=$(cd "$(dirname "$0")" && pwd)
tokens=(-6148914691236517206 0 6148914691236517205)
mkdir -p "$folder"

inputs=()
trap 'for input in "${inputs[@]}"; do exec {input}>&-; done; wait' EXIT
for n in 1 2 3; do
  said="$folder/said.$n"
  rm -f "$said" && mkfifo "$said"
  exec {input}> >(
    MESEJ_CQL_SEED=127.0.0.1 MESEJ_CQL_TOKEN="${tokens[n - 1]}" MESEJ_CQL_JMX_PORT=$((${MESEJ_CQL_JMX_PORT:-7199} + n)) \
      "$here/node.sh" "$folder/$n" "127.0.0.$n" "$port" >"$said"
  )
  inputs+=("$input")
  read -r answer <"$said" || { echo "ring.sh: node $n did not start" >&2; exit 1; }
  [ "${answer%% *}" = ready ] || { echo "ring.sh: node $n: $answer" >&2; exit 1; }
done
echo "ready 127.0.0.1:$port"
cat >/dev/null
