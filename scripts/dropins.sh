#!/bin/sh
# dropins.sh [-n COUNT] FILE...: compares the drop-ins with binutils' addr2line and llvm-symbolizer 19 on addresses all
# over some ELF files. Prints for each file and command line how many answers are equal and how long both took, the
# second time that symtool sees the file. Differences are kept in the folder that is named at the end.
set -eu
. "$(dirname "$0")/setup.sh"

count=5000
if [ "${1:-}" = -n ]; then
    count=$2
    shift 2
fi
[ $# -gt 0 ] || { echo "usage: scripts/dropins.sh [-n COUNT] FILE..." >&2; exit 2; }
cargo build --release --workspace --bins
symtool="$CARGO_TARGET_DIR/release/symtool"
work=$(mktemp -d)
export SYMTOOL_STORE="$work/store"

# Nine of ten addresses lie in code, the others anywhere up to four times as far.
addresses() {
    readelf -SW "$1" | sed 's/^ *\[ *[0-9]*\] //' | awk -v count="$count" '
        function hex(text,   at, number) {
            for (at = 1; at <= length(text); at++) number = number * 16 + index("0123456789abcdef", substr(text, at, 1)) - 1
            return number
        }
        $7 ~ /X/ { start[++sections] = hex($3); size[sections] = hex($5); all += hex($5); end = hex($3) + hex($5) }
        END {
            srand(1)
            for (i = 0; i < count; i++) {
                at = int(rand() * all)
                for (s = 1; s < sections && at >= size[s]; s++) at -= size[s]
                printf "0x%x\n", rand() < 0.9 ? start[s] + at : int(rand() * end * 4)
            }
            print "0x0"; print "0xffffffffffffffff"; print ""; print "11zz"; print "0x"
        }'
}

# A line for each answer, which begins with its address.
answers() {
    awk '/^0x/ || /^[{]/ { if (NR > 1) print line; line = $0; next } { line = line "\t" $0 } END { print line }'
}

now() { date +%s%N; }

compare() {
    real=$1 tool=$2
    shift 2
    "$symtool" "$tool" "$@" <"$work/addresses" >/dev/null 2>&1
    start=$(now)
    "$real" "$@" <"$work/addresses" >"$work/real" 2>"$work/real.err" || true
    middle=$(now)
    "$symtool" "$tool" "$@" <"$work/addresses" >"$work/ours" 2>"$work/ours.err" || true
    end=$(now)
    answers <"$work/real" >"$work/real.lines"
    answers <"$work/ours" >"$work/ours.lines"
    all=$(wc -l <"$work/real.lines")
    kept="$work/$(basename "$file").$tool.$(echo "$1" | tr -d -- '-=').diff"
    diff "$work/real.lines" "$work/ours.lines" >"$kept" && rm "$kept"
    different=$( [ -f "$kept" ] && grep -c '^<' "$kept" || true)
    awk -v equal=$((all - ${different:-0})) -v all="$all" -v real=$((middle - start)) -v ours=$((end - middle)) -v name="$real $*" \
        'BEGIN { printf "%s: %d of %d equal; %.2f s, symtool %.2f s\n", name, equal, all, real / 1e9, ours / 1e9 }'
}

for file; do
    addresses "$file" >"$work/addresses"
    for flags in -afipe -afe -ae -pae -sae -afie; do
        compare addr2line addr2line "$flags" "$file"
    done
    for style in LLVM GNU JSON; do
        compare llvm-symbolizer-19 llvm-symbolizer "--output-style=$style" --print-address --no-demangle "--obj=$file"
    done
done
rm -f "$work"/real* "$work"/ours* "$work/addresses"
rm -rf "$work/store"
echo "differences, if any: $work"
