#!/usr/bin/env python3
"""Compares ProGuard's style with ReTrace on a trace made of all methods of a mapping, near each of their lines.

    check.py MAPPING [FRAMES]

Prints how many lines of output agree, and the first that do not. Needs Debian's proguard-cli, and symtool (SYMTOOL
names it if it is not in the PATH)."""

import os
import random
import re
import subprocess
import sys
import tempfile

JARS = "/usr/share/java/proguard-retrace.jar:/usr/share/java/proguard.jar"


def frames(mapping, count):
    """Frames of every method, with lines in its ranges, at their ends, beyond them, and without line."""
    random.seed(1)
    found, name = [], None
    for line in open(mapping, encoding="utf-8", errors="replace"):
        if found_class := re.match(r"(\S+) -> (\S+):$", line.rstrip()):
            name = found_class[2]
            found.append(f"Caused by: {name}: text of {name}")
        elif name and (method := re.match(r"\s+(?:(\d+):(\d+):)?\S+ [^(]+\(.*\).*-> (\S+)$", line.rstrip("\n"))):
            first, last, method = int(method[1] or 3), int(method[2] or 9), method[3]
            for number in {first, last, last + 1, random.randint(first, last)}:
                found.append(f"\tat {name}.{method}(SourceFile:{number})")
            found.append(f"\tat {name}.{method}({random.choice(['Unknown Source', 'Native Method', 'SourceFile'])})")
    return random.sample(found, min(count, len(found)))


def main():
    mapping = os.path.abspath(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        trace, out = os.path.join(folder, "trace"), os.path.join(folder, "out")
        with open(trace, "w", encoding="utf-8") as file:
            file.write("\n".join(frames(mapping, count)) + "\n")
        symtool = [os.environ.get("SYMTOOL", "symtool"), "--store", os.path.join(folder, "store")]
        subprocess.run([*symtool, "import", "-q", mapping], check=True)
        with open(out, "wb") as file:
            subprocess.run([*symtool, "retrace", "--style", "proguard", trace], check=True, stdout=file)
        oracle = subprocess.run(["java", "-cp", JARS, "proguard.retrace.ReTrace", mapping, trace], check=True, capture_output=True)
        ours, theirs = open(out, "rb").read().split(b"\n"), oracle.stdout.split(b"\n")
        agree = sum(a == b for a, b in zip(ours, theirs))
        print(f"{agree} of {len(theirs)} lines agree; there are {len(ours)}")
        for number, (a, b) in enumerate(zip(ours, theirs), 1):
            if a != b:
                print(f"line {number}:\n  symtool {a!r}\n  ReTrace {b!r}")
                sys.exit(1)
        sys.exit(len(ours) != len(theirs))


main()
