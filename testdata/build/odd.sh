# Debug data as tools hand it over, and as few write it: several sections of one name, debug files of kernel
# modules, packages of split DWARF beside debug files, folded functions, code that no flag marks.
# shellcheck shell=sh disable=SC2086,SC2154

# Type units in COMDAT groups: several .debug_info sections in one object, and in one .dwo.
static="-nostdlib -nostartfiles -static -Wl,--build-id=sha1,-z,max-page-size=4096"

relocatable_cpp() {
    compile "$2" cpp pool.cc $cxx_flags -O2 -g -gdwarf-5 -fdebug-types-section
    cp "$tmp/o/pool.cc.o" "$out/$1"
}
relocatable_cpp cpp-gcc-O2-types-dwarf5.o "$GXX"
relocatable_cpp cpp-clang-O2-types-dwarf5.o "$CLANGXX"
for brand in gcc clang; do
    case $brand in
    gcc) compiler=$GXX flags= ;;
    clang) compiler=$CLANGXX flags=-fno-split-dwarf-inlining ;;
    esac
    split "$compiler" cpp "pool.cc route.cc" . -std=c++17 -fno-rtti -gdwarf-5 $flags -fdebug-types-section
    folder split-cpp-$brand-dwarf5-types *.dwo
done

# A package in a folder with debug files; one beside a debug file, named like the image.
split "$CLANG" c "scan.c table.c grammar.c" /src/c -std=gnu11 -gdwarf-5 -fno-split-dwarf-inlining
"$LLVM_DWP" *.dwo -o lib.so.dwp
folder split-debug-dir
mkdir -p "$out/split-debug-dir/debug"
cp lib.so.dwp "$out/split-debug-dir/debug"
folder split-beside-debug
cd "$out/split-beside-debug"
"$OBJCOPY" --only-keep-debug lib.so lib.dbg
"$STRIP" -s lib.so
"$OBJCOPY" --add-gnu-debuglink=lib.dbg lib.so
cp "$out/split-debug-dir/debug/lib.so.dwp" lib.dwp

# The debug file of a kernel module has its code sections without contents; the module names it.
mkdir -p "$out/ko-debug"
cd "$out/ko-debug"
"$OBJCOPY" --only-keep-debug "$out/module-gcc.ko" module.ko.debug
mkdir -p "$out/ko-beside"
cd "$out/ko-beside"
"$OBJCOPY" --only-keep-debug "$out/module-gcc.ko" module.ko.debug
"$STRIP" --strip-debug -o module.ko "$out/module-gcc.ko"
"$OBJCOPY" --add-gnu-debuglink=module.ko.debug module.ko

# Debug data alone: no code, no symbols, no segments.
mkdir -p "$out/dwarf-alone"
"$OBJCOPY" -j '.debug_*' "$out/c-gcc-O2-dwarf5.so" "$out/dwarf-alone/lib.debug"

# Code in a section that is not marked executable, as in firmware: boot code, and a table of vectors.
compile "$GCC" port "queue.c tally.c" $port_flags -fno-pic -gdwarf-5 -ffunction-sections
"$GCC" -no-pie -nostdlib -nostartfiles -static -Wl,--build-id=sha1,-z,noseparate-code,-e,tally,--section-start=.text.tally=0x10000 \
    -Wl,--unique=.text.tally $objs -o "$tmp/firmware"
"$OBJCOPY" --set-section-flags .text.tally=alloc,load,contents,readonly "$tmp/firmware" "$out/port-gcc-O2-unmarked"

# Symbol tables that the linker has compressed.
compile "$CLANG" port "queue.c tally.c" $port_flags -fPIC -gdwarf-5
mkdir -p "$out/packed-symbols"
cd "$out/packed-symbols"
"$LLD" -shared --build-id=sha1 $objs -o plain.so
"$LLD" -shared --build-id=sha1 --compress-sections=.strtab=zlib --compress-sections=.symtab=zlib $objs -o zlib.so
"$LLD" -shared --build-id=sha1 --compress-sections=.strtab=zstd $objs -o zstd.so

# Prelinked after its .gnu_debugdata was made: that has the addresses of before.
mkdir -p "$out/minidebug-moved"
cd "$tmp"
compile "$GCC" port "queue.c tally.c far.c" $port_flags -fPIC -mcmodel=large -fno-asynchronous-unwind-tables -gdwarf-5
"$GCC" -no-pie $static -Wl,-e,tally -Wl,-Ttext-segment=0x400000 $objs -o "$tmp/before"
"$GCC" -no-pie $static -Wl,-e,tally -Wl,-Ttext-segment=0x7400000 $objs -o "$tmp/after"
"$OBJCOPY" --only-keep-debug "$tmp/before" debug
"$OBJCOPY" -S debug mini --keep-symbol=queue_drain --keep-symbol=stop --keep-symbol=far_away
rm -f mini.xz
xz -T1 -6 --keep mini
"$STRIP" -s -R .comment -o "$out/minidebug-moved/prog" "$tmp/after"
"$OBJCOPY" --add-section .gnu_debugdata=mini.xz "$out/minidebug-moved/prog"

# Folded functions: lld marks the entries of the others as dead, gold leaves all of them.
compile "$CLANG" port "fold.c fold2.c" $port_flags -fPIC -gdwarf-5 -ffunction-sections
mkdir -p "$out/folded"
"$LLD" -shared --build-id=sha1 --icf=all $objs -o "$out/folded/lld.so"
compile "$CLANG" port "fold.c fold2.c" $port_flags -fPIC -gdwarf-4 -ffunction-sections
gold -shared --build-id=sha1 --icf=all $objs -o "$out/folded/gold.so"

# What llvm-symbolizer does not read: split DWARF before version 4.
split "$GCC" c "scan.c table.c grammar.c" . -std=gnu11 -gdwarf-3
folder split-c-gcc-dwarf3 *.dwo
