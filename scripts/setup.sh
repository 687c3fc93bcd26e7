#!/bin/sh
# Makes sure that everything a build needs is there; the other scripts source it. Afterwards the working directory is the
# repository, cargo is in PATH, and CARGO_TARGET_DIR is set. Prints nothing if nothing is missing.
set -eu

say() { echo "setup: $*" >&2; }

# Every script that sources this one lies one folder below the root.
cd "$(dirname "$0")/.."

# Outside the repository: clones share one build of RocksDB, which takes 25 CPU minutes.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/symtool/target}"

# rustup's PATH entry is in the login profile, which CI and cron do not read.
command -v cargo >/dev/null || export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
rust_wanted=$(sed -n 's/^rust-version = "1\.\([0-9]*\).*/\1/p' Cargo.toml)
if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
    say "no Rust toolchain; install Rust 1.$rust_wanted or newer as https://rustup.rs says"
    exit 1
fi
rust_found=$(rustc --version | cut -d. -f2)
if [ "${rust_found:-0}" -lt "$rust_wanted" ]; then
    say "Rust 1.${rust_found:-?} is too old, 1.$rust_wanted is needed; run: rustup update stable"
    exit 1
fi

# RocksDB is C++20; old compilers and ones without the standard library fail here, not minutes later.
have_cxx() {
    echo '#include <bit>' | ${CXX:-c++} -std=c++20 -x c++ -fsyntax-only - 2>/dev/null
}

# bindgen's search, as clang-sys 1.9 does it.
have_libclang() {
    if [ -n "${LIBCLANG_PATH:-}" ]; then
        set -- "$LIBCLANG_PATH" "$LIBCLANG_PATH"/libclang[-.]*
    else
        llvm=$("${LLVM_CONFIG_PATH:-llvm-config}" --prefix 2>/dev/null) || llvm=/usr
        set -- "$llvm"/lib*/libclang[-.]* \
            /usr/lib*/libclang[-.]* /usr/lib*/*/libclang[-.]* /usr/lib*/*/*/libclang[-.]* \
            /usr/local/lib*/libclang[-.]* /usr/local/lib*/*/libclang[-.]* /usr/local/lib*/*/*/libclang[-.]* \
            /usr/local/llvm*/lib*/libclang[-.]* /usr/local/opt/llvm*/lib/libclang[-.]* \
            /Library/Developer/CommandLineTools/usr/lib/libclang.dylib \
            /Applications/Xcode.app/Contents/Developer/Toolchains/XcodeDefault.xctoolchain/usr/lib/libclang.dylib
    fi
    for lib; do
        case $lib in
        */libclang-cpp.*) ;; # another interface
        */libclang*.so | */libclang*.so.* | */libclang.dylib) [ -f "$lib" ] && return ;;
        esac
    done
    return 1
}

# Sets $missing, and $packages as Debian calls them.
look() {
    missing='' packages=''
    have_cxx || missing="$missing, a C++20 compiler" packages="$packages g++"
    have_libclang || missing="$missing, libclang" packages="$packages libclang-dev"
    command -v make >/dev/null || missing="$missing, make" packages="$packages make"
    missing=${missing#, }
}

apt() {
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null
}

look
if [ -n "$missing" ] && command -v apt-get >/dev/null; then
    as_root=''
    [ "$(id -u)" = 0 ] || as_root='sudo -n'
    if $as_root true 2>/dev/null; then
        say "updating apt's package lists"
        apt update
        say "installing$packages"
        # shellcheck disable=SC2086
        apt install -y --no-install-recommends $packages
        look
    fi
fi
if [ -n "$missing" ]; then
    say "missing: $missing; install it with 'apt-get install g++ libclang-dev make' on Debian or Ubuntu," \
        "'dnf install gcc-c++ clang-devel make' on Fedora, 'xcode-select --install' on macOS, then run this again"
    exit 1
fi
