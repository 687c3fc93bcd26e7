# Images of Windows with their PDBs, and one with DWARF as MinGW makes it, into windows/. Without an SDK: nothing is linked but
# one unit. Only in /srv/src the committed bytes come out: lld writes the object's path into the PDB, and its id is a hash.
# shellcheck shell=sh disable=SC2154

windows=$here/windows
mkdir -p "$windows"
cd "$src/windows"
win_flags="-std=c++17 -O2 -fno-exceptions -fno-rtti -fno-stack-protector -mno-stack-arg-probe -ffreestanding"
win_flags="$win_flags -fasynchronous-unwind-tables -ffile-prefix-map=$PWD=/src -ffile-compilation-dir=/src"

# windows_link OBJECT MACHINE ENTRY NAME FLAGS...
windows_link() {
    unit=$1 machine=$2 entry=$3 name=$4
    shift 4
    lld-link-19 /nologo /dll /debug /nodefaultlib "/entry:$entry" "/machine:$machine" /opt:ref,icf /brepro \
        /pdbaltpath:%_PDB% /pdbsourcepath:/src "$@" "$unit.obj" "/out:$name.dll" "/pdb:$name.pdb"
    mv "$name.dll" "$name.pdb" "$windows"
}

# windows_build NAME TARGET MACHINE ENTRY FLAGS...
windows_build() {
    name=$1 target=$2 machine=$3 entry=$4
    shift 4
    "$CLANG" "--target=$target" $win_flags -g -gcodeview -gcolumn-info "$@" -c lib.cc -o "$name.obj"
    windows_link "$name" "$machine" "$entry" "$name"
}

windows_build shop64 x86_64-pc-windows-msvc x64 entry
windows_build shoparm64 aarch64-pc-windows-msvc arm64 entry
windows_build shoparm thumbv7-pc-windows-msvc arm entry
windows_build shop86 i686-pc-windows-msvc x86 entry@12 -fomit-frame-pointer
windows_build shop86fp i686-pc-windows-msvc x86 entry@12 -fno-omit-frame-pointer
windows_link shop64 x64 entry shop64-8k /pdbpagesize:8192
# Large pages, as those of Chrome and Electron have.
windows_link shop64 x64 entry shop64-16k /pdbpagesize:16384
windows_link shop64 x64 entry shop64-32k /pdbpagesize:32768
rm "$windows/shop64-8k.dll" "$windows/shop64-32k.dll"
"$PYTHON" "$here/build/sepcode.py" "$windows/shop64.pdb" "$windows/shop64-sepcode.pdb"
"$CLANG" --target=x86_64-w64-windows-gnu $win_flags -fdeclspec -D__forceinline=inline -gdwarf-4 -c lib.cc -o mingw64.o
"$LLD" -m i386pep --shared -e entry --no-insert-timestamp mingw64.o -o "$windows/mingw64.dll"
rm -f -- *.obj *.o

# Frames of all kinds, without debug data but for frame data.
# windows_frames NAME TARGET MACHINE ENTRY FLAGS...
windows_frames() {
    name=$1 target=$2 machine=$3 entry=$4
    shift 4
    "$CLANG" "--target=$target" $win_flags -gcodeview -gline-tables-only "$@" -c frames.cc -o "$name.obj"
    windows_link "$name" "$machine" "$entry" "$name"
}
windows_frames frames64 x86_64-pc-windows-msvc x64 entry
windows_frames frames64fp x86_64-pc-windows-msvc x64 entry -fno-omit-frame-pointer
windows_frames framesarm64 aarch64-pc-windows-msvc arm64 entry
windows_frames framesarm64pac aarch64-pc-windows-msvc arm64 entry -mbranch-protection=pac-ret -Oz
windows_frames framesarm thumbv7-pc-windows-msvc arm entry -fomit-frame-pointer
windows_frames framesarmfp thumbv7-pc-windows-msvc arm entry -fno-omit-frame-pointer
windows_frames frames86 i686-pc-windows-msvc x86 entry@12 -fomit-frame-pointer
windows_frames frames86fp i686-pc-windows-msvc x86 entry@12 -fno-omit-frame-pointer
windows_frames frames86os i686-pc-windows-msvc x86 entry@12 -fomit-frame-pointer -Os
# What is not of 32 bits has all of it in the image.
rm -f -- *.obj "$windows"/frames64*.pdb "$windows"/framesarm*.pdb
