#!/bin/sh
# Runs the nightly job of docs/ci.md, as cron does, on generated crashes: a first night with the debug
# files that are there at once, and a second one with the late ones. Each has to end with a page and a
# notice at a receiver on this machine. Arguments go to the generator. SYMTOOL and BENCHES name other
# programs than those built here, CRASHES an earlier output of the generator.
set -eu
. "$(dirname "$0")/setup.sh"

if ! command -v python3 >/dev/null; then
    echo "nightly: skipped, as there is no python3"
    exit 0
fi
if [ -z "${SYMTOOL:-}" ] || [ -z "${BENCHES:-}" ]; then
    cargo build --release --workspace --bins
fi
symtool=${SYMTOOL:-$CARGO_TARGET_DIR/release/symtool}
benches=${BENCHES:-$CARGO_TARGET_DIR/release/symtool-benches}

tmp=$(mktemp -d)
receiver=
trap '[ -z "$receiver" ] || kill "$receiver"; rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

crashes=${CRASHES:-$tmp/generated}
[ -n "${CRASHES:-}" ] || "$benches" crashes "$@" "$crashes"

# The machine of docs/ci.md.
root=$tmp/root
mkdir -p "$root/usr/local/bin" "$root/srv/artifacts" "$root/srv/crashes/incoming" "$root/srv/symbols" "$root/var/log/symtool"
ln -s "$symtool" "$root/usr/local/bin/symtool"
here() { sed "s#/usr/local/bin#$root/usr/local/bin#g; s#/srv/#$root/srv/#g; s#/var/log/#$root/var/log/#g"; }
sed -n '/^# nightly-symbols/,/^```/p' docs/ci.md | sed '/^```/d' | here >"$tmp/nightly-symbols"

python3 scripts/receiver.py "$tmp/notices" &
receiver=$!
while [ ! -s "$tmp/notices.url" ]; do sleep 0.1; done
printf '[notify.ops]\nurl-file = "%s"\nstyle = "generic"\n' "$tmp/notices.url" >"$root/srv/symbols/symtool.toml"

# night NAME: runs the job and says what came of it
night() {
    rm -f "$tmp/notices"
    env -i PATH=/usr/bin:/bin sh "$tmp/nightly-symbols"
    python3 - "$1" "$root/var/log/symtool/report.html" "$tmp/notices" <<'PYTHON'
import json, os, sys

name, page, notices = sys.argv[1:]
told = [json.loads(line) for line in open(notices, encoding="utf-8")] if os.path.exists(notices) else []
counts = {kind: sum(notice["counts"][kind] for notice in told) for kind in ("new", "regressed", "merged", "spike")}
print(f"nightly: {name}: a page of {os.path.getsize(page):,} bytes, {len(told)} notices: {counts}")
sys.exit(not told)
PYTHON
}

cp -R "$crashes/modules/now" "$root/srv/artifacts/now" 2>/dev/null || true
cp "$crashes/events.ndjson" "$root/srv/crashes/incoming/events.ndjson"
night "the first night"
cp -R "$crashes/modules/late" "$root/srv/artifacts/late" 2>/dev/null || true
night "the night when late debug files came"
