# Mach-O: images whose debug information stayed in the object files; the debug map says where.
# NAME-dsym is the debug file that dsymutil makes of objects/NAME/app and what is beside it.
# shellcheck shell=sh disable=SC2086,SC2154
. "$here/build/apple.sh"

# map_objects ARCH FLAGS...: main.o, pool.o, route.o, odd.o without debug information, and libtwo.a in $tmp/o
map_objects() {
    arch=$1
    shift
    rm -rf "$tmp/all" && mkdir "$tmp/all"
    target=--target=$(apple_target $arch)
    compile "$CLANG" macho main.c $target $apple_c -O1 -g "$@"
    mv main.c.o "$tmp/all/main.o"
    compile "$CLANGXX" cpp "pool.cc route.cc" $target $apple_cxx -O0 -g "$@"
    for unit in pool route; do mv $unit.cc.o "$tmp/all/$unit.o"; done
    compile "$CLANG" macho odd_$arch.s $target $apple_c
    mv odd_$arch.s.o "$tmp/all/odd.o"
    compile "$CLANG" port "queue.c tally.c" $target $apple_c -O2 -g "$@"
    mv queue.c.o one.o && mv tally.c.o two.o
    "$LLVM_AR" --format=darwin rcs$ar_time libtwo.a two.o
    mv one.o libtwo.a "$tmp/all"
    cd "$tmp/o" && rm -rf ./* && mv "$tmp/all"/* .
}
ar_time=D

# folder NAME SUBFOLDER FILE...: objects/NAME has the image app, and these files in SUBFOLDER
folder() {
    name=$1 sub=$2
    shift 2
    mkdir -p "$out/$name/$sub"
    mv app "$out/$name"
    cp "$@" "$out/$name/$sub"
    cd "$out/$name"
    "$DSYMUTIL" --flat app -o "../$name-dsym"
    cd "$tmp/o"
}

# Object files beside the image. Coalesced functions of pool.o and route.o, inlined ones of a header.
files="main.o one.o pool.o route.o libtwo.a"
map_objects arm64 -gdwarf-5
objs="main.o one.o pool.o route.o odd.o libtwo.a"
apple_link arm64 app
folder macho-map-arm64 . $files

# Object files in a folder; functions that the linker removed.
map_objects x86_64 -gdwarf-4
mkdir map && mv ./*.o ./*.a map
objs="map/main.o map/one.o map/pool.o map/route.o map/odd.o map/libtwo.a"
link_x86_64() { apple_link x86_64 app -dead_strip -u _pool_run -u _route_cost; }
link_x86_64
folder macho-map-x86_64 map map/main.o map/one.o map/pool.o map/route.o map/libtwo.a
# pool.o is missing, and libtwo.a with all its members.
link_x86_64
folder macho-map-missing map map/main.o map/one.o map/route.o
# The debug map gives another time for each object than an archive says; plain files have the time of the checkout.
link_x86_64
"$PYTHON" "$here/build/macho.py" time app 0x12345678
folder macho-map-stale map map/main.o map/one.o map/pool.o map/route.o map/libtwo.a

# A 32-bit image, each function with N_BNSYM and N_ENSYM; ARM and Thumb.
plain='__attribute__((target("arm")))' compact='__attribute__((target("thumb")))'
compile "$CLANG" port "queue.c tally.c modes.c" --target=$(apple_target armv7) $apple_c -O2 -g -gdwarf-4 \
    "-DPLAIN=$plain" "-DCOMPACT=$compact"
apple_image armv7 app
folder macho-map-armv7 . $objs

# A fat image of fat object files and a fat archive: each slice has the same debug map but for the addresses.
for arch in arm64 x86_64; do
    map_objects $arch -gdwarf-4
    rm -rf "${tmp:?}/$arch" && mkdir "$tmp/$arch" && mv main.o one.o libtwo.a "$tmp/$arch"
    cd "$tmp/$arch"
    objs="main.o one.o libtwo.a"
    apple_link $arch app
done
cd "$tmp/o" && rm -rf ./*
for file in app main.o one.o libtwo.a; do
    "$LIPO" -create "$tmp/arm64/$file" "$tmp/x86_64/$file" -output $file
done
folder macho-map-fat . main.o one.o libtwo.a
mkdir -p "$out/macho-fat" && mv "$out/macho-map-fat-dsym" "$out/macho-fat/map-dsym"

# Two members of one name in an archive: their times tell them apart.
compile "$CLANG" port "queue.c tally.c" --target=$(apple_target arm64) $apple_c -O1 -g
for unit in queue tally; do
    mv $unit.c.o two.o
    "$LLVM_AR" --format=darwin qcSD libtwo.a two.o
done
rm two.o
"$LLVM_AR" sD libtwo.a
"$PYTHON" "$here/build/macho.py" time libtwo.a 1000000001 1000000002
(cd "$src/macho" && "$CLANG" --target=$(apple_target arm64) $apple_c -O1 -g -c main.c -o "$tmp/o/main.o")
objs="main.o libtwo.a"
apple_link arm64 app
"$PYTHON" "$here/build/macho.py" time app 0 1000000001 1000000002
folder macho-map-twins . main.o libtwo.a
