#!/bin/sh
# Ask EU DSS what it says of signed PDFs, offline: one line of JSON per file, in the order of the lists.
# Usage: tests/witness/eudss.sh TRUST-FOLDER TIME LIST [TRUST-FOLDER TIME LIST]…
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$here/build"
exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$here/target/classes:$here/target/dependency/*" \
    witness.EuDss "$@"
