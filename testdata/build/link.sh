# Code and debug information in two files: .gnu_debuglink, build-id directories;
# and symbols packed into the stripped file (.gnu_debugdata).
# shellcheck shell=sh disable=SC2086,SC2154

# split_off FOLDER OBJECT STRIP_FLAG: objects/FOLDER/lib.so without and lib.so.debug with debug information
split_off() {
    mkdir -p "$out/$1"
    cd "$out/$1"
    "$OBJCOPY" --only-keep-debug "$2" lib.so.debug
    "$STRIP" "$3" -o lib.so "$2"
}

# -g keeps .symtab in the code file, -s leaves .dynsym only.
split_off link-beside "$out/c-gcc-O2-dwarf5.so" -g
"$OBJCOPY" --add-gnu-debuglink=lib.so.debug lib.so

split_off link-stripped "$out/c-gcc-O2-dwarf5.so" -s
"$OBJCOPY" --add-gnu-debuglink=lib.so.debug lib.so

split_off link-subfolder "$out/cpp-gcc-O2-dwarf5.so" -s
"$OBJCOPY" --add-gnu-debuglink=lib.so.debug lib.so
mkdir .debug && mv lib.so.debug .debug

split_off link-build-id "$out/cpp-clang-O2-dwarf5.so" -s
file_by_id lib.so.debug debug

# No build-id: the CRC alone tells that the files belong together. Then one that does not.
compile "$GCC" c "$c_units" $c_flags -O2 -g -gdwarf-5
shared "$GCC" c-gcc-O2-no-id.so -Wl,--build-id=none
split_off link-crc "$out/c-gcc-O2-no-id.so" -s
"$OBJCOPY" --add-gnu-debuglink=lib.so.debug lib.so
split_off link-wrong-crc "$out/c-gcc-O2-no-id.so" -s
"$OBJCOPY" --add-gnu-debuglink=lib.so.debug lib.so
cp "$out/link-beside/lib.so.debug" lib.so.debug

# The names right, the build-id of another build.
split_off link-wrong-id "$out/c-gcc-O2-dwarf5.so" -s
"$OBJCOPY" --only-keep-debug "$out/c-gcc-O2-dwarf4.so" lib.so.debug
"$OBJCOPY" --add-gnu-debuglink=lib.so.debug lib.so

# Minidebuginfo, as the manual of gdb makes it: the functions .dynsym does not have.
# c-gcc-O2-functions.so has all of them in its .symtab.
mkdir -p "$out/minidebug"
cd "$tmp"
nm -D "$out/c-gcc-O2-dwarf5.so" --format=posix --defined-only | awk '{ print $1 }' | sort >dynsyms
nm "$out/c-gcc-O2-dwarf5.so" --format=posix --defined-only |
    awk '$2 == "T" || $2 == "t" || $2 == "D" { print $1 }' | sort >funcsyms
comm -13 dynsyms funcsyms >kept
"$OBJCOPY" --only-keep-debug "$out/c-gcc-O2-dwarf5.so" debug
"$OBJCOPY" -S --remove-section .comment --keep-symbols=kept debug mini
"$STRIP" -s -R .comment -o "$out/minidebug/lib.so" "$out/c-gcc-O2-dwarf5.so"
xz -T1 -6 --keep mini
"$OBJCOPY" --add-section .gnu_debugdata=mini.xz "$out/minidebug/lib.so"
sort -u dynsyms kept >functions
"$OBJCOPY" -S -R .comment --keep-symbols=functions "$out/c-gcc-O2-dwarf5.so" "$out/c-gcc-O2-functions.so"
