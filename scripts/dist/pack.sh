#!/bin/sh
# Packs a program that is built and tested: sh scripts/dist/pack.sh PROGRAM TARGET FOLDER
# Writes a tarball to FOLDER, for Linux a .deb (glibc), a wheel and an npm package too, and SHA256SUMS.
# Manual pages and completions come from the program itself, or, if it is for another processor, from the
# one named by $SYMTOOL_HOST. Equal inputs and an equal $SOURCE_DATE_EPOCH give equal bytes.
set -eu

[ $# -eq 3 ] || { echo "usage: pack.sh PROGRAM TARGET FOLDER" >&2; exit 2; }
program=$1 target=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
host=${SYMTOOL_HOST:-$program}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
: "${SOURCE_DATE_EPOCH:=$(git -C "$root" log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH

mkdir -p "$out"
out=$(cd "$out" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

# Files of all packages, below the name of the tarball's folder.
name="symtool-$version-$target"
tree="$tmp/$name"
mkdir -p "$tree/man" "$tree/completions"
install -m 755 "$program" "$tree/symtool"
for file in README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE; do
    install -m 644 "$root/$file" "$tree/$file"
done
"$host" man "$tree/man"
for shell in bash fish zsh; do
    "$host" completions "$shell" > "$tree/completions/symtool.$shell"
done
find "$tree" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

tar --create --sort=name --owner=0 --group=0 --numeric-owner --mode=go-w \
    --directory "$tmp" "$name" | gzip -n -9 > "$out/$name.tar.gz"

case $target in
*-linux-gnu) sh "$here/deb.sh" "$tree" "$version" "${target%%-*}" "$out" ;;
esac
case $target in
*-linux-*)
    sh "$here/wheel.sh" "$tree" "$version" "$target" "$out"
    sh "$here/npm.sh" "$tree" "$version" "$target" "$out"
    ;;
esac

cd "$out"
find . -maxdepth 1 -type f ! -name SHA256SUMS | sort | sed 's|^\./||' | xargs sha256sum > SHA256SUMS
echo "packed into $out:" >&2
sed 's/^[0-9a-f]* */  /' SHA256SUMS >&2
