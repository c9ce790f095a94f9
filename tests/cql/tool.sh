#!/usr/bin/env bash
# Runs one of the server's own tools, from the jars that jars.sh keeps.
#
#   tool.sh nodetool -p JMX_PORT COMMAND…     asks a node that runs
#   tool.sh sstablepartitions FILE…           which partitions of a file are large
#   tool.sh sstablemetadata FILE…             what a file says of itself
#
# MESEJ_CQL_FOLDER is the folder of a node, as node.sh got it; the tools that read files need it.
set -euo pipefail

tool=${1:?usage: tool.sh nodetool|sstablepartitions|sstablemetadata ARGUMENT…}
shift
here=$(cd "$(dirname "$0")" && pwd)
jars=$("$here/jars.sh")
case $tool in
  nodetool) class=NodeTool ;;
  sstablepartitions) class=SSTablePartitions ;;
  sstablemetadata) class=SSTableMetadataViewer ;;
  *) echo "tool.sh: no tool of that name: $tool" >&2; exit 1 ;;
esac

flags=()
# shellcheck source=tests/cql/modules.sh
source "$here/modules.sh"
if [ -n "${MESEJ_CQL_FOLDER:-}" ]; then
  flags+=(-Dcassandra.config="file://$MESEJ_CQL_FOLDER/cassandra.yaml" -Dcassandra.storagedir="$MESEJ_CQL_FOLDER")
fi
exec java -Xmx256m "${flags[@]}" -Dlogback.configurationFile="$here/logback.xml" -cp "$jars/*" \
  "org.apache.cassandra.tools.$class" "$@"
