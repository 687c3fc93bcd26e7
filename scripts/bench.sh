#!/bin/sh
# Runs the benches; arguments go to them. They compare with the symtool built here.
set -eu
. "$(dirname "$0")/setup.sh"

cargo build --release --workspace --bins
"$CARGO_TARGET_DIR/release/symtool-benches" "$@"
