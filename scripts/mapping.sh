#!/bin/sh
# Generates a mapping of R8 and traces with known truth; arguments go to the generator.
set -eu
. "$(dirname "$0")/setup.sh"

cargo build --release -p symtool-benches
"$CARGO_TARGET_DIR/release/symtool-benches" mapping "$@"
