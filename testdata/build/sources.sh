#!/bin/sh
# Makes testdata/sources: source text in debug data. Needs clang 19, lld 19 and llvm-pdbutil 19.
#
#     embedded.so      DWARF 5 with the text of both files (-gembed-source)
#     injected.pdb     a PDB with a file in its streams (lld-link /natvis), and one for its program
#     lamp.c, lamp.h   what they were built from, as /src/lamp.c and /src/lamp.h
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
out=$here/sources
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$out"

clang-19 -std=gnu11 -O1 -g -gdwarf-5 -gembed-source -fPIC -shared -nostdlib -fuse-ld=lld \
    -fno-ident -ffile-prefix-map="$out"=/src -Wl,--build-id=sha1 -o embedded.so lamp.c

# The text of a frame's own file: lld takes any file for a visualizer.
cp lamp.c "$tmp/lamp.c"
cd "$tmp"
clang-19 --target=x86_64-pc-windows-msvc -std=gnu11 -O1 -g -gcodeview -fno-ident \
    -ffile-prefix-map="$out"=/src -ffile-prefix-map="$tmp"=/src -c -o lamp.obj "$tmp/lamp.c" -I"$out"
lld-link-19 /dll /noentry /debug /brepro /nodefaultlib /export:light /natvis:lamp.c /pdbaltpath:lamp.pdb \
    /out:lamp.dll /pdb:injected.pdb lamp.obj
cp injected.pdb "$out/injected.pdb"
llvm-pdbutil-19 dump --string-table --streams injected.pdb | grep -i 'src' || true
