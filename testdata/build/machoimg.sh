# Mach-O: images without a debug file.
# shellcheck shell=sh disable=SC2086,SC2154
. "$here/build/apple.sh"

# image NAME ARCH FLAGS...: objects/macho-image-NAME of $objs, which have no debug information
image() {
    name=macho-image-$1 arch=$2
    shift 2
    objs=$(echo *.o)
    apple_link $arch "$out/$name" "$@"
}

# stripped NAME OF FLAGS...: objects/macho-image-NAME is macho-image-OF after llvm-strip
stripped() {
    name=$1 whole=$2
    shift 2
    "$LLVM_STRIP" "$@" -o "$out/macho-image-$name" "$out/macho-image-$whole"
}

imports="$src/macho/libimports.tbd $src/macho/libSystem.tbd"
for arch in arm64 x86_64; do
    # A library: all symbols; without the local ones; function starts and exports; exports only.
    compile "$CLANG" c "scan.c table.c grammar.c" --target=$(apple_target $arch) $apple_c -O2
    image dylib-$arch $arch -dylib
    stripped dylib-$arch-exported dylib-$arch -x
    stripped dylib-$arch-stripped dylib-$arch --strip-all
    image dylib-$arch-no-starts $arch -dylib -no_function_starts
    "$LLVM_STRIP" --strip-all "$out/macho-image-dylib-$arch-no-starts"

    # Executables with stubs, which are bound at once or lazily.
    compile "$CLANG" macho calls.c --target=$(apple_target $arch) $apple_c -O1
    image exec-$arch-chained $arch -fixup_chains $imports
    image exec-$arch-lazy $arch -no_fixup_chains $imports
    image exec-$arch-flat $arch -no_fixup_chains
    stripped exec-$arch-stripped exec-$arch-chained --strip-all
    stripped exec-$arch-bare exec-$arch-lazy --strip-all
    image bundle-$arch $arch -bundle $imports
done

# Objective-C: stubs for selectors, which lld makes of the symbol _objc_msgSend$SELECTOR.
for arch in arm64 x86_64; do
    compile "$CLANG" objc "notes.m" --target=$(apple_target $arch) $apple_objc -O1
    image objc-$arch $arch -dylib
done
stripped objc-arm64-stripped objc-arm64 --strip-all

# C++: symbols only, weak and coalesced ones too.
compile "$CLANGXX" cpp "pool.cc route.cc" --target=$(apple_target arm64) $apple_cxx -O1
image cpp-arm64 arm64 -dylib

# Both instruction sets of ARM: bit 0 of a function's start says Thumb, as N_ARM_THUMB_DEF of its symbol does.
plain='__attribute__((target("arm")))' compact='__attribute__((target("thumb")))'
compile "$CLANG" port "queue.c tally.c modes.c" --target=$(apple_target armv7) $apple_c -O2 \
    "-DPLAIN=$plain" "-DCOMPACT=$compact"
apple_image armv7 "$out/macho-image-armv7"
stripped armv7-stripped armv7 --strip-all

# Bases: __TEXT not at 0, nor at 4 GiB.
compile "$CLANG" macho calls.c --target=$(apple_target x86_64) $apple_c -O1
image base-exec x86_64 -pagezero_size 0x7123457000 $imports
compile "$CLANG" port "queue.c tally.c" --target=$(apple_target arm64) $apple_c -O2
image base-dylib arm64 -dylib
"$PYTHON" "$here/build/macho.py" rebase "$out/macho-image-base-dylib" 0x180a34000

# Odd sections and symbols, with and without the linker's symbol table.
for arch in arm64 x86_64; do
    compile "$CLANG" macho odd_$arch.s --target=$(apple_target $arch) $apple_c
    image odd-$arch $arch -dylib
done
stripped odd-arm64-exported odd-arm64 -x
