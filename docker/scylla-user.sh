#!/usr/bin/env bash
# Makes the gateway's database user, which may make keyspaces and owns its own, and nothing else; and `admin`, the superuser
# for people. Drops `cassandra`, which every new cluster has with a password that everybody knows. May run any number of
# times: what is there is brought to this state. The user of earlier versions was a superuser, and is none afterwards.
set -euo pipefail

: "${CQL_HOST:?}" "${CQL_USER:?}" "${CQL_PASSWORD:?}" "${CQL_ADMIN_PASSWORD:?}"
ADMIN=admin
# The gateway's keyspaces: `store.keyspace`, and the same with _lwt behind it.
KEYSPACES=(mesej mesej_lwt)
# A new cluster makes its first user some seconds after it began to listen.
ATTEMPTS=30
PAUSE=4

as() {
  cqlsh --username "$1" --password "$2" --execute "$3" "$CQL_HOST" "${CQL_PORT:-9042}"
}

as_admin() {
  as "$ADMIN" "$CQL_ADMIN_PASSWORD" "$1"
}

quoted() {
  printf "'%s'" "${1//\'/\'\'}"
}

make_admin="CREATE ROLE IF NOT EXISTS \"$ADMIN\"
  WITH SUPERUSER = true AND LOGIN = true AND PASSWORD = $(quoted "$CQL_ADMIN_PASSWORD")"

for ((attempt = 1; attempt <= ATTEMPTS; attempt++)); do
  if as_admin "DROP ROLE IF EXISTS cassandra" >/dev/null 2>&1; then
    as_admin "CREATE ROLE IF NOT EXISTS \"$CQL_USER\"
      WITH SUPERUSER = false AND LOGIN = true AND PASSWORD = $(quoted "$CQL_PASSWORD")"
    as_admin "ALTER ROLE \"$CQL_USER\" WITH SUPERUSER = false"
    as_admin "GRANT CREATE ON ALL KEYSPACES TO \"$CQL_USER\""
    for keyspace in "${KEYSPACES[@]}"; do
      # Whoever makes a keyspace may do everything with it: this is for those that a superuser made.
      as_admin "GRANT ALL PERMISSIONS ON KEYSPACE \"$keyspace\" TO \"$CQL_USER\"" >/dev/null 2>&1 || true
    done
    as "$CQL_USER" "$CQL_PASSWORD" "SELECT release_version FROM system.local" >/dev/null
    echo "$CQL_USER can log in and is no superuser, and cassandra is gone"
    exit 0
  fi
  # A new cluster has `cassandra`; one of an earlier version has the gateway's user as its superuser.
  as cassandra cassandra "$make_admin" >/dev/null 2>&1 ||
    as "$CQL_USER" "$CQL_PASSWORD" "$make_admin" >/dev/null 2>&1 ||
    sleep "$PAUSE"
done

echo "$ADMIN cannot log in. If the database is not new, its password is the one of the first start." >&2
as_admin "SELECT release_version FROM system.local"
