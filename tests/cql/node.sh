#!/usr/bin/env bash
# Runs one Cassandra node for tests, in the foreground, until its standard input ends: so it ends with whoever started it.
#
#   node.sh FOLDER [ADDRESS [PORT]]
#
# FOLDER is made when missing and keeps the data. Prints "ready ADDRESS:PORT" when the port takes connections.
# More settings by environment:
#   MESEJ_CQL_SEED          addresses of nodes of its ring, with commas between; default: this node alone
#   MESEJ_CQL_TOKEN         this node's initial token, needed in a ring
#   MESEJ_CQL_STORAGE_PORT  port between nodes, the same on all; default 7000
#   MESEJ_CQL_JMX_PORT      one for each node, for nodetool; default: none
#   MESEJ_CQL_SYNC          periodic (default) or group: whether a write is on disk before it is answered
#   MESEJ_CQL_JARS          where the server's jars are kept: see jars.sh
#   MESEJ_CQL_HEAP          the node's heap; default 512m
#   MESEJ_CQL_COMPILER      quick (default) or thorough: starts sooner, or does more in a second once it is warm
#   MESEJ_CQL_TEMPORARY     when set, FOLDER is removed at the end
set -euo pipefail

folder=${1:?usage: node.sh FOLDER [ADDRESS [PORT]]}
address=${2:-127.0.0.1}
port=${3:-9042}
here=$(cd "$(dirname "$0")" && pwd)
heap=${MESEJ_CQL_HEAP:-512m}

say() { echo "node.sh: $*" >&2; }
command -v java >/dev/null || { say "Java is missing: apt-get install openjdk-17-jre-headless"; exit 1; }

jars=$("$here/jars.sh")

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
case ${MESEJ_CQL_SYNC:-periodic} in
  periodic) sync='periodic\ncommitlog_sync_period: 10000ms' ;;
  group) sync='group\ncommitlog_sync_group_window: 2ms' ;;
  *) say "MESEJ_CQL_SYNC must be periodic or group"; exit 1 ;;
esac
storage_port=${MESEJ_CQL_STORAGE_PORT:-7000}
seeds=${MESEJ_CQL_SEED:-$address}
seeds=${seeds//,/:$storage_port,}:$storage_port
sed -e "s|@ADDRESS@|$address|; s|@PORT@|$port|; s|@STORAGE_PORT@|$storage_port|" \
    -e "s|@SEEDS@|$seeds|; s|@FOLDER@|$folder|; s|@SYNC@|$sync|" \
    -e "s|@TOKEN@|${MESEJ_CQL_TOKEN:+initial_token: $MESEJ_CQL_TOKEN}|" \
    "$here/cassandra.yaml" >"$folder/cassandra.yaml"

flags=(-Xms"$heap" -Xmx"$heap" -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError)
case ${MESEJ_CQL_COMPILER:-quick} in
  quick) flags+=(-XX:TieredStopAtLevel=1) ;;
  thorough) ;;
  *) say "MESEJ_CQL_COMPILER must be quick or thorough"; exit 1 ;;
esac
# shellcheck source=tests/cql/modules.sh
source "$here/modules.sh"
flags+=(-Dcassandra.config="file://$folder/cassandra.yaml" -Dcassandra.storagedir="$folder" -Dcassandra-foreground=yes
  -Dcassandra.skip_wait_for_gossip_to_settle=0 -Dcassandra.ring_delay_ms=1 -Dcassandra.superuser_setup_delay_ms=0
  -Djava.net.preferIPv4Stack=true ${MESEJ_CQL_JMX_PORT:+-Dcassandra.jmx.local.port="$MESEJ_CQL_JMX_PORT"}
  -Dlogback.configurationFile="$here/logback.xml")

java "${flags[@]}" -cp "$jars/*" org.apache.cassandra.service.CassandraDaemon </dev/null >"$folder/log" 2>&1 &
node=$!
ended() {
  kill -KILL "$node" 2>/dev/null || true
  wait "$node" 2>/dev/null || true
  if [ -n "${MESEJ_CQL_TEMPORARY:-}" ]; then rm -rf "$folder"; fi
}
trap ended EXIT
echo "$node" >"$folder/pid"

for _ in $(seq 3000); do
  if ! kill -0 "$node" 2>/dev/null; then
    say "the server ended while it started; its last words:"
    tail -20 "$folder/log" >&2
    exit 1
  fi
  # The port is open before the server answers; a connection that is taken is enough for the driver to go on.
  if (exec 3<>"/dev/tcp/$address/$port") 2>/dev/null; then
    echo "ready $address:$port"
    break
  fi
  sleep 0.1
done
(exec 3<>"/dev/tcp/$address/$port") 2>/dev/null || { say "port $port did not open in 60 s"; tail -20 "$folder/log" >&2; exit 1; }

# Until whoever started this is gone, or the node is.
while kill -0 "$node" 2>/dev/null; do
  code=0
  read -r -t 1 || code=$?
  # Above 128: nothing came within the second. Anything else: the input has ended.
  if [ "$code" -gt 0 ] && [ "$code" -le 128 ]; then break; fi
done
