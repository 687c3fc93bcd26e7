#!/bin/sh
# fuzz.sh TARGET [LIBFUZZER ARGS...]: mutates the fixtures until it finds a fault; builds `formats` only.
set -eu
. "$(dirname "$0")/setup.sh"

target=${1:?object, archive, crash, demangle, mapping, minidump or rules}
shift
command -v cargo-fuzz >/dev/null || {
    echo "fuzz: no cargo-fuzz; run: cargo install cargo-fuzz" >&2
    exit 1
}
# Its own target folder: other flags, another compiler.
unset CARGO_TARGET_DIR
mkdir -p "fuzz/corpus/$target"
seeds=testdata/objects
case "$target" in
    crash) seeds=testdata/crashes ;;
    mapping) seeds=testdata/mapping ;;
    minidump) seeds=testdata/minidump ;;
    rules) seeds=core/grouping/rules ;;
    demangle)
        # One name a file.
        seeds=fuzz/corpus/names
        mkdir -p "$seeds"
        grep -v '^#' testdata/demangle/names.txt | cut -f 1 | split -a 4 -l 1 - "$seeds/"
        ;;
esac
cargo +nightly fuzz run "$target" "fuzz/corpus/$target" "$seeds" -- "$@"
