#!/bin/sh
# Packs the files of pack.sh as a wheel, so that `pip install` brings the program: sh wheel.sh TREE VERSION TARGET FOLDER
# Needs the package `wheel` of Python, which writes the list of files.
set -eu

tree=$1 version=$2 target=$3 out=$4
case $target in
*-linux-gnu) tag="py3-none-manylinux_2_28_${target%%-*}" ;;
*-linux-musl) tag="py3-none-musllinux_1_2_${target%%-*}" ;;
*) echo "wheel.sh: $target: no tag is known" >&2; exit 1 ;;
esac
python3 -c 'import wheel' 2> /dev/null || { echo "wheel.sh: no package wheel; no wheel is made" >&2; exit 0; }

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/symtool-$version.data/scripts" "$tmp/symtool-$version.dist-info/licenses"
install -m 755 "$tree/symtool" "$tmp/symtool-$version.data/scripts/symtool"
install -m 644 "$tree/LICENSE-MIT" "$tree/LICENSE-APACHE" "$tmp/symtool-$version.dist-info/licenses"
cat > "$tmp/symtool-$version.dist-info/WHEEL" << EOF
Wheel-Version: 1.0
Generator: symtool
Root-Is-Purelib: false
Tag: $tag
EOF
{
    cat << EOF
Metadata-Version: 2.4
Name: symtool
Version: $version
Summary: Resolves addresses and regroups crashes from a store of symbols
License-Expression: MIT OR Apache-2.0
License-File: LICENSE-MIT
License-File: LICENSE-APACHE
Requires-Python: >=3.7
Description-Content-Type: text/markdown

EOF
    cat "$tree/README.md"
} > "$tmp/symtool-$version.dist-info/METADATA"
python3 -m wheel pack "$tmp" --dest-dir "$out" > /dev/null
