#!/bin/sh
# Checks dependencies as deny.toml says. Arguments are the checks; without any, those that need no network.
set -eu
cd "$(dirname "$0")/.."

command -v cargo-deny >/dev/null || {
    echo "deny: no cargo-deny; run: cargo install --locked cargo-deny" >&2
    exit 1
}
[ $# -gt 0 ] || set -- bans licenses sources
cargo deny --all-features check "$@"
