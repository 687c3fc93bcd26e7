#!/bin/sh
# Packs each crate as it would be published, and lists the files in it. The packages are not
# compiled: that would compile RocksDB once more. Needs Cargo 1.90 or newer, which packs the crates of
# a workspace that need each other; building symtool needs what `rust-version` says.
set -eu
. "$(dirname "$0")/setup.sh"

cargo package --quiet --workspace --exclude symtool-benches --no-verify --allow-dirty
for manifest in formats/*/Cargo.toml core/*/Cargo.toml cli/Cargo.toml; do
    crate=$(sed -n 's/^name = "\(.*\)"/\1/p' "$manifest" | head -n 1)
    echo "$crate:"
    cargo package --list --allow-dirty -p "$crate" | sed 's/^/    /'
done
