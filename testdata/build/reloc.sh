# ET_REL: relocations of debug sections have to be applied. Linked files that
# kept theirs (--emit-relocs): they must not be.
# shellcheck shell=sh disable=SC2086,SC2154

# relocatable NAME COMPILER DIR UNIT FLAGS...: compiles one unit to objects/NAME
relocatable() {
    name=$1 compiler=$2 dir=$3 unit=$4
    shift 4
    compile "$compiler" "$dir" "$unit" "$@"
    cp "$tmp/o/$unit.o" "$out/$name"
}

# Several text sections, all at address 0: .text, .text.unlikely; one per function; COMDAT groups.
relocatable c-gcc-O2-dwarf5.o "$GCC" c scan.c $c_flags -O2 -g -gdwarf-5
relocatable c-gcc-O2-sections-dwarf5.o "$GCC" c scan.c $c_flags -O2 -g -gdwarf-5 -ffunction-sections
relocatable c-clang-O2-dwarf4.o "$CLANG" c scan.c $c_flags -O2 -g -gdwarf-4
relocatable c-clang-O2-sections-dwarf5.o "$CLANG" c scan.c $c_flags -O2 -g -gdwarf-5 -ffunction-sections
relocatable cpp-gcc-O2-dwarf5.o "$GXX" cpp pool.cc $cxx_flags -O2 -g -gdwarf-5
relocatable c-gcc-O2-symtab.o "$GCC" c scan.c $c_flags -O2 -g0 -ffunction-sections

# One per kind of relocation: REL with the addend in place (i386, arm, mips), RELA, and
# label differences as pairs of relocations (riscv, loongarch).
for arch in i386 x32 arm aarch64 mips ppc ppc64 ppc64le riscv64 s390x; do
    relocatable "port-$arch-gcc.o" "$(gcc_for $arch)" port queue.c $(abi_flags $arch) $port_flags -gdwarf-5
done
for arch in i386 arm aarch64 mips mips64el ppc ppc64 riscv64 riscv32 s390x loongarch64; do
    relocatable "port-$arch-clang.o" "$CLANG" port queue.c --target=$(clang_target $arch) $port_flags -gdwarf-5
done
relocatable port-mips64el-gcc.o "$(gcc_for mips64el)" port queue.c $port_flags -gdwarf-4

# Partial links: several units, several .init.text and .exit.text, relocations of relocations.
compile "$GCC" port "queue.c tally.c module.c" $port_flags -fno-pic -mcmodel=kernel -gdwarf-5
ld -r $objs -o "$out/module-gcc.ko"
compile "$CLANG" port "queue.c tally.c module.c" $port_flags -fno-pic -mcmodel=kernel -gdwarf-4
"$LLD" -r $objs -o "$out/module-clang.ko"

# Left-over relocations. i386 keeps the addend in place: applying them a second time doubles it.
compile "$GCC" c "$c_units" $c_flags -O2 -g -gdwarf-5
shared "$GCC" c-gcc-O2-emitrelocs-dwarf5.so -Wl,--emit-relocs
compile "$GCC" port "queue.c tally.c" $port_flags -m32 -fPIC -gdwarf-5
shared "$GCC" port-i386-emitrelocs.so -m32 -Wl,--emit-relocs
compile "$CLANG" port "queue.c tally.c" --target=$(clang_target arm) $port_flags -fPIC -gdwarf-5
"$LLD" -shared --build-id=sha1 --emit-relocs $objs -o "$out/port-arm-emitrelocs.so"
