#!/bin/sh
# Lists the files that each crate would be published with.
set -eu
. "$(dirname "$0")/setup.sh"

for manifest in formats/*/Cargo.toml core/*/Cargo.toml cli/Cargo.toml; do
    crate=$(sed -n 's/^name = "\(.*\)"/\1/p' "$manifest" | head -n 1)
    echo "$crate:"
    cargo package --list --allow-dirty -p "$crate" | sed 's/^/    /'
done
