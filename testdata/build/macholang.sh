# Mach-O: Rust, Zig, Go. Go's debug information is in the image itself.
# shellcheck shell=sh disable=SC2086,SC2154
. "$here/build/apple.sh"

# rust NAME TARGET ARCH OPT DWARF
rust() {
    rm -rf "$tmp/o" && mkdir "$tmp/o"
    cd "$src/rust"
    "$RUSTC" --edition 2021 --crate-type cdylib --crate-name heap --emit obj --target $2 -C panic=abort \
        -C opt-level=$4 -C debuginfo=2 -C dwarf-version=$5 -C codegen-units=1 \
        --remap-path-prefix "$src=/src" heap.rs -o "$tmp/o/heap.o"
    dsym $1 $3
}

rust macho-rust-arm64-O2-dwarf4 aarch64-apple-darwin arm64 2 4
rust macho-rust-x86_64-O0-dwarf5 x86_64-apple-darwin x86_64 0 5

# zig and go record where they compile and cannot be told otherwise.
fixed=/tmp/src
mkdir "$fixed" || { echo "$fixed is in the way; remove it" >&2 && exit 1; }
trap 'rm -rf "$fixed"' EXIT

# zig NAME TARGET ARCH MODE
zig() {
    rm -rf "$tmp/o" && mkdir "$tmp/o"
    cd "$fixed/zig"
    ZIG_GLOBAL_CACHE_DIR=$fixed/cache ZIG_LOCAL_CACHE_DIR=$fixed/cache \
        "$PYTHON" -m ziglang build-obj -target $2 -O $4 -fno-strip -fno-ubsan-rt -fno-compiler-rt \
        --zig-lib-dir "$fixed/lib" --name stack -femit-bin="$tmp/o/stack.o" stack.zig
    dsym $1 $3
}

cp -r "$src/zig" "$fixed/zig"
cp -r "$("$PYTHON" -c 'import ziglang, os; print(os.path.dirname(ziglang.__file__))')/lib" "$fixed/lib"
zig macho-zig-arm64-ReleaseFast aarch64-macos.11.0 arm64 ReleaseFast
zig macho-zig-x86_64-Debug x86_64-macos.11.0 x86_64 Debug

# The same program with plain and with compressed DWARF (__zdebug_*).
mkdir -p "$out/macho-go" "$out/go-stripped"
cp -r "$src/go" "$fixed/go"
cd "$fixed/go"
for packed in false true; do
    CGO_ENABLED=0 GOFLAGS= GOCACHE=$tmp/go-cache GOOS=darwin GOARCH=arm64 \
        "$GO" build -trimpath -buildvcs=false -ldflags=-compressdwarf=$packed -o shapes .
    case $packed in true) name=packed ;; *) name=shapes ;; esac
    zstd -q -19 -f --no-progress shapes -o "$out/macho-go/$name.zst"
    case $packed in true) continue ;; esac
    llvm-strip-19 -S -x shapes -o "$tmp/go-stripped"
    zstd -q -19 -f --no-progress "$tmp/go-stripped" -o "$out/go-stripped/macho.zst"
done
