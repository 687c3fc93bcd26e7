# Mach-O: debug files (the DWARF file of a dSYM) of languages, architectures, levels and versions of DWARF.
# shellcheck shell=sh disable=SC2086,SC2154
. "$here/build/apple.sh"

c_dsym macho-c-x86_64-O0-dwarf4 x86_64 -O0 -gdwarf-4
c_dsym macho-c-x86_64-O2-dwarf5 x86_64 -O2 -gdwarf-5
c_dsym macho-c-arm64-O2-dwarf4 arm64 -O2 -gdwarf-4
c_dsym macho-c-arm64-O2-dwarf2 arm64 -O2 -gdwarf-2 -gstrict-dwarf
cpp_dsym macho-cpp-arm64-O2-dwarf5 arm64 -O2 -gdwarf-5
cpp_dsym macho-cpp-arm64-O0-dwarf3 arm64 -O0 -gdwarf-3
cpp_dsym macho-cpp-x86_64-O2-dwarf4 x86_64 -O2 -gdwarf-4
cpp_dsym macho-cpp-x86_64-O2-gmlt x86_64 -O2 -gdwarf-5 -gmlt
objc_dsym macho-objc-arm64-O2-dwarf4 arm64 -O2 -gdwarf-4
objc_dsym macho-objc-x86_64-O0-dwarf5 x86_64 -O0 -gdwarf-5

port_dsym macho-port-arm64e-O2-dwarf4 arm64e -O2 -gdwarf-4 -fptrauth-calls -fptrauth-returns
port_dsym macho-port-x86_64h-O2-dwarf3 x86_64h -O2 -gdwarf-3
port_dsym macho-port-arm64_32-O2-dwarf4 arm64_32 -O2 -gdwarf-4
port_dsym macho-port-armv7-O2-dwarf4 armv7 -O2 -gdwarf-4
port_dsym macho-port-armv7-O0-dwarf2 armv7 -O0 -gdwarf-2
port_dsym macho-port-armv7k-O2-dwarf5 armv7k -O2 -gdwarf-5
port_dsym macho-port-i386-O2-dwarf2 i386 -O2 -gdwarf-2 -gstrict-dwarf
port_dsym macho-port-i386-O0-dwarf5 i386 -O0 -gdwarf-5

# Assembly: units the assembler writes.
for arch in arm64 x86_64; do
    case $arch in arm64) dwarf=4 ;; *) dwarf=5 ;; esac
    compile "$CLANG" macho odd_$arch.s --target=$(apple_target $arch) $apple_c -g -gdwarf-$dwarf
    dsym macho-asm-$arch-dwarf$dwarf $arch
done

# Units of DWARF 4 and 5, and of DWARF 2, in one file.
compile "$CLANG" c "scan.c" --target=arm64-apple-macos11 $apple_c -O2 -g -gdwarf-4
mv "$tmp/o/scan.c.o" "$tmp/scan4.o"
compile "$CLANG" c "grammar.c" --target=arm64-apple-macos11 $apple_c -O2 -g -gdwarf-2
mv "$tmp/o/grammar.c.o" "$tmp/grammar2.o"
compile "$CLANG" c "table.c" --target=arm64-apple-macos11 $apple_c -O2 -g -gdwarf-5
mv "$tmp/scan4.o" "$tmp/grammar2.o" "$tmp/o"
dsym macho-mixed-arm64 arm64

# Units without DW_AT_producer: in clang's assembly it becomes DW_AT_description, which nobody reads.
rm -rf "$tmp/o" && mkdir "$tmp/o"
cd "$src/port"
for unit in queue tally; do
    "$CLANG" --target=x86_64-apple-macos11 $apple_c -O2 -g -gdwarf-4 -fverbose-asm -S $unit.c -o "$tmp/$unit.s"
    sed -i '/DW_AT_producer/s/\.byte[[:space:]]37/.byte 0x5a/' "$tmp/$unit.s"
    "$CLANG" --target=x86_64-apple-macos11 -c "$tmp/$unit.s" -o "$tmp/o/$unit.o"
done
dsym macho-no-producer x86_64

# An executable: __PAGEZERO, and __TEXT at an odd place.
compile "$CLANG" macho calls.c --target=$(apple_target x86_64) $apple_c -O2 -g -gdwarf-5
objs=$(echo *.o)
apple_link x86_64 "$tmp/exec" -pagezero_size 0x7123457000 "$src/macho/libimports.tbd" "$src/macho/libSystem.tbd"
"$DSYMUTIL" --flat "$tmp/exec" -o "$out/macho-base-x86_64"
