# Split DWARF: the linked file has skeletons, the debug information is in .dwo
# files or in a .dwp package. A folder of objects/ is one fixture.
# shellcheck shell=sh disable=SC2086,SC2154

c_split="scan.c table.c grammar.c"
cpp_split="pool.cc route.cc"
cxx="-std=c++17 -fno-rtti"
for dwarf in 4 5; do
    for brand in gcc clang; do
        # clang's skeletons can carry the inlining; here they may not, so every frame needs the .dwo
        case $brand in
        gcc) cc=$GCC cxx_compiler=$GXX flags= ;;
        clang) cc=$CLANG cxx_compiler=$CLANGXX flags=-fno-split-dwarf-inlining ;;
        esac
        split "$cc" c "$c_split" . -std=gnu11 -gdwarf-$dwarf $flags
        folder split-c-$brand-dwarf$dwarf *.dwo

        # The same packaged; .dwo files cannot be found.
        split "$cc" c "$c_split" /src/c -std=gnu11 -gdwarf-$dwarf $flags
        "$LLVM_DWP" *.dwo -o lib.so.dwp
        folder split-c-$brand-dwarf$dwarf-dwp lib.so.dwp
        # Beside the object, though DW_AT_comp_dir says otherwise. Has the golden of the package.
        folder split-c-$brand-dwarf$dwarf-moved *.dwo

        # Type units, in .debug_types.dwo (4) or .debug_info.dwo (5).
        split "$cxx_compiler" cpp "$cpp_split" /src/cpp $cxx -gdwarf-$dwarf $flags -fdebug-types-section
        "$LLVM_DWP" *.dwo -o lib.so.dwp
        folder split-cpp-$brand-dwarf$dwarf-dwp lib.so.dwp
    done
done

# GNU dwp (of gold) writes an index of version 1; type units.
split "$GXX" cpp "$cpp_split" /src/cpp $cxx -gdwarf-4 -fdebug-types-section
"$DWP" *.dwo -o lib.so.dwp
folder split-cpp-gnu-dwp lib.so.dwp

# Skeletons with inlining (-fsplit-dwarf-inlining); without any .dwo they still answer.
split "$CLANG" c "$c_split" . -std=gnu11 -gdwarf-5 -fsplit-dwarf-inlining
folder split-c-inlining *.dwo
folder split-c-inlining-lost

# One .dwo of three is gone; one is from another compilation (its id differs).
split "$GCC" c "$c_split" . -std=gnu11 -gdwarf-5
folder split-c-missing scan.dwo grammar.dwo
folder split-c-stale scan.dwo grammar.dwo
split "$GCC" c table.c . -std=gnu11 -gdwarf-5 -DSLOTS_UNUSED -frandom-seed=other -O1
cp table.dwo "$out/split-c-stale"

# Sections and functions of their own, in COMDAT-like ranges; the .dwo compressed.
split "$CLANGXX" cpp "$cpp_split" . $cxx -gdwarf-5 -ffunction-sections -gz=zlib
folder split-cpp-compressed *.dwo

# The .dwo files in a folder of their own, as build systems put them.
split "$CLANG" c "$c_split" . -std=gnu11 -gdwarf-5
mkdir obj
for unit in $c_split; do
    "$CLANG" -std=gnu11 -fPIC -fno-stack-protector -ffile-prefix-map="$tmp/o=." \
        -O2 -gdwarf-5 -gsplit-dwarf -c "$unit" -o "obj/${unit%.*}.o"
done
objs=$(echo obj/*.o)
mkdir -p "$out/split-c-folder/obj"
folder split-c-folder
cp obj/*.dwo "$out/split-c-folder/obj"
