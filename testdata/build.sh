#!/bin/sh
# Rebuilds objects/ (and toolchain.txt) from src/. Every output is a function of
# the sources and the compilers: no path, time or name of the machine gets in.
#
#     build.sh            rebuilds everything
#     build.sh TOPIC...   rebuilds the objects of build/TOPIC.sh only
set -eu

here=$(cd "$(dirname "$0")" && pwd)
src=$here/src
out=$here/objects
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
umask 022

# In this order: later topics reuse objects of earlier ones.
if [ $# -eq 0 ]; then
    rm -rf "$out"
    set -- x86 codegen reloc arch plt shape split dwz link packed lang odd
    set -- "$@" macho machoimg machofat machomap macholang machodsym unwind
fi
mkdir -p "$out"
. "$here/build/common.sh"
for topic in "$@"; do
    (. "$here/build/$topic.sh")
done
find "$out" -type f -exec chmod 644 {} +

{
    for tool in "$GCC" "$GXX" "$CLANG" "$CLANGXX" ld "$LLD" as "$STRIP" "$OBJCOPY" "$LLVM_OBJCOPY" \
        "$LLVM_DWP" "$DWP" "$RUSTC" xz zstd \
        "$LD64" "$DSYMUTIL"; do
        printf '%s: %s\n' "$tool" "$("$tool" --version | head -n 1)"
    done
    for tool in "$LIPO" "$LLVM_AR"; do
        printf '%s: %s\n' "$tool" "$("$tool" --version | sed -n 's/.*LLVM version/LLVM version/p')"
    done
    for arch in arm aarch64 mips mips64el ppc ppc64 ppc64le riscv64 s390x; do
        tool=$(gcc_for $arch)
        printf '%s: %s\n' "$tool" "$("$tool" --version | head -n 1)"
    done
    printf 'dwz: %s\n' "$("$DWZ" --version 2>&1 | head -n 1)"
    printf 'go: %s\n' "$("$GO" version)"
    printf 'zig: %s\n' "$("$PYTHON" -m ziglang version)"
} >"$here/toolchain.txt"
