# What optimisers and linkers do to functions, x86-64.
# shellcheck shell=sh disable=SC2086,SC2154

lld="--ld-path=$lld_path"

# Identical functions folded into one: table_used and table_count, and C++ instances.
compile "$CLANG" c "$c_units" $c_flags -O2 -g -gdwarf-5 -ffunction-sections
shared "$CLANG" c-clang-O2-icf.so $lld -Wl,--icf=all
compile "$CLANGXX" cpp "$cpp_units" $cxx_flags -O1 -g -gdwarf-4 -ffunction-sections
shared "$CLANGXX" cpp-clang-O1-icf.so $lld -Wl,--icf=all

# Link-time optimisation: origins in other units.
for kind in full thin; do
    compile "$CLANG" c "scan.c table.c grammar.c" $c_flags -O2 -g -gdwarf-5 -flto=$kind
    shared "$CLANG" c-clang-O2-lto-$kind.so $lld -flto=$kind -Wl,--thinlto-jobs=1
    compile "$CLANGXX" cpp "$cpp_units" $cxx_flags -O2 -g -gdwarf-4 -flto=$kind
    shared "$CLANGXX" cpp-clang-O2-lto-$kind.so $lld -flto=$kind -Wl,--thinlto-jobs=1
done

# Every basic block a section of its own; the linker puts them in any order, so
# a function has many ranges and its blocks have symbols.
compile "$CLANG" c "scan.c table.c grammar.c" $c_flags -O2 -g -gdwarf-5 \
    -fbasic-block-sections=all -funique-basic-block-section-names
shared "$CLANG" c-clang-O2-blocks.so $lld

# gcc splits by a profile: .text.hot, .text.unlikely, .text.startup.
compile "$GCC" c "scan.c table.c grammar.c" $c_flags -O3 -g -gdwarf-5 \
    -ffunction-sections -freorder-blocks-and-partition -funroll-loops
shared "$GCC" c-gcc-O3-dwarf5.so
compile "$CLANG" c "scan.c table.c grammar.c" $c_flags -O3 -g -gdwarf-5 -funroll-loops
shared "$CLANG" c-clang-O3-dwarf5.so

# Less debug information: line tables with inlining, from gcc; -Og and -Os.
compile "$GCC" c "$c_units" $c_flags -O2 -gdwarf-5 -g1
shared "$GCC" c-gcc-O2-g1.so
compile "$GXX" cpp "$cpp_units" $cxx_flags -O2 -gdwarf-4 -g1
shared "$GXX" cpp-gcc-O2-g1.so
compile "$CLANG" c "$c_units" $c_flags -O2 -gdwarf-5 -gline-directives-only
shared "$CLANG" c-clang-O2-lines-only.so
compile "$GXX" cpp "$cpp_units" $cxx_flags -Os -g -gdwarf-5 -fdebug-types-section
shared "$GXX" cpp-gcc-Os-types.so
compile "$CLANGXX" cpp "$cpp_units" $cxx_flags -Og -g -gdwarf-4 -fdebug-types-section
shared "$CLANGXX" cpp-clang-Og-types.so

# Assembly only: the assembler writes the unit.
for dwarf in 2 3 4 5; do
    compile "$GCC" c stub.s $c_flags -g -gdwarf-$dwarf
    shared "$GCC" asm-gas-dwarf$dwarf.so
done
compile "$CLANG" c stub.s $c_flags -g -gdwarf-5
shared "$CLANG" asm-clang-dwarf5.so
