#!/bin/sh
# Makes the stores of older formats in this folder again, with a symtool of that format:
#   SYMTOOL=path/to/symtool-of-format-3 sh testdata/stores/build.sh 3
# 4 is the first program of format 4, 4-uncounted the last one that kept no counts of crashes.
# 5 is the last one that knew no minidumps: its crashes have format 5.
# format4.segment is what `modules export` wrote of objects/cpp-gcc-O2-dwarf5.so when segments were
# tables of RocksDB.
set -eu
cd "$(dirname "$0")"
format=$1
objects=../objects
: "${SYMTOOL:?name the program of format $format}"

make() {
    store=format$format-$1
    shift
    rm -rf "$store"
    run() { "$SYMTOOL" -q --store "$store" "$@"; }
    keyed() { run "$@"; }
    if [ $# -gt 0 ]; then key=$1; keyed() { run --key-file "$key" "$@"; }; fi
    keyed import "$objects/c-gcc-O0-dwarf5.so"
    # Two reports of each bug in each build; a report that cannot be read; one that is removed.
    keyed crash add reports.ndjson
    keyed crash add cut.json || test $? = 1
    keyed crash remove 0000000000000000000000000000000c
    keyed reprocess
    # A run that stands, a merge by hand, a run that is undone.
    keyed import "$objects/c-clang-O0-dwarf4.so"
    keyed reprocess
    first=$(keyed groups list --json | sed -n '1s/.*"id":"\(g[0-9a-f]*\)".*/\1/p')
    last=$(keyed groups list --json | sed -n '$s/.*"id":"\(g[0-9a-f]*\)".*/\1/p')
    keyed groups merge "$first" "$last"
    keyed import "$objects/c-clang-O0-dwarf5.so"
    keyed reprocess
    keyed groups undo
    keyed crash list --json > "$store.crashes"
    keyed groups list --json > "$store.groups"
    keyed groups history --json > "$store.history"
    keyed modules list --json > "$store.modules"
    keyed resolve --module c-gcc-O0-dwarf5.so --style json 0x1139 0x1180 0x11a0 0x1 > "$store.resolved" || test $? = 1
    # And what undoing the merge leaves.
    cp -r "$store" "$store.copy"
    whole=$store
    store=$store.copy
    keyed groups undo
    keyed groups list --json > "$whole.undone"
    rm -rf "$store"
    store=$whole
    rm -f "$store"/*/LOG* "$store"/*/LOCK "$store"/*/IDENTITY "$store"/*.lock
}

make open
make sealed format$format.key
