# Compressed debug sections: SHF_COMPRESSED by zlib and by zstd, and .zdebug_*.
# shellcheck shell=sh disable=SC2086,SC2154

for kind in zlib zstd; do
    "$LLVM_OBJCOPY" --compress-debug-sections=$kind "$out/c-gcc-O2-dwarf5.so" "$out/c-gcc-O2-$kind.so"
done
"$OBJCOPY" --compress-debug-sections=zlib "$out/cpp-gcc-O2-dwarf4.so" "$out/cpp-gcc-O2-zlib.so"
# ELF32 and big-endian headers of compressed sections.
"$LLVM_OBJCOPY" --compress-debug-sections=zlib "$out/port-ppc-gcc-dwarf5.so" "$out/port-ppc-zlib.so"
"$LLVM_OBJCOPY" --compress-debug-sections=zstd "$out/port-s390x-gcc-dwarf5.so" "$out/port-s390x-zstd.so"
"$LLVM_OBJCOPY" --compress-debug-sections=zstd "$out/port-arm-gcc-dwarf5.so" "$out/port-arm-zstd.so"

# Relocations apply to what a section inflates to.
compile "$GCC" c table.c $c_flags -O2 -g -gdwarf-5 -gz=zlib
cp "$tmp/o/table.c.o" "$out/c-gcc-O2-zlib.o"

# llvm-symbolizer does not read these any more, so it is not asked.
mkdir -p "$out/zdebug"
"$OBJCOPY" --compress-debug-sections=zlib-gnu "$out/c-gcc-O2-dwarf4.so" "$out/zdebug/c-gcc-O2-zdebug.so"
powerpc-linux-gnu-objcopy --compress-debug-sections=zlib-gnu "$out/port-ppc-gcc-dwarf5.so" "$out/zdebug/port-ppc-zdebug.so"
"$OBJCOPY" --compress-debug-sections=zlib-gnu "$out/c-gcc-O2-dwarf5.o" "$out/zdebug/c-gcc-O2-zdebug.o"
