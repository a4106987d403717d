#!/bin/sh
# Run once by the Postgres image, when its volume is empty: a database for each service, owned by a role of its own that
# may enter no other.
set -eu
for name in orders inventory payments shipping; do
    psql -v ON_ERROR_STOP=1 -v name="$name" -v password="$(cat "/run/secrets/$name-password")" \
        --username "$POSTGRES_USER" --dbname postgres --quiet <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT, TEMPORARY ON DATABASE :"name" FROM PUBLIC;
SQL
done
