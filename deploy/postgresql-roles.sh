#!/bin/sh
# Run once, when the database is made: the application role, which owns nothing.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$APPLICATION_PASSWORD" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
CREATE ROLE paraaf LOGIN PASSWORD :'password';
SQL
