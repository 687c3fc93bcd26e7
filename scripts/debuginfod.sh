#!/bin/sh
# debuginfod.sh: fetches from a real debuginfod (elfutils) on this machine, over fixtures: missing --fetch and
# llvm-symbolizer --debuginfod. Installs the server on Debian and Ubuntu if it is missing. SYMTOOL names a program that is
# built already.
set -eu
. "$(dirname "$0")/setup.sh"

if ! command -v debuginfod >/dev/null; then
    if ! command -v apt-get >/dev/null; then
        echo "debuginfod: not installed; nothing is checked. Install elfutils-debuginfod, or what it is called here" >&2
        exit 0
    fi
    as_root=''
    [ "$(id -u)" = 0 ] || as_root='sudo -n'
    say "installing debuginfod"
    apt update
    apt install -y --no-install-recommends debuginfod
fi
symtool=${SYMTOOL:-}
if [ -z "$symtool" ]; then
    cargo build --release --workspace --bins
    symtool="$CARGO_TARGET_DIR/release/symtool"
fi

work=$(mktemp -d)
server=''
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
unset DEBUGINFOD_URLS HTTP_PROXY http_proxy ALL_PROXY all_proxy SYMTOOL_CONFIG SYMTOOL_STORE
export HOME="$work" XDG_CACHE_HOME="$work/cache" XDG_CONFIG_HOME="$work/config"

fail() {
    echo "debuginfod: $*" >&2
    cat "$work/server.log" >&2
    exit 1
}

# What is served: an image without debug data, its debug file, and files that are both.
mkdir "$work/served" "$work/config" "$work/config/symtool"
cp testdata/objects/link-stripped/lib.so "$work/served/lib.so"
cp testdata/objects/link-stripped/lib.so.debug "$work/served/lib.so.debug"
cp testdata/objects/c-gcc-O2-dwarf4.so testdata/objects/cpp-clang-O2-dwarf5.so "$work/served/"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
debuginfod -p "$port" -d "$work/index.sqlite" -F "$work/served" >"$work/server.log" 2>&1 &
server=$!
url="http://127.0.0.1:$port"
build_id() { readelf -n "$1" | sed -n 's/.*Build ID: //p'; }

# It answers before it has read the folder.
ready=''
for _ in $(seq 600); do
    if python3 - "$url/buildid/$(build_id "$work/served/lib.so")/debuginfo" <<'PYTHON' 2>/dev/null; then
import sys, urllib.request
urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1]).read(4)
PYTHON
        ready=yes
        break
    fi
    kill -0 "$server" 2>/dev/null || fail "the server does not run"
    sleep 0.1
done
[ -n "$ready" ] || fail "the server has not read the folder"

# A crash in each file, and one in a file that it has not.
crash() { # NUMBER NAME ID
    printf '{"event_id":"%032x","timestamp":1700000000,"platform":"native","exception":{"values":[{"type":"SIGSEGV","stacktrace":{"frames":[{"instruction_addr":"0x7f0000001147"}]}}]},"debug_meta":{"images":[{"type":"elf","code_file":"/app/%s","code_id":"%s","image_addr":"0x7f0000000000","image_size":1048576}]}}\n' "$1" "$2" "$3"
}
number=0
for file in "$work/served/lib.so" "$work"/served/c*.so; do
    number=$((number + 1))
    crash $number "$(basename "$file")" "$(build_id "$file")"
done >"$work/crashes.ndjson"
crash 9 nowhere.so 00112233445566778899aabbccddeeff00112233 >>"$work/crashes.ndjson"
printf '[[source]]\ntype = "debuginfod"\nurl = "%s"\n' "$url" >"$work/config/symtool/symtool.toml"
export SYMTOOL_STORE="$work/store"
"$symtool" -q crash add "$work/crashes.ndjson"
"$symtool" missing --fetch >"$work/fetched" 2>"$work/told" || fail "$(cat "$work/told")"
[ "$(grep -c 'debug file from' "$work/fetched")" = 3 ] || fail "not all came: $(cat "$work/fetched" "$work/told")"
grep -q '^nowhere.so .*: not found$' "$work/fetched" || fail "nowhere.so: $(cat "$work/fetched")"
"$symtool" -q reprocess
[ "$("$symtool" missing | wc -l)" = 1 ] || fail "still missing: $("$symtool" missing)"

# The tools find the same debug file by its build-id, and share the folder that it is kept in.
export DEBUGINFOD_URLS="$url" DEBUGINFOD_CACHE_PATH="$work/llvm"
mkdir "$work/alone"
cp "$work/served/lib.so" "$work/alone/"
ask() { "$@" --debuginfod --obj="$work/alone/lib.so" 0x10d4 0x1274 0x1664; }
ask "$symtool" --store "$work/other" llvm-symbolizer >"$work/ours"
grep -q '\.c:[1-9]' "$work/ours" || fail "no lines: $(cat "$work/ours")"
[ "$(ls "$work/llvm" | grep -c '^llvmcache-')" = 1 ] || fail "not kept: $(ls "$work/llvm")"
if command -v llvm-symbolizer-19 >/dev/null; then
    ask llvm-symbolizer-19 >"$work/real"
    cmp -s "$work/real" "$work/ours" || fail "llvm-symbolizer says otherwise: $(diff "$work/real" "$work/ours")"
fi
echo "debuginfod: 3 modules fetched, 1 not found; --debuginfod answers"
