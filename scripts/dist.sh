#!/bin/sh
# Builds symtool for release, and packs it: sh scripts/dist.sh [TARGET…]
# Without a target, it is Linux on this machine's processor. Packages come into dist/, each with a list of what it is made
# of (SBOM).
#
# Linux with glibc is linked against glibc 2.28 by Zig, so that the program runs on Debian 10, RHEL 8 and
# everything newer; Linux with musl is linked statically. RocksDB is compiled once for each target, which
# takes some 25 minutes of processor time.
set -eu
. "$(dirname "$0")/setup.sh"

GLIBC=2.28
CYCLONEDX=0.5.9

tools="$CARGO_TARGET_DIR/dist-tools"
if [ ! -x "$tools/bin/cargo-zigbuild" ]; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet 'cargo-zigbuild==0.24.*' 'ziglang==0.17.*' 'wheel==0.48.*'
fi
PATH="$tools/bin:$PATH"
# What lists the crates that a program is made of.
if ! cargo cyclonedx --version 2>/dev/null | grep -q " $CYCLONEDX\$"; then
    CARGO_TARGET_DIR="$tools/build" cargo install --quiet --locked --root "$tools" --version "$CYCLONEDX" cargo-cyclonedx
fi

# Equal commits give equal bytes: no date of the build, and no path of the machine.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
SYMTOOL_COMMIT=$(git rev-parse HEAD)
cargo_home=${CARGO_HOME:-$HOME/.cargo}
RUSTFLAGS="--remap-path-prefix=$PWD=/symtool --remap-path-prefix=$cargo_home=/cargo"
CXXFLAGS="-ffile-prefix-map=$cargo_home=/cargo -ffile-prefix-map=$CARGO_TARGET_DIR=/target"
CFLAGS=$CXXFLAGS
export SOURCE_DATE_EPOCH SYMTOOL_COMMIT RUSTFLAGS CXXFLAGS CFLAGS

[ $# -gt 0 ] || set -- "$(uname -m)-unknown-linux-gnu"
for target; do
    case $target in
    *-linux-gnu)
        rustup target add "$target" >&2
        cargo zigbuild --locked --profile dist --workspace --bin symtool --target "$target.$GLIBC"
        ;;
    *-linux-musl)
        rustup target add "$target" >&2
        cargo zigbuild --locked --profile dist --workspace --bin symtool --target "$target"
        ;;
    *)
        # macOS: on a Mac, with its own compiler.
        rustup target add "$target" >&2
        cargo build --locked --profile dist --workspace --bin symtool --target "$target"
        ;;
    esac
    sh scripts/dist/sbom.sh "$target" dist
    sh scripts/dist/pack.sh "$CARGO_TARGET_DIR/$target/dist/symtool" "$target" dist
done
