#!/bin/sh
# Runs every test; arguments go to cargo test. The fixtures are committed: no compiler makes them here.
set -eu
. "$(dirname "$0")/setup.sh"

cargo test --release --workspace "$@"
