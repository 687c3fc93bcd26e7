# PLTs, whose entries are named after what they call, and IFUNC symbols.
# shellcheck shell=sh disable=SC2086,SC2154

flags="-std=gnu11 -O2 -g -gdwarf-5 -fno-stack-protector -ffile-prefix-map=$src=/src"
small="-Wl,-z,max-page-size=4096 -Wl,-z,noseparate-code"
none="-Wl,--build-id=sha1 -nostdlib -nostartfiles"

# plt NAME ARCH "COMPILER FLAGS" LINK_FLAGS...: a library that imports, linked by GNU ld
plt() {
    name=$1 arch=$2 compile_flags=$3
    shift 3
    cc=$(gcc_for $arch)
    compile "$cc" plt calls.c $flags $(abi_flags $arch) -fPIC $compile_flags
    "$cc" $(abi_flags $arch) -shared $none $small "$@" $objs -o "$out/$name"
}

# plt_lld NAME ARCH "COMPILER FLAGS" LINK_FLAGS...: the same by clang and lld
plt_lld() {
    name=$1 arch=$2 compile_flags=$3
    shift 3
    compile "$CLANG" plt calls.c --target=$(clang_target $arch) $flags -fPIC $compile_flags
    "$LLD" -shared --build-id=sha1 -z max-page-size=4096 "$@" $objs -o "$out/$name"
}

for arch in x86_64 i386; do
    plt plt-$arch-lazy.so $arch -fcf-protection=none -Wl,-z,lazy
    plt plt-$arch-now.so $arch -fcf-protection=none -Wl,-z,now
    plt plt-$arch-ibt.so $arch -fcf-protection=full -Wl,-z,lazy,-z,ibtplt
    plt_lld plt-$arch-lld.so $arch -fcf-protection=full -z force-ibt
done
for arch in x32 aarch64 arm riscv64 ppc ppc64 ppc64le s390x; do
    plt plt-$arch-lazy.so $arch "" -Wl,-z,lazy
done
plt plt-aarch64-now.so aarch64 "" -Wl,-z,now
plt plt-aarch64-bti.so aarch64 -mbranch-protection=standard -Wl,-z,force-bti,-z,pac-plt
plt plt-thumb-lazy.so arm -mthumb -Wl,-z,lazy
for arch in aarch64 arm riscv64 ppc64le; do
    plt_lld plt-$arch-lld.so $arch "" -z lazy
done

# Executables: a dynamic one at a fixed address, and a static one with an IFUNC only (.iplt).
compile "$GCC" plt imports.c $flags -fPIC
"$GCC" -shared -nostdlib -Wl,-soname,libimports.so $objs -o "$tmp/libimports.so"
compile "$GCC" plt calls.c $flags -fno-pic -fcf-protection=none
"$GCC" -no-pie $none $small -Wl,-e,call_chosen,--allow-shlib-undefined $objs "$tmp/libimports.so" -o "$out/plt-x86_64-exec"
compile "$GCC" plt "calls.c imports.c" $flags -fno-pic -fcf-protection=none
"$GCC" -static $none $small -Wl,-e,call_chosen $objs -o "$out/plt-x86_64-static"
