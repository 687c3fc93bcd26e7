#!/usr/bin/env python3
"""Asks llvm-symbolizer for every address of every fixture.

    golden.py            writes golden/NAME.jsonl for each file in objects/
    golden.py --check    writes nothing; exits 1 and names the files that differ

A line is a run of addresses with the same answer; `end` is exclusive:

    {"start":"0x1040","end":"0x1049","frames":[["function","file",line,column],...]}

Frames are innermost first, with the empty strings and zeros llvm-symbolizer gives.
LLVM_SYMBOLIZER and LLVM_READELF name other binaries than the version 19 ones.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OBJECTS = HERE / "objects"
GOLDEN = HERE / "golden"
SYMBOLIZER = os.environ.get("LLVM_SYMBOLIZER", "llvm-symbolizer-19")
READELF = os.environ.get("LLVM_READELF", "llvm-readelf-19")
LAST_ADDRESS = 0xFFFF_FFFF_FFFF_FFFF


def main():
    parser = argparse.ArgumentParser(description="Goldens of every fixture, by llvm-symbolizer.")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 on a difference")
    check = parser.parse_args().check

    wanted = {f"{obj.name}.jsonl": golden_of(obj) for obj in sorted(OBJECTS.iterdir())}
    present = {path.name for path in GOLDEN.glob("*.jsonl")}
    if check:
        return report_differences(wanted, present)
    GOLDEN.mkdir(exist_ok=True)
    for name in present - wanted.keys():
        (GOLDEN / name).unlink()
    for name, text in wanted.items():
        (GOLDEN / name).write_text(text, encoding="utf-8", newline="\n")
    return 0


def report_differences(wanted, present):
    bad = []
    for name in sorted(wanted.keys() | present):
        if name not in present:
            bad.append(f"golden/{name}: missing; run golden.py")
        elif name not in wanted:
            bad.append(f"golden/{name}: its object is gone; run golden.py")
        else:
            line = first_difference(wanted[name], (GOLDEN / name).read_text(encoding="utf-8"))
            if line:
                bad.append(f"golden/{name}: differs from line {line}")
    print("\n".join(bad) if bad else f"{len(wanted)} goldens are up to date", file=sys.stderr)
    return 1 if bad else 0


def first_difference(wanted, found):
    """The number of the first line that differs, counted from 1; 0 where none does."""
    if wanted == found:
        return 0
    pairs = zip(wanted.split("\n"), found.split("\n"))
    return next((n for n, (a, b) in enumerate(pairs, 1) if a != b), len(found.split("\n")))


def golden_of(obj):
    code, plt = code_sections(obj)
    addresses = sorted({a for start, end in code for a in range(start, end)} | outside(code, plt))
    runs = []
    for address, frames in zip(addresses, ask(obj, addresses), strict=True):
        if runs and runs[-1][1] == address and runs[-1][2] == frames:
            runs[-1][1] = address + 1
        else:
            runs.append([address, address + 1, frames])
    return "".join(
        json.dumps(
            {"start": hex(start), "end": hex(end), "frames": frames},
            ensure_ascii=False,
            separators=(",", ":"),
        )
        + "\n"
        for start, end, frames in runs
    )


def outside(code, plt):
    """Addresses beside the code: both ends of the address space, both sides of each section."""
    beside = {0, LAST_ADDRESS}
    for start, end in code:
        beside |= {start - 1, end}
    return {a for a in beside if not any(start <= a < end for start, end in plt)}


def code_sections(obj):
    """The (start, end) of the executable sections: those of code, and those of PLT stubs.

    symtool names PLT stubs itself (`name@plt`), so they have no golden.
    """
    command = [READELF, "--elf-output-style=JSON", "-S", str(obj)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    code, plt = [], []
    for entry in json.loads(output)[0]["Sections"]:
        section = entry["Section"]
        flags = {flag["Name"] for flag in section["Flags"]["Flags"]}
        if "SHF_EXECINSTR" in flags and section["Size"]:
            name = section["Name"]["Name"]
            span = (section["Address"], section["Address"] + section["Size"])
            (plt if name.startswith(".plt") else code).append(span)
    return code, plt


def ask(obj, addresses):
    command = [
        SYMBOLIZER,
        f"--obj={obj}",
        "--output-style=JSON",
        "--inlines",
        "--functions=linkage",
        "--no-demangle",
    ]
    stdin = "".join(f"{address:#x}\n" for address in addresses)
    output = subprocess.run(command, check=True, capture_output=True, text=True, input=stdin).stdout
    answers = [json.loads(line) for line in output.splitlines()]
    for address, answer in zip(addresses, answers, strict=True):
        if "Error" in answer or int(answer["Address"], 16) != address:
            sys.exit(f"{obj.name}: {address:#x}: unexpected answer {answer}")
    return [
        [[s["FunctionName"], s["FileName"], s["Line"], s["Column"]] for s in answer["Symbol"]]
        for answer in answers
    ]


if __name__ == "__main__":
    sys.exit(main())
