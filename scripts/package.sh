#!/bin/sh
# Lists the files that each crate would be published with.
set -eu
. "$(dirname "$0")/setup.sh"

for crate in symtool-formats symtool-core symtool; do
    echo "$crate:"
    cargo package --list --allow-dirty -p "$crate" | sed 's/^/    /'
done
