#!/usr/bin/env bash
# Makes the gateway's database user and drops `cassandra`, which every new cluster has with a password that everybody
# knows. May run any number of times: once the user can log in and the other is gone, nothing is left to do.
set -euo pipefail

: "${CQL_HOST:?}" "${CQL_USER:?}" "${CQL_PASSWORD:?}"
# A new cluster makes its first user some seconds after it began to listen.
ATTEMPTS=30
PAUSE=4

as() {
  cqlsh --username "$1" --password "$2" --execute "$3" "$CQL_HOST" "${CQL_PORT:-9042}"
}

quoted() {
  printf "'%s'" "${1//\'/\'\'}"
}

for ((attempt = 1; attempt <= ATTEMPTS; attempt++)); do
  if as "$CQL_USER" "$CQL_PASSWORD" "DROP ROLE IF EXISTS cassandra" >/dev/null 2>&1; then
    echo "$CQL_USER can log in, and cassandra is gone"
    exit 0
  fi
  as cassandra cassandra "CREATE ROLE IF NOT EXISTS \"$CQL_USER\"
    WITH SUPERUSER = true AND LOGIN = true AND PASSWORD = $(quoted "$CQL_PASSWORD")" >/dev/null 2>&1 ||
    sleep "$PAUSE"
done

echo "$CQL_USER cannot log in. If the database is not new, its password is the one of the first start." >&2
as "$CQL_USER" "$CQL_PASSWORD" "SELECT release_version FROM system.local"
