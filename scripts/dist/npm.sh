#!/bin/sh
# Packs the files of pack.sh for npm: sh npm.sh TREE VERSION TARGET FOLDER
# One package has the program; the package `symtool` picks the one of the machine that it is installed on.
set -eu

tree=$1 version=$2 target=$3 out=$4
here=$(cd "$(dirname "$0")" && pwd)
case $target in
x86_64-*) cpu=x64 ;;
aarch64-*) cpu=arm64 ;;
*) echo "npm.sh: $target: no package for it" >&2; exit 0 ;;
esac
case $target in
*-linux-gnu) libc=glibc ;;
*-linux-musl) libc=musl ;;
esac
command -v npm > /dev/null || { echo "npm.sh: no npm; no npm package is made" >&2; exit 0; }

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/program/bin" "$tmp/symtool/bin"
install -m 755 "$tree/symtool" "$tmp/program/bin/symtool"
install -m 644 "$tree/LICENSE-MIT" "$tree/LICENSE-APACHE" "$tmp/program"
cat > "$tmp/program/package.json" << EOF
{
  "name": "symtool-linux-$cpu-$libc",
  "version": "$version",
  "description": "The program of the package symtool, for Linux with $libc on $cpu",
  "license": "MIT OR Apache-2.0",
  "os": ["linux"],
  "cpu": ["$cpu"],
  "libc": ["$libc"],
  "files": ["bin/symtool"]
}
EOF
install -m 755 "$here/npm/symtool.js" "$tmp/symtool/bin/symtool.js"
install -m 644 "$tree/README.md" "$tree/LICENSE-MIT" "$tree/LICENSE-APACHE" "$tmp/symtool"
sed "s/@VERSION@/$version/g" "$here/npm/package.json" > "$tmp/symtool/package.json"
for package in program symtool; do
    find "$tmp/$package" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
    (cd "$out" && npm pack --silent "$tmp/$package" > /dev/null)
done
