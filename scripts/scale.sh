#!/bin/sh
# Measures what commands cost in a store of many modules, as ratios to a store of one; arguments go to scale.py.
set -eu
. "$(dirname "$0")/setup.sh"

cargo build --release -p symtool -p symtool-benches
python3 scripts/scale.py "$CARGO_TARGET_DIR/release" "$@"
