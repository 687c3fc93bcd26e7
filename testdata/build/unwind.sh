# Unwind data of each format. The files go to unwind/: no line or name of theirs is asked about.
# shellcheck shell=sh disable=SC2086,SC2154

to=$here/unwind
mkdir -p "$to"
assemble() { # NAME TARGET: src/unwind/NAME.s
    "$CLANG" --target=$2 -c "$src/unwind/$1.s" -o "$tmp/$1.o"
}
assemble cfi-x86_64 x86_64-linux-gnu
"$LLD" -shared -z max-page-size=4096 "$tmp/cfi-x86_64.o" -o "$to/cfi-x86_64.so"
sed '1i .cfi_sections .debug_frame' "$src/unwind/cfi-x86_64.s" > "$tmp/cfi-debug.s"
"$CLANG" --target=x86_64-linux-gnu -gdwarf64 -c "$tmp/cfi-debug.s" -o "$tmp/cfi-debug.o"
# The lines of the assembly name where it lies.
"$LLVM_OBJCOPY" --wildcard --remove-section='.debug_[!f]*' --remove-section='.rela.debug_[!f]*' "$tmp/cfi-debug.o"
"$LLD" -shared -z max-page-size=4096 "$tmp/cfi-debug.o" -o "$to/cfi-debug64.so"
assemble cfi-arm64 aarch64-linux-gnu
"$LLD" -shared -z max-page-size=4096 "$tmp/cfi-arm64.o" -o "$to/cfi-arm64.so"
assemble ehabi armv7-linux-gnueabihf
"$LLD" -shared -z max-page-size=4096 "$tmp/ehabi.o" -o "$to/ehabi.so"
"$CLANG" --target=armv7eb-linux-gnueabihf -c "$src/unwind/ehabi.s" -o "$tmp/ehabi-be.o"
"$LLD" -shared -z max-page-size=4096 --be8 "$tmp/ehabi-be.o" -o "$to/ehabi-be.so"

apple() { # NAME TARGET FLAGS...: compact.c
    name=$1 target=$2
    shift 2
    "$CLANG" --target=$target -O2 -fno-stack-protector -femit-dwarf-unwind=always "$@" \
        -c "$src/unwind/compact.c" -o "$tmp/$name.o"
    "$LD64" -dylib -arch ${target%%-*} -platform_version macos 11 11 -undefined dynamic_lookup \
        -install_name $name "$tmp/$name.o" -o "$to/$name"
    # What clang says of the same functions; the linker keeps it of those alone that have nothing else.
    "$PYTHON" "$here/unwind_oracle.py" --rules "$tmp/$name.o" > "$to/$name.rules"
}
apple compact-arm64 arm64-apple-macos11 -fomit-frame-pointer
apple compact-x86_64 x86_64-apple-macos11 -fomit-frame-pointer
apple compact-x86_64-framed x86_64-apple-macos11
"$CLANG" --target=i386-apple-macos10.13 -c "$src/unwind/compact-i386.s" -o "$to/compact-i386"
chmod 644 "$to"/*
