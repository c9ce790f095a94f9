#!/usr/bin/env bash
# Runs a ring of Cassandra nodes on 127.0.0.1, .2, … until its standard input ends. Three take about 15 s and 2.7 GiB.
#
#   ring.sh FOLDER [PORT [NODES]]
#
# NODES is 1 to 3; 3 when left out. Each node has a folder of its own, FOLDER/1 to FOLDER/3, with its process id in `pid`.
# Prints "ready 127.0.0.1:PORT" when all take connections. From then on it reads orders, and answers each with one line:
#
#   kill N…      SIGKILL                             killed N…
#   start N…     what was killed, on the same data   started N…, once they take connections; or failed N
#   stop N…      SIGSTOP                             stopped N…
#   continue N…  SIGCONT                             continued N…
set -euo pipefail

folder=${1:?usage: ring.sh FOLDER [PORT [NODES]]}
port=${2:-9042}
nodes=${3:-3}
here=$(cd "$(dirname "$0")" && pwd)
tokens=(-6148914691236517206 0 6148914691236517205)
mkdir -p "$folder"
# Every node is one that others ask at their start: any of them may be the only one left.
seeds=127.0.0.1
for n in $(seq 2 "$nodes"); do seeds+=",127.0.0.$n"; done

# What ends a node: its input, by number.
inputs=()
end() {
  for n in "${!inputs[@]}"; do leave "$n"; done
  wait
}
leave() {
  local input=${inputs[$1]:-}
  if [ -n "$input" ]; then exec {input}>&-; fi
  unset "inputs[$1]"
}
trap end EXIT

launch() {
  local n=$1 said="$folder/said.$1" input
  rm -f "$said" && mkfifo "$said"
  exec {input}> >(
    # A node that held the others' inputs would keep them from ending.
    for other in "${inputs[@]}"; do exec {other}>&-; done
    if [ -n "${MESEJ_CQL_JMX_PORT:-}" ]; then export MESEJ_CQL_JMX_PORT=$((MESEJ_CQL_JMX_PORT + n)); fi
    MESEJ_CQL_SEED=$seeds MESEJ_CQL_TOKEN="${tokens[n - 1]}" \
      exec "$here/node.sh" "$folder/$n" "127.0.0.$n" "$port" >"$said"
  )
  inputs[n]=$input
}

# Waits until a launched node takes connections.
is_ready() {
  local answer
  read -r answer <"$folder/said.$1" && [ "${answer%% *}" = ready ]
}

signal() {
  local what=$1 n
  for n in "${@:2}"; do kill "-$what" "$(cat "$folder/$n/pid")" || true; done
}

for n in $(seq "$nodes"); do
  launch "$n"
  is_ready "$n" || { echo "ring.sh: node $n did not start" >&2; exit 1; }
done
echo "ready 127.0.0.1:$port"

while read -r order which; do
  read -ra chosen <<<"$which"
  case $order in
    kill)
      signal KILL "${chosen[@]}"
      for n in "${chosen[@]}"; do leave "$n"; done
      echo "killed $which"
      ;;
    start)
      for n in "${chosen[@]}"; do launch "$n"; done
      answer="started $which"
      for n in "${chosen[@]}"; do is_ready "$n" || answer="failed $n"; done
      echo "$answer"
      ;;
    stop) signal STOP "${chosen[@]}" && echo "stopped $which" ;;
    continue) signal CONT "${chosen[@]}" && echo "continued $which" ;;
    *) echo "ring.sh: no such order: $order" >&2 && exit 1 ;;
  esac
done
