#!/bin/sh
# Runs every test; arguments go to cargo test. The fixtures are committed: no compiler makes them here.
set -eu
. "$(dirname "$0")/setup.sh"

cargo test --release --workspace "$@"
# What is read of minidumps, against another reader.
cargo test --quiet --release --locked --manifest-path testdata/oracles/minidump/Cargo.toml \
    --target-dir "$CARGO_TARGET_DIR/oracles"
# What is fetched from a real debuginfod.
if [ $# -eq 0 ]; then
    SYMTOOL="$CARGO_TARGET_DIR/release/symtool" sh scripts/debuginfod.sh
fi
