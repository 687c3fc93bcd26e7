#!/bin/sh
# Checks everything with the oldest Rust that Cargo.toml promises; rustup fetches it.
set -eu
. "$(dirname "$0")/setup.sh"

oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
rustup toolchain install --profile minimal "$oldest"
cargo "+$oldest" check --release --locked --workspace --all-targets
