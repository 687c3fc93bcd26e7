#!/bin/sh
# Tries packages of pack.sh as a new user would: sh scripts/dist/try.sh FOLDER [SUITE]
# In a bare Debian of that suite (bookworm unless named) the tarball is unpacked and the .deb installed; the wheel
# goes into a bare virtual environment, the npm packages into an empty folder, and a static program into an
# empty root. Each has to resolve an address of a fixture. Needs root, debootstrap, python3 and npm.
set -eu

[ $# -ge 1 ] || { echo "usage: try.sh FOLDER [SUITE]" >&2; exit 2; }
packages=$(cd "$1" && pwd)
suite=${2:-bookworm}
root=$(cd "$(dirname "$0")/../.." && pwd)
fixture=cpp-gcc-O2-dwarf5.so
# What llvm-symbolizer says of the first frame.
wanted='weigh<unsigned int> at /src/cpp/pool.cc:25:37'

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
tried=0

# A command that runs symtool has to import the fixture at a path, and resolve an address of it.
try() {
    what=$1 path=$2
    shift 2
    "$@" --store "$store" import -q "$path"
    answer=$("$@" --store "$store" resolve --module "$fixture" 0x1146 | head -n 1)
    [ "$answer" = "0x1146: $wanted" ] || { echo "try: $what: $answer" >&2; exit 1; }
    echo "try: $what works: $("$@" --version)"
    tried=$((tried + 1))
}

for tarball in "$packages"/symtool-*-"$(uname -m)"-unknown-linux-gnu.tar.gz; do
    [ -f "$tarball" ] || continue
    debian="$tmp/debian"
    debootstrap --variant=minbase "$suite" "$debian" > "$tmp/log" || { cat "$tmp/log" >&2; exit 1; }
    cp "$root/testdata/objects/$fixture" "$debian/root"
    tar --extract --file "$tarball" --directory "$debian/opt"
    name=${tarball##*/}
    store=/root/store
    try "the tarball in Debian $suite" "/root/$fixture" \
        chroot "$debian" "/opt/${name%.tar.gz}/symtool"
    for deb in "$packages"/symtool_*_"$(dpkg --print-architecture)".deb; do
        cp "$deb" "$debian/root"
        chroot "$debian" dpkg --install "/root/${deb##*/}" > "$tmp/log" || { cat "$tmp/log" >&2; exit 1; }
        store=/root/store-deb
        try "the .deb in Debian $suite" "/root/$fixture" chroot "$debian" symtool
    done
done

for wheel in "$packages"/symtool-*-manylinux*"$(uname -m)".whl; do
    [ -f "$wheel" ] || continue
    python3 -m venv "$tmp/venv"
    "$tmp/venv/bin/pip" install --quiet --no-index "$wheel"
    store="$tmp/store-wheel"
    try "the wheel" "$root/testdata/objects/$fixture" "$tmp/venv/bin/symtool"
done

for program in "$packages"/symtool-linux-*-glibc-*.tgz; do
    [ -f "$program" ] || continue
    mkdir "$tmp/npm"
    version=${program##*-glibc-}
    (cd "$tmp/npm" && npm install --silent --offline --no-save "$program" "$packages/symtool-$version")
    store="$tmp/store-npm"
    try "the npm package" "$root/testdata/objects/$fixture" "$tmp/npm/node_modules/.bin/symtool"
done

for tarball in "$packages"/symtool-*-"$(uname -m)"-unknown-linux-musl.tar.gz; do
    [ -f "$tarball" ] || continue
    mkdir "$tmp/empty"
    tar --extract --file "$tarball" --directory "$tmp/empty" --strip-components 1
    cp "$root/testdata/objects/$fixture" "$tmp/empty"
    store=/store
    try "the static program in an empty root" "/$fixture" chroot "$tmp/empty" /symtool
done

[ "$tried" -gt 0 ] || { echo "try: no packages for this machine in $packages" >&2; exit 1; }
