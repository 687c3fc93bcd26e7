#!/bin/sh
# Lists what the program for TARGET is made of: sh scripts/dist/sbom.sh TARGET FOLDER
# Writes a CycloneDX SBOM beside the tarball in FOLDER. It is made by cargo-cyclonedx from Cargo.lock, with the crates that
# build it. Equal commits give equal bytes.
set -eu

[ $# -eq 2 ] || { echo "usage: sbom.sh TARGET FOLDER" >&2; exit 2; }
target=$1 out=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
: "${SOURCE_DATE_EPOCH:=$(git -C "$root" log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH

mkdir -p "$out"
out=$(cd "$out" && pwd)
# It writes beside every manifest, so that the tree is a copy.
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
trap 'exit 130' INT TERM
git -C "$root" archive HEAD | tar --extract --directory "$tree"
cargo cyclonedx --quiet --manifest-path "$tree/cli/Cargo.toml" --target "$target" --format json --spec-version 1.5 \
    --override-filename sbom
# No path of this machine.
name="symtool-$version-$target.cdx.json"
sed "s|$tree|/symtool|g" "$tree/cli/sbom.json" > "$out/$name"
echo "$out/$name" >&2
