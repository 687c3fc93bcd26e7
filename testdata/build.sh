#!/bin/sh
# Rebuilds objects/ (and toolchain.txt) from src/. Every output is a function of
# the sources and the compilers: no path, time or name of the machine gets in.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
src=$here/src
out=$here/objects
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export LC_ALL=C

GCC=${GCC:-gcc}
GXX=${GXX:-g++}
CLANG=${CLANG:-clang-19}
CLANGXX=${CLANGXX:-clang++-19}
RUSTC=${RUSTC:-rustc}
STRIP=${STRIP:-strip}
LLD=${LLD:-ld.lld-19}

common="-fPIC -fno-stack-protector -ffile-prefix-map=$src=/src"
c_flags="-std=gnu11 $common"
cxx_flags="-std=c++17 -fno-rtti $common"
link_flags="-nostdlib -nostartfiles -Wl,--build-id=sha1"
c_units="scan.c table.c grammar.c stub.s"
cpp_units="pool.cc route.cc"

# compile COMPILER DIR "UNITS" FLAGS...: sets $objs to the object files
compile() {
    compiler=$1 dir=$2 units=$3
    shift 3
    rm -rf "$tmp/o" && mkdir "$tmp/o"
    objs=
    cd "$src/$dir"
    for unit in $units; do
        case $compiler-$unit in
        # clang calls a prefix map unused when it only assembles
        *clang*.s) "$compiler" -Wno-unused-command-line-argument "$@" -c "$unit" -o "$tmp/o/$unit.o" ;;
        *) "$compiler" "$@" -frandom-seed="$unit" -c "$unit" -o "$tmp/o/$unit.o" ;;
        esac
        objs="$objs $tmp/o/$unit.o"
    done
    cd "$tmp/o"
}

# shared COMPILER NAME FLAGS...: links $objs
shared() {
    compiler=$1 name=$2
    shift 2
    # shellcheck disable=SC2086
    "$compiler" -shared $link_flags "$@" $objs -o "$out/$name"
}

rm -rf "$out"
mkdir "$out"
# shellcheck disable=SC2086
{
    # The matrix: two languages, two compilers, two levels, two DWARF versions.
    for opt in O0 O2; do
        for dwarf in 4 5; do
            flags="-$opt -g -gdwarf-$dwarf"
            compile "$GCC" c "$c_units" $c_flags $flags
            shared "$GCC" "c-gcc-$opt-dwarf$dwarf.so"
            compile "$CLANG" c "$c_units" $c_flags $flags
            shared "$CLANG" "c-clang-$opt-dwarf$dwarf.so"
            compile "$GXX" cpp "$cpp_units" $cxx_flags $flags
            shared "$GXX" "cpp-gcc-$opt-dwarf$dwarf.so"
            compile "$CLANGXX" cpp "$cpp_units" $cxx_flags $flags
            shared "$CLANGXX" "cpp-clang-$opt-dwarf$dwarf.so"

            # rustc makes the object; core's panic functions stay undefined,
            # because with core linked in the file would be 700 kB.
            rm -rf "$tmp/o" && mkdir "$tmp/o"
            cd "$src/rust"
            "$RUSTC" --edition 2021 --crate-type cdylib --crate-name heap --emit obj \
                --target x86_64-unknown-linux-gnu -C panic=abort -C opt-level="${opt#O}" \
                -C debuginfo=2 -C dwarf-version="$dwarf" -C codegen-units=1 \
                --remap-path-prefix "$src=/src" heap.rs -o "$tmp/o/heap.o"
            objs=$tmp/o/heap.o
            shared "$GCC" "rust-$opt-dwarf$dwarf.so"
        done
    done

    # Old DWARF.
    for dwarf in 2 3; do
        compile "$GCC" c "$c_units" $c_flags -O2 -g -gdwarf-$dwarf -gstrict-dwarf
        shared "$GCC" "c-gcc-O2-dwarf$dwarf.so"
    done

    # Dead functions. GNU ld and lld leave 0 behind (1 in .debug_ranges); lld can
    # be told to leave -1 (-2 in .debug_ranges and .debug_loc).
    for dwarf in 4 5; do
        flags="-O2 -g -gdwarf-$dwarf -ffunction-sections -fvisibility=hidden"
        compile "$GCC" c spare.c $c_flags $flags
        shared "$GCC" "c-gcc-O2-gc-bfd-dwarf$dwarf.so" -Wl,--gc-sections
        compile "$CLANG" c spare.c $c_flags $flags
        lld="--ld-path=$(command -v "$LLD") -Wl,--gc-sections"
        shared "$CLANG" "c-clang-O2-gc-lld-dwarf$dwarf.so" $lld
        dead=-Wl,-z,dead-reloc-in-nonalloc
        shared "$CLANG" "c-clang-O2-gc-tombstone-dwarf$dwarf.so" $lld \
            "$dead=.debug_*=0xffffffffffffffff" \
            "$dead=.debug_ranges=0xfffffffffffffffe" "$dead=.debug_loc=0xfffffffffffffffe"
    done

    # Other ways to build: link-time optimisation, outlined cold code, line tables only.
    compile "$GCC" c "$c_units" $c_flags -O2 -g -gdwarf-5 -flto
    cd "$src/c"
    shared "$GCC" c-gcc-O2-lto-dwarf5.so -O2 -g -flto=1 -flto-partition=one -frandom-seed=lto \
        -ffile-prefix-map="$src=/src"
    compile "$CLANG" c "$c_units" $c_flags -O2 -g -gdwarf-5 \
        -mllvm -hot-cold-split -mllvm -hotcoldsplit-threshold=-1
    shared "$CLANG" c-clang-O2-coldsplit-dwarf5.so
    compile "$CLANGXX" cpp "$cpp_units" $cxx_flags -O2 -gdwarf-5 -gmlt
    shared "$CLANGXX" cpp-clang-O2-gmlt-dwarf5.so

    # ET_EXEC, and the same program without any symbol.
    compile "$GCC" c "start.c $c_units" -std=gnu11 -fno-pic -fno-stack-protector \
        -ffile-prefix-map="$src=/src" -O2 -g -gdwarf-5
    "$GCC" -no-pie -static $link_flags $objs -o "$out/c-gcc-O2-exec-dwarf5"
    "$STRIP" -s -o "$out/c-gcc-O2-stripped" "$out/c-gcc-O2-exec-dwarf5"

    # Symbols only: .symtab and .dynsym, then .dynsym alone.
    compile "$GCC" c "$c_units" $c_flags -O2 -g0
    shared "$GCC" c-gcc-O2-symtab.so
    "$STRIP" -s -o "$out/c-gcc-O2-dynsym.so" "$out/c-gcc-O2-symtab.so"
}
chmod 644 "$out"/*

{
    for tool in "$GCC" "$GXX" "$CLANG" "$CLANGXX" ld "$LLD" as "$STRIP" "$RUSTC"; do
        printf '%s: %s\n' "$tool" "$("$tool" --version | head -n 1)"
    done
} >"$here/toolchain.txt"
