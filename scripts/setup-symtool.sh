#!/bin/sh
# Downloads a release of symtool, checks its checksum, and puts it on the PATH of later steps of a
# GitHub workflow: setup-symtool.sh VERSION FOLDER. action.yml calls it.
#
#   SYMTOOL_RELEASES  where releases are: URL/vVERSION/symtool-VERSION-TARGET.tar.gz and SHA256SUMS
#   SYMTOOL_SHA256    the checksum to expect; without it, that of SHA256SUMS
set -eu

version=${1:?usage: setup-symtool.sh VERSION FOLDER}
folder=${2:?usage: setup-symtool.sh VERSION FOLDER}
version=${version#v}

case "$(uname -s)-$(uname -m)" in
Linux-x86_64) target=x86_64-unknown-linux-gnu ;;
Linux-aarch64 | Linux-arm64) target=aarch64-unknown-linux-gnu ;;
*)
    echo "setup-symtool: no release for $(uname -s) on $(uname -m); build it from source" >&2
    exit 1
    ;;
esac

if ! [ -x "$folder/symtool" ]; then
    : "${SYMTOOL_RELEASES:?is not set; it says where releases are}"
    name=symtool-$version-$target.tar.gz
    mkdir -p "$folder"
    draft=$(mktemp -d "$folder/.download-XXXXXX")
    trap 'rm -rf "$draft"' EXIT
    curl -fsSL --retry 3 -o "$draft/$name" "$SYMTOOL_RELEASES/v$version/$name"
    wanted=${SYMTOOL_SHA256:-}
    if [ -z "$wanted" ]; then
        curl -fsSL --retry 3 -o "$draft/SHA256SUMS" "$SYMTOOL_RELEASES/v$version/SHA256SUMS"
        wanted=$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]$name\$/\1/p" "$draft/SHA256SUMS")
    fi
    found=$(sha256sum "$draft/$name" | cut -d ' ' -f 1)
    if [ "$found" != "$wanted" ]; then
        echo "setup-symtool: $name has the checksum $found, not ${wanted:-any in SHA256SUMS}; not used" >&2
        exit 1
    fi
    tar -xzf "$draft/$name" -C "$draft"
    program=$(find "$draft" -type f -name symtool | head -n 1)
    if [ -z "$program" ]; then
        echo "setup-symtool: $name has no program called symtool" >&2
        exit 1
    fi
    chmod +x "$program"
    mv "$program" "$folder/symtool"
fi

if [ -n "${GITHUB_PATH:-}" ]; then
    echo "$folder" >>"$GITHUB_PATH"
fi
"$folder/symtool" --version
