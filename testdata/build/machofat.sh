# Mach-O: fat files, relocatable objects. Uses debug files of macho.sh and images of machoimg.sh.
# shellcheck shell=sh disable=SC2086,SC2154
. "$here/build/apple.sh"

mkdir -p "$out/macho-fat"
cd "$out"

# fat NAME FILE... FLAGS: objects/macho-fat/NAME of these thin files
fat() {
    name=$1
    shift
    "$LIPO" -create "$@" -output "$out/macho-fat/$name"
}

fat three macho-c-x86_64-O2-dwarf5 macho-c-arm64-O2-dwarf4 macho-port-armv7-O2-dwarf4
fat wide macho-image-cpp-arm64 macho-image-exec-x86_64-chained -fat64
fat one macho-port-i386-O2-dwarf2
fat arm64e macho-c-arm64-O2-dwarf4 macho-port-arm64e-O2-dwarf4
fat x86_64h macho-c-x86_64-O2-dwarf5 macho-port-x86_64h-O2-dwarf3
fat same-uuid macho-objc-arm64-O2-dwarf4 macho-objc-x86_64-O0-dwarf5
"$PYTHON" "$here/build/macho.py" uuid macho-fat/same-uuid 00112233445566778899aabbccddeeff

# src/port for both processors, in $tmp/ARCH.
for arch in arm64 x86_64; do
    compile "$CLANG" port "queue.c tally.c" --target=$(apple_target $arch) $apple_c -O2 -g -gdwarf-4
    rm -rf "${tmp:?}/$arch" && mv "$tmp/o" "$tmp/$arch"
done

# dsymutil makes a fat debug file of a fat image.
for arch in arm64 x86_64; do
    cd "$tmp/$arch"
    objs=$(echo *.o)
    apple_link $arch ../fat.$arch -dylib -oso_prefix "$tmp/"
done
cd "$tmp"
"$LIPO" -create fat.arm64 fat.x86_64 -output fat
"$DSYMUTIL" --flat fat -o "$out/macho-fat/dsym"

# A fat static archive.
for arch in arm64 x86_64; do
    cd "$tmp/$arch"
    for unit in queue tally; do mv $unit.c.o $unit.o; done
    "$LLVM_AR" --format=darwin rcsD ../lib-$arch.a queue.o tally.o
done
cd "$tmp"
"$LIPO" -create lib-arm64.a lib-x86_64.a -output "$out/macho-fat/lib.a"

# Relocatable objects: addresses are those of sections one after the other.
# relocatable NAME DIR UNIT ARCH FLAGS...
relocatable() {
    name=$1 dir=$2 unit=$3 arch=$4
    shift 4
    compile "$CLANG" $dir $unit --target=$(apple_target $arch) "$@"
    cp "$tmp/o/$unit.o" "$out/$name"
}

for arch in arm64 x86_64 armv7 i386; do
    relocatable macho-$arch.o macho parts.c $arch $apple_c -O2 -g -gdwarf-4
done
relocatable macho-arm64-dwarf5.o macho parts.c arm64 $apple_c -O2 -g -gdwarf-5
relocatable macho-x86_64-dwarf5.o macho parts.c x86_64 $apple_c -O0 -g -gdwarf-5
relocatable macho-cpp-x86_64.o cpp route.cc x86_64 $apple_cxx -O2 -g -gdwarf-4
relocatable macho-objc-arm64.o objc notes.m arm64 $apple_objc -O1 -g -gdwarf-5
relocatable macho-asm-x86_64.o macho odd_x86_64.s x86_64 $apple_c -g -gdwarf-4
relocatable macho-asm-arm64.o macho odd_arm64.s arm64 $apple_c -g -gdwarf-5
relocatable macho-symbols-arm64.o macho parts.c arm64 $apple_c -O2
