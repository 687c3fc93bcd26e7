#!/bin/sh
# Groups generated crashes twice, before and after the late debug files come, and
# says how well. Arguments go to the generator; SYMTOOL and BENCHES name other
# programs than those built here, CRASHES an earlier output of the generator.
set -eu
. "$(dirname "$0")/setup.sh"

if [ -z "${SYMTOOL:-}" ] || [ -z "${BENCHES:-}" ]; then
    cargo build --release --workspace --bins
fi
symtool=${SYMTOOL:-$CARGO_TARGET_DIR/release/symtool}
benches=${BENCHES:-$CARGO_TARGET_DIR/release/symtool-benches}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

crashes=${CRASHES:-$tmp/crashes}
[ -n "${CRASHES:-}" ] || "$benches" crashes "$@" "$crashes"

symtool() { "$symtool" --store "$tmp/store" -q "$@"; }
# evaluate WHEN: how well the crashes are grouped now
evaluate() {
    symtool crash list --json >"$tmp/groups.ndjson"
    printf '\n%s\n' "$1"
    "$benches" eval --truth "$crashes/truth.tsv" --groups "$tmp/groups.ndjson"
}
# not_empty DIR: whether it has files
not_empty() { [ -n "$(find "$1" -type f 2>/dev/null | head -n 1)" ]; }

if not_empty "$crashes/modules/now"; then symtool import "$crashes/modules/now"; fi
symtool crash add "$crashes/events.ndjson"
if not_empty "$crashes/texts"; then symtool crash add "$crashes/texts"; fi
evaluate "with the debug files that are there at once:"
if not_empty "$crashes/modules/late"; then symtool import "$crashes/modules/late"; fi
symtool reprocess
evaluate "after the late ones came:"
