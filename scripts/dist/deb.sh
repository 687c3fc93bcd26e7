#!/bin/sh
# Packs the files of pack.sh as a Debian package: sh deb.sh TREE VERSION PROCESSOR FOLDER
# dpkg-deb packs the program that was tested; nothing is compiled again.
set -eu

tree=$1 version=$2 processor=$3 out=$4
here=$(cd "$(dirname "$0")" && pwd)
case $processor in
x86_64) arch=amd64 ;;
aarch64) arch=arm64 ;;
*) echo "deb.sh: $processor: unknown to Debian" >&2; exit 1 ;;
esac
command -v dpkg-deb > /dev/null || { echo "deb.sh: no dpkg-deb; no .deb is made" >&2; exit 0; }

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
share="$tmp/usr/share"
mkdir -p "$tmp/DEBIAN" "$tmp/usr/bin" "$tmp/lib/systemd/system" "$share/doc/symtool" "$share/man/man1" \
    "$share/bash-completion/completions" "$share/fish/vendor_completions.d" "$share/zsh/vendor-completions"
install -m 755 "$tree/symtool" "$tmp/usr/bin/symtool"
install -m 644 "$here"/systemd/* "$tmp/lib/systemd/system"
install -m 644 "$tree/README.md" "$tree/CHANGELOG.md" "$share/doc/symtool"
cat "$tree/LICENSE-MIT" "$tree/LICENSE-APACHE" > "$share/doc/symtool/copyright"
for page in "$tree"/man/*.1; do
    gzip -n -9 < "$page" > "$share/man/man1/${page##*/}.gz"
done
install -m 644 "$tree/completions/symtool.bash" "$share/bash-completion/completions/symtool"
install -m 644 "$tree/completions/symtool.fish" "$share/fish/vendor_completions.d/symtool.fish"
install -m 644 "$tree/completions/symtool.zsh" "$share/zsh/vendor-completions/_symtool"
cat > "$tmp/DEBIAN/control" << EOF
Package: symtool
Version: $version
Architecture: $arch
Maintainer: The symtool developers <symtool@localhost>
Section: devel
Priority: optional
Depends: libc6 (>= 2.28), libgcc-s1
Installed-Size: $(du -sk "$tmp/usr" | cut -f 1)
Description: resolve addresses and regroup crashes from a store of symbols
 Imports debug files once into a small store, resolves addresses from it as
 llvm-symbolizer does, stores crash reports, and regroups them when symbols
 arrive late. symtool.timer reprocesses every night; it is off until enabled.
EOF
chmod -R go-w "$tmp"
chmod 755 "$tmp"
find "$tmp" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz --build "$tmp" "$out/symtool_${version}_$arch.deb" > /dev/null
