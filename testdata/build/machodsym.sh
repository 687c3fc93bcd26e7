# Mach-O: dSYM bundles, and debug files whose names a bcsymbolmap has.
# shellcheck shell=sh disable=SC2086,SC2154
. "$here/build/apple.sh"

# bundle NAME FILE...: objects/NAME.dSYM has these debug files of objects/
bundle() {
    name=$1
    shift
    mkdir -p "$out/$name.dSYM/Contents/Resources/DWARF"
    for file in "$@"; do cp "$out/$file" "$out/$name.dSYM/Contents/Resources/DWARF"; done
}

# info NAME IDENTIFIER UUID: writes its Info.plist
info() {
    cat >"$out/$1.dSYM/Contents/Info.plist" <<END
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>CFBundleIdentifier</key>
	<string>com.apple.xcode.dsym.$2</string>
	<key>CFBundleName</key>
	<string>$2</string>
	<key>CFBundlePackageType</key>
	<string>dSYM</string>
	<key>UUID</key>
	<string>$3</string>
</dict>
</plist>
END
}

# junk FOLDER NAME: the AppleDouble file that archivers leave beside FOLDER/NAME
junk() {
    printf '\000\005\026\007\000\002\000\000Mac OS X        \000\002\000\000\000\011\000\000\000\062\000\000\000\040\000\000\000\002\000\000\000\122\000\000\000\000' >"$1/._$2"
    head -c 32 /dev/zero >>"$1/._$2"
}

# uuid_of FILE: its UUID
uuid_of() { "$PYTHON" "$here/build/macho.py" print-uuid "$1"; }

# Two files in one bundle, junk beside them.
bundle macho-two macho-objc-arm64-O2-dwarf4 macho-port-i386-O2-dwarf2
info macho-two two "$(uuid_of "$out/macho-objc-arm64-O2-dwarf4")"
junk "$out/macho-two.dSYM/Contents/Resources/DWARF" macho-objc-arm64-O2-dwarf4
junk "$out/macho-two.dSYM/Contents" Info.plist
junk "$out/macho-two.dSYM" Contents
# Another identifier, another UUID.
bundle macho-lies macho-port-arm64_32-O2-dwarf4
info macho-lies somebody.else 00000000-1111-2222-3333-444444444444
bundle macho-no-info macho-port-armv7k-O2-dwarf5
bundle macho-empty
info macho-empty empty 00000000-1111-2222-3333-555555555555

# As dsymutil makes it, and the image it belongs to beside it.
compile "$CLANG" port "queue.c tally.c" --target=$(apple_target arm64) $apple_c -O2 -g -gdwarf-4
mkdir -p "$out/macho-beside"
objs=$(echo ./*.o)
apple_link arm64 app -dylib
"$DSYMUTIL" app -o app.dSYM
"$LLVM_STRIP" --strip-all app -o "$out/macho-beside/app"
cp -r app.dSYM "$out/macho-beside"

# hidden CLEAR DIR "UNITS" ARCH FLAGS...: $tmp/o/hidden.dSYM has hidden names, $tmp/map says which;
# objects/CLEAR is the debug file of the same code with its names
hidden() {
    clear=$1 dir=$2 units=$3 arch=$4
    shift 4
    rm -rf "$tmp/ll" "$tmp/map" && mkdir "$tmp/ll"
    cd "$src/$dir"
    for unit in $units; do
        "$CLANGXX" --target=$(apple_target $arch) "$@" -g -S -emit-llvm $unit -o "$tmp/ll/$unit.ll"
    done
    for kind in clear hidden; do
        rm -rf "$tmp/o" && mkdir "$tmp/o"
        cd "$tmp/o"
        for unit in $units; do
            [ $kind = clear ] || "$PYTHON" "$here/build/macho.py" hide "$tmp/ll/$unit.ll" "$tmp/map"
            "$CLANG" --target=$(apple_target $arch) -O1 -c "$tmp/ll/$unit.ll" -o $unit.o
        done
        objs=$(echo ./*.o)
        apple_link $arch hidden -dylib
        [ $kind = hidden ] || "$DSYMUTIL" --flat hidden -o "$out/$clear"
    done
    "$DSYMUTIL" hidden -o hidden.dSYM
}

# C++: the map has the debug file's own UUID.
hidden macho-symbolmap-clear cpp "pool.cc route.cc" arm64 $apple_cxx -O2 -gdwarf-4
mkdir -p "$out/macho-symbolmap/BCSymbolMaps"
cp hidden.dSYM/Contents/Resources/DWARF/hidden "$out/macho-symbolmap"
cp "$tmp/map" "$out/macho-symbolmap/BCSymbolMaps/$(uuid_of hidden).bcsymbolmap"

# Objective-C: UUID.plist in the bundle says what UUID the map has.
hidden macho-symbolmap-plist-clear objc notes.m x86_64 -x objective-c $apple_objc -O1 -gdwarf-5
original=2D10C42F-591D-3265-B147-78BA0868073F
cat >"hidden.dSYM/Contents/Resources/$(uuid_of hidden).plist" <<END
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>DBGArchitecture</key>
	<string>x86_64</string>
	<key>DBGBuildSourcePath</key>
	<string>/src/objc</string>
	<key>DBGOriginalUUID</key>
	<string>$original</string>
</dict>
</plist>
END
mkdir -p "$out/macho-symbolmap-plist/BCSymbolMaps"
cp -r hidden.dSYM "$out/macho-symbolmap-plist"
cp "$tmp/map" "$out/macho-symbolmap-plist/BCSymbolMaps/$original.bcsymbolmap"
