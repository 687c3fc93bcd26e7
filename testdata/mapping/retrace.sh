#!/bin/sh
# Asks ProGuard's ReTrace again for every NAME.trace.txt here, into NAME.retrace.txt; with --check, only compares. The committed answers
# are those of Debian 12's proguard-cli 6.2.2-3.
set -eu
cd "$(dirname "$0")"
for trace in *.trace.txt; do
    name=${trace%.trace.txt}
    java -cp /usr/share/java/proguard-retrace.jar:/usr/share/java/proguard.jar proguard.retrace.ReTrace \
        "$name.mapping.txt" "$trace" >"$name.retrace.new"
    if [ "${1-}" = --check ]; then
        cmp "$name.retrace.new" "$name.retrace.txt"
        rm "$name.retrace.new"
    else
        mv "$name.retrace.new" "$name.retrace.txt"
    fi
done
