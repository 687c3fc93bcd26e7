#!/bin/sh
# Makes pages of fixtures and looks at them with Chromium, headless: nothing is loaded, nothing is
# wider than the window at 390, 768 and 1100 pixels, no id stands twice. Keeps a screenshot of each
# width in the folder that is named, if one is.
set -eu
. "$(dirname "$0")/setup.sh"

browser=
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then browser=$name && break; fi
done
if [ -z "$browser" ]; then
    echo "page: skipped, as there is no Chromium (on Debian: apt-get install chromium)"
    exit 0
fi
if ! command -v python3 >/dev/null; then
    echo "page: skipped, as there is no python3"
    exit 0
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

cargo build --release --workspace --bin symtool
symtool() { "$CARGO_TARGET_DIR/release/symtool" -q --store "$tmp/store" "$@"; }

symtool import testdata/objects/cpp-gcc-O2-dwarf5.so
# Some of these cannot be read, as they are no crashes.
symtool crash add testdata/demo/reports testdata/crashes 2>"$tmp/failed" || true
symtool import testdata/objects/cpp-clang-O2-dwarf5.so
symtool reprocess
symtool report -o "$tmp/groups.html"
crash=$(symtool crash list --json | sed -n 's/.*"id":"\(c[0-9a-f]*\)".*"format":"sanitizer".*/\1/p' | head -n 1)
symtool report --crash "$crash" -o "$tmp/crash.html"
python3 scripts/page.py "$browser" "$tmp" ${1:+"$1"}
