# Architectures: src/port/ as a shared library for each, by gcc and GNU ld and by clang and lld.
# shellcheck shell=sh disable=SC2086,SC2154

port_units="queue.c tally.c"
small="-Wl,-z,max-page-size=4096 -Wl,-z,noseparate-code"

# port_gcc NAME ARCH FLAGS...
port_gcc() {
    name=$1 arch=$2
    shift 2
    compile "$(gcc_for $arch)" port "$port_units" $port_flags $(abi_flags $arch) -fPIC "$@"
    "$(gcc_for $arch)" $(abi_flags $arch) -shared $link_flags $small $objs -o "$out/$name"
}

# port_clang NAME ARCH FLAGS...
port_clang() {
    name=$1 arch=$2
    shift 2
    compile "$CLANG" port "$port_units" --target=$(clang_target $arch) $port_flags -fPIC "$@"
    "$LLD" -shared --build-id=sha1 -z max-page-size=4096 $objs -o "$out/$name"
}

for arch in i386 x32 arm aarch64 mips mips64el ppc ppc64 ppc64le riscv64 s390x; do
    port_gcc port-$arch-gcc-dwarf5.so $arch -gdwarf-5
done
for arch in i386 arm aarch64 mips mips64el ppc ppc64le riscv64 s390x; do
    port_clang port-$arch-clang-dwarf4.so $arch -gdwarf-4
done
for arch in aarch64_be riscv32 loongarch64; do
    port_clang port-$arch-clang-dwarf5.so $arch -gdwarf-5
done
# lld has no function descriptors (.opd); gcc's object above does.
port_clang port-ppc64-elfv2-clang-dwarf4.so ppc64 -gdwarf-4 -mabi=elfv2

# Both instruction sets of a processor in one file.
port_units="queue.c tally.c modes.c"
plain='__attribute__((target("arm")))' compact='__attribute__((target("thumb")))'
port_gcc port-thumb-gcc-dwarf5.so arm -gdwarf-5 -mthumb "-DPLAIN=$plain" "-DCOMPACT=$compact"
port_clang port-thumb-clang-dwarf4.so arm -gdwarf-4 "-DPLAIN=$plain" "-DCOMPACT=$compact"
plain='__attribute__((nomicromips))' compact='__attribute__((micromips))'
port_gcc port-micromips-gcc-dwarf5.so mips -gdwarf-5 "-DPLAIN=$plain" "-DCOMPACT=$compact"
plain='__attribute__((nomips16))' compact='__attribute__((mips16))'
port_gcc port-mips16-gcc-dwarf5.so mips -gdwarf-5 -msoft-float "-DPLAIN=$plain" "-DCOMPACT=$compact"
