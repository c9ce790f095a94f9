#!/usr/bin/env bash
# run.sh BASE_URL PHONE_NUMBER_ID TOKEN
#
# Sends every kind of message that public Cloud API clients know to a running simulator, and reads back what they read:
# if they are content, it speaks as Meta does. Prints one line for each call and fails if any went wrong.
# The clients are installed into $CLIENTS_DIR (kept between runs; a temporary folder when unset).
set -euo pipefail

if [ $# -ne 3 ]; then
    echo "usage: $0 BASE_URL PHONE_NUMBER_ID TOKEN" >&2
    exit 2
fi
export BASE_URL=${1%/} PHONE_NUMBER_ID=$2 TOKEN=$3
here=$(cd "$(dirname "$0")" && pwd)
if [ -n "${CLIENTS_DIR:-}" ]; then
    dir=$CLIENTS_DIR
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
else
    dir=$(mktemp -d)
    trap 'rm -rf "$dir"' EXIT
fi

if [ ! -x "$dir/python/bin/python" ]; then
    python3 -m venv "$dir/python"
fi
"$dir/python/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
"$dir/python/bin/python" "$here/python_client.py"

cp "$here/package.json" "$here/package-lock.json" "$here/node_client.mjs" "$dir/"
(cd "$dir" && npm ci --silent --no-audit --no-fund && node node_client.mjs)
