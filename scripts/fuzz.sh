#!/bin/sh
# fuzz.sh TARGET [LIBFUZZER ARGS...]: mutates the fixtures until it finds a fault; builds `formats` only.
set -eu
. "$(dirname "$0")/setup.sh"

target=${1:?object or archive}
shift
command -v cargo-fuzz >/dev/null || {
    echo "fuzz: no cargo-fuzz; run: cargo install cargo-fuzz" >&2
    exit 1
}
# Its own target folder: other flags, another compiler.
unset CARGO_TARGET_DIR
mkdir -p "fuzz/corpus/$target"
cargo +nightly fuzz run "$target" "fuzz/corpus/$target" testdata/objects -- "$@"
