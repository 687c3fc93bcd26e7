#!/bin/sh
# Runs deploy/spark.py on generated crashes for two nights, the second with late debug files, and compares its groups with
# those of one store, byte for byte: in 1, 4 and 16 parts, with speculation, with a worker killed and with an executor killed.
# Arguments go to the generator (--crashes 200000 for all of it, 4000 without any). SYMTOOL and BENCHES name other programs
# than those built here, CRASHES an earlier output of the generator, SPARK_VENV where pyspark is or will be installed.
set -eu
. "$(dirname "$0")/setup.sh"

if ! command -v python3 >/dev/null || ! command -v java >/dev/null; then
    echo "spark: skipped, as there is no python3 or no java"
    exit 0
fi
if [ -z "${SYMTOOL:-}" ] || [ -z "${BENCHES:-}" ]; then
    cargo build --release --workspace --bins
fi
symtool=${SYMTOOL:-$CARGO_TARGET_DIR/release/symtool}
benches=${BENCHES:-$CARGO_TARGET_DIR/release/symtool-benches}
[ $# -gt 0 ] || set -- --crashes 4000

venv=${SPARK_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/symtool/spark}
if [ ! -x "$venv/bin/spark-submit" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet 'pyspark>=4,<5'
fi
export SPARK_HOME="$("$venv/bin/python" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')"
export PYSPARK_PYTHON="$venv/bin/python" SPARK_LOCAL_IP=127.0.0.1 SPARK_LOCAL_HOSTNAME=localhost

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
crashes=${CRASHES:-$tmp/generated}
[ -n "${CRASHES:-}" ] || "$benches" crashes --withheld 40 "$@" "$crashes"

export SYMTOOL_STORE="$tmp/one"
"$symtool" -q import "$crashes/modules/now"
"$symtool" -q crash add "$crashes/events.ndjson"
"$symtool" groups list --json >"$tmp/first.groups"
"$symtool" -q import "$crashes/modules/late"
"$symtool" -q reprocess
"$symtool" groups list --json >"$tmp/second.groups"

# The symbols of each night, without crashes.
for night in first second; do
    SYMTOOL_STORE="$tmp/$night" "$symtool" -q import "$crashes/modules/now"
done
SYMTOOL_STORE="$tmp/second" "$symtool" -q import "$crashes/modules/late"

# Programs in the place of symtool, of which the first worker is lost in the middle of its answers: that worker alone, or
# with it the executor that called it.
mkdir "$tmp/lost"
lost() {
    cat >"$tmp/$1" <<SCRIPT
#!/bin/sh
if [ "\$1" = worker ] && mkdir "$tmp/lost/$1-\$(basename "\$SYMTOOL_STORE")" 2>/dev/null; then
    head -n 60 | "$symtool" "\$@" | head -n 20
    $2
    kill -9 \$\$
fi
exec "$symtool" "\$@"
SCRIPT
    chmod +x "$tmp/$1"
}
lost worker-killed ""
lost executor-killed '
    parent=$$
    while [ "$parent" -gt 1 ] && [ "$(cat "/proc/$parent/comm")" != java ]; do
        parent=$(sed "s/.*) [A-Z] \\([0-9]*\\) .*/\\1/" "/proc/$parent/stat")
    done
    [ "$parent" -le 1 ] || kill -9 "$parent"'

# run NAME MASTER PARTS PROGRAM [OPTION...]: both nights, compared with those of one store
run() {
    name=$1 master=$2 parts=$3 program=$4 before=
    shift 4
    for night in first second; do
        out=$tmp/$name.$night
        SYMTOOL_STORE="$tmp/$night" "$venv/bin/spark-submit" --master "$master" --driver-memory 1g \
            --conf spark.ui.enabled=false --conf spark.sql.shuffle.partitions=4 --conf spark.local.dir="$tmp" "$@" \
            deploy/spark.py --reports "$crashes/events.ndjson" --night "$out" --parts "$parts" --symtool "$program" \
            ${before:+--before "$before"} >"$out.log" 2>&1 || { tail -n 40 "$out.log"; exit 1; }
        "$symtool" groups list --json --state "$out/groups.state" | cmp - "$tmp/$night.groups"
        before=$out
    done
    case $name in
    *-killed) [ -d "$tmp/lost/$name-second" ] || { echo "spark: $name: nothing was killed"; exit 1; } ;;
    esac
    echo "spark: $name: the groups of one store ($(wc -l <"$tmp/second.groups") of them)"
    rm -rf "$tmp/$name".*
}

for parts in 1 4 16; do
    run "$parts-parts" "local[2,4]" "$parts" "$symtool"
done
run speculation "local-cluster[2,1,1024]" 16 "$symtool" --conf spark.speculation=true \
    --conf spark.speculation.multiplier=1.1 --conf spark.speculation.quantile=0.1
run worker-killed "local[2,4]" 4 "$tmp/worker-killed"
run executor-killed "local-cluster[2,1,1024]" 4 "$tmp/executor-killed"
