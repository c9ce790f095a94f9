#!/usr/bin/env bash
# run.sh MESEJ: signs people in to the given binary by `oidc-provider` from npm, as their browsers would (login.mjs).
# The provider is installed into $OIDC_DIR (kept between runs; a temporary folder when unset).
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: $0 MESEJ" >&2
    exit 2
fi
mesej=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
gateway=
clean() {
    [ -z "$gateway" ] || { kill "$gateway" 2>/dev/null; wait "$gateway" 2>/dev/null || true; }
    rm -rf "$folder"
}
trap clean EXIT
dir=${OIDC_DIR:-$folder/npm}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
cp "$here/package.json" "$here/package-lock.json" "$here/login.mjs" "$dir/"
cd "$dir"
cmp -s package-lock.json installed 2>/dev/null || {
    npm ci --silent --no-audit --no-fund --ignore-scripts
    cp package-lock.json installed
}

port=$(node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
export BASE_URL=http://localhost:$port ADMIN_TOKEN=an-admin-token-for-tests
MESEJ_SERVER__LISTEN=127.0.0.1:$port MESEJ_SERVER__PUBLIC_URL=$BASE_URL MESEJ_SERVER__ADMIN_TOKEN=$ADMIN_TOKEN \
    MESEJ_STORE__PATH=$folder/store MESEJ_ACCOUNTS__PROVIDERS_ON_THIS_MACHINE=true "$mesej" serve >"$folder/log" 2>&1 &
gateway=$!
node login.mjs || { echo "the gateway's log:" >&2; tail -20 "$folder/log" >&2; exit 1; }
