# What the Mach-O topics share: compiling for Apple's targets, linking with lld, dsymutil.
# shellcheck shell=sh disable=SC2034,SC2086,SC2154

export ZERO_AR_DATE=1 # no times in debug maps and archives

mkdir -p "$tmp/bin"
ln -sf "$(command -v "$LIPO")" "$tmp/bin/lipo" # dsymutil runs it for fat files
PATH=$tmp/bin:$PATH

apple_c="-std=gnu11 -fno-stack-protector -ffile-prefix-map=$src=/src"
apple_cxx="-std=c++17 -fno-rtti -fno-stack-protector -ffile-prefix-map=$src=/src"
apple_objc="-fblocks -fobjc-runtime=macosx $apple_c"

# apple_target ARCH: its name for clang's --target
apple_target() {
    case $1 in
    x86_64h) echo x86_64h-apple-macos11 ;;
    arm64e) echo arm64e-apple-ios14 ;;
    armv7) echo armv7-apple-ios9 ;;
    i386) echo i386-apple-macos10.13 ;;
    arm64_32) echo arm64_32-apple-watchos6 ;;
    armv7k) echo armv7k-apple-watchos6 ;;
    *) echo $1-apple-macos11 ;;
    esac
}

# apple_link ARCH OUT FLAGS...: links $objs, which are in this folder, by lld
apple_link() {
    arch=$1 image=$2
    shift 2
    case $arch in
    arm64_32) platform="watchos 6.0 6.0" ;;
    arm64e) platform="ios 14.0 14.0" ;;
    *) platform="macos 11.0 11.0" ;;
    esac
    "$LD64" -arch $arch -platform_version $platform -undefined dynamic_lookup -oso_prefix "$PWD/" \
        -final_output "${image##*/}" "$@" $objs -o "$image"
    # lld writes the subtype of all ARM64, or all x86-64, processors.
    case $arch in
    arm64e) "$PYTHON" "$here/build/macho.py" subtype "$image" 0x80000002 ;;
    x86_64h) "$PYTHON" "$here/build/macho.py" subtype "$image" 8 ;;
    esac
}

# apple_image ARCH OUT: a library of $objs, for any architecture
apple_image() {
    # -oso_prefix leaves names relative to this folder, where dsymutil runs.
    cd "$tmp/o"
    objs=$(echo *.o)
    case $1 in
    armv7) "$PYTHON" "$here/build/macho.py" link "$2" 9 $objs ;;
    armv7k) "$PYTHON" "$here/build/macho.py" link "$2" 12 $objs ;;
    i386) "$PYTHON" "$here/build/macho.py" link "$2" 3 $objs ;;
    *) apple_link $1 "$2" -dylib ;;
    esac
}

# dsym NAME ARCH: objects/NAME is the bare debug file of $objs linked
dsym() {
    apple_image $2 "$tmp/$1"
    "$DSYMUTIL" --flat "$tmp/$1" -o "$out/$1"
}

# c_dsym, cpp_dsym, objc_dsym NAME ARCH FLAGS...: the sources of src/c, src/cpp, src/objc
c_dsym() {
    name=$1 arch=$2
    shift 2
    compile "$CLANG" c "scan.c table.c grammar.c" --target=$(apple_target $arch) $apple_c -g "$@"
    dsym $name $arch
}

cpp_dsym() {
    name=$1 arch=$2
    shift 2
    compile "$CLANGXX" cpp "pool.cc route.cc" --target=$(apple_target $arch) $apple_cxx -g "$@"
    dsym $name $arch
}

objc_dsym() {
    name=$1 arch=$2
    shift 2
    compile "$CLANG" objc notes.m --target=$(apple_target $arch) $apple_objc -g "$@"
    dsym $name $arch
}

# port_dsym NAME ARCH FLAGS...: src/port; ARM has functions of both instruction sets
port_dsym() {
    name=$1 arch=$2 plain='' compact=''
    shift 2
    case $arch in
    armv7*) plain='__attribute__((target("arm")))' compact='__attribute__((target("thumb")))' ;;
    esac
    compile "$CLANG" port "queue.c tally.c modes.c" --target=$(apple_target $arch) $apple_c -g \
        "-DPLAIN=$plain" "-DCOMPACT=$compact" "$@"
    dsym $name $arch
}
