# x86-64: languages, compilers, levels, DWARF versions, dead functions, symbols only.
# shellcheck shell=sh disable=SC2086,SC2154

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
    lld="--ld-path=$lld_path -Wl,--gc-sections"
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
