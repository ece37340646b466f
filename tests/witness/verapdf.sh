#!/bin/sh
# Ask veraPDF whether files are PDF/A-3b (or FLAVOUR): one line of JSON per file, exit status 1 when any is not.
# Usage: [FLAVOUR=3b] tests/witness/verapdf.sh FILE…
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$here/build"
exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$here/target/classes:$here/target/dependency/*" \
    witness.VeraPdf "${FLAVOUR:-3b}" "$@"
