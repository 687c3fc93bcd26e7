#!/bin/sh
# Packs the program that the tests have tried, twice: both packs have to be the same bytes, and the program in the
# tarball has to run. Packages for a release are built by dist.sh.
set -eu
. "$(dirname "$0")/setup.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
strip -o "$tmp/symtool" "$CARGO_TARGET_DIR/release/symtool"
target="$(uname -m)-unknown-linux-gnu"
for pack in first second; do
    sh scripts/dist/pack.sh "$tmp/symtool" "$target" "$tmp/$pack" 2> "$tmp/log" || { cat "$tmp/log" >&2; exit 1; }
done
cmp "$tmp/first/SHA256SUMS" "$tmp/second/SHA256SUMS"
(cd "$tmp/first" && sha256sum --check --quiet SHA256SUMS)
tar --extract --file "$tmp/first"/symtool-*.tar.gz --directory "$tmp"
[ "$("$tmp"/symtool-*/symtool --version)" = "$("$tmp/symtool" --version)" ]
[ -s "$tmp"/symtool-*/man/symtool.1 ]
echo "dist-check: $(wc -l < "$tmp/first/SHA256SUMS") packages, the same bytes twice"
