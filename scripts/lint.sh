#!/bin/sh
# Formatting, clippy, documentation, packages, shell syntax. All under the release profile:
# another one would compile RocksDB a second time.
set -eu
. "$(dirname "$0")/setup.sh"

for script in scripts/*.sh scripts/dist/*.sh testdata/*.sh; do
    sh -n "$script"
done
bash -n .ci/run
cargo fmt --all --check
cargo clippy --release --workspace --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps
sh scripts/package.sh > /dev/null
# A workspace of its own, and with it a target folder; libFuzzer itself needs a nightly compiler and is left out.
(unset CARGO_TARGET_DIR; cargo check --quiet --manifest-path fuzz/Cargo.toml --no-default-features --locked)
