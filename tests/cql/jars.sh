#!/usr/bin/env bash
# Gets the server's jars, once for all checkouts of this pom, and prints the folder they are in.
#
# MESEJ_CQL_JARS is where they are kept; default: a folder of the user's cache. A download that stands still is begun
# again: without a limit, tests would wait for it for ever.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
jars=${MESEJ_CQL_JARS:-${XDG_CACHE_HOME:-$HOME/.cache}/mesej/cql}/$(sha256sum "$here/pom.xml" | cut -c1-16)
say() { echo "jars.sh: $*" >&2; }

fetch() {
  # What a try that was ended left half written would be taken for whole.
  rm -f "$jars"/*.jar
  timeout --kill-after=10s 240s mvn -B -q -f "$here/pom.xml" \
    -Daether.connector.connectTimeout=10000 -Daether.connector.requestTimeout=30000 \
    dependency:copy-dependencies -DoutputDirectory="$jars" >&2
}

if [ ! -e "$jars/complete" ]; then
  command -v mvn >/dev/null || { say "Maven is missing: apt-get install maven"; exit 1; }
  mkdir -p "$jars"
  # Two who start at once wait for one another.
  exec 9>"$jars/lock"
  flock --wait 800 9 || { say "somebody else has been fetching them for too long: $jars/lock"; exit 1; }
  tries=0
  until [ -e "$jars/complete" ]; do
    if fetch; then
      touch "$jars/complete"
    else
      tries=$((tries + 1))
      [ "$tries" -lt 3 ] || { say "they could not be fetched: see above"; exit 1; }
      say "fetching them failed: once more"
    fi
  done
fi
echo "$jars"
