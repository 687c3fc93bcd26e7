#!/bin/sh
# hostile.sh [KIND...]: measures how work and memory grow with inputs that are made to be expensive.
set -eu
. "$(dirname "$0")/setup.sh"

cargo build --release -p symtool --bin symtool
python3 scripts/hostile.py "$CARGO_TARGET_DIR/release/symtool" "$@"
