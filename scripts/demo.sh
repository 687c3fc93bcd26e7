#!/bin/sh
# Builds symtool, imports a C++ library into a store of its own and resolves a
# batch of addresses from it. Leaves nothing behind but the build.
set -eu
. "$(dirname "$0")/setup.sh"

library=testdata/objects/cpp-gcc-O2-dwarf5.so
module=${library##*/}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

symtool() { "$CARGO_TARGET_DIR/release/symtool" "$@"; }
show() {
    printf '\n$ %s\n' "$*"
    "$@"
}

set -- "$CARGO_TARGET_DIR"/release/build/librocksdb-sys-*/out/librocksdb.a
[ -f "$1" ] || echo "demo: the first build compiles RocksDB, which takes up to 25 minutes; later ones take seconds" >&2
cargo build --release --workspace --bin symtool

# Optimised code: each of these lies in functions that the compiler inlined, the last with five inlined frames.
# testdata/golden has llvm-symbolizer's answers.
printf '%s\n' 0x1146 0x1180 0x12bc 0x14b3 0x127d >"$tmp/addresses"

show symtool --store "$tmp/store" import "$library"
show symtool --store "$tmp/store" modules list
show cat "$tmp/addresses"
show symtool --store "$tmp/store" resolve --module "$module" --batch "$tmp/addresses"
show symtool --store "$tmp/store" resolve --module "$module" --style json 0x127d
