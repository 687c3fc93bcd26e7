#!/usr/bin/env python3
"""Time and peak memory of commands in a store of many modules, as ratios to a store of one, from one interleaved run.

    scale.py PROGRAMS [--modules 100000] [--rounds 11] [--store DIR]

PROGRAMS is the folder with symtool and symtool-benches. A store in DIR is kept, and used again. 100,000 modules take
1.5 GB of files and 0.3 GB of store. How many tables and blocks a command reads is asserted by core/store/tests/scale.rs.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("programs")
parser.add_argument("--modules", type=int, default=100_000)
parser.add_argument("--rounds", type=int, default=11)
parser.add_argument("--store", help="keep the stores in this folder")
args = parser.parse_args()
symtool, benches = (os.path.join(args.programs, name) for name in ("symtool", "symtool-benches"))
fixture = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../testdata/objects/asm-gas-dwarf5.so")


def run(*command):
    """Seconds and peak bytes of a whole process."""
    begun = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    told = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)}: {told.decode(errors='replace')}")
    return time.perf_counter() - begun, usage.ru_maxrss * 1024


def builds(folder, first, count):
    """Paths of builds, which are made."""
    run(benches, "builds", "--from", str(first), "--count", str(count), fixture, folder)
    return sorted(os.path.join(at, file) for at, _, files in os.walk(folder) for file in files)


def make_stores(folder):
    one, many = os.path.join(folder, "one"), os.path.join(folder, f"modules-{args.modules}")
    if not os.path.exists(many):
        with tempfile.TemporaryDirectory(dir=folder) as files:
            paths = builds(files, 0, args.modules)
            shutil.rmtree(one, ignore_errors=True)
            run(symtool, "--store", one, "import", "-q", paths[0])
            run(symtool, "--store", many, "import", "-q", files)
    return one, many


def measure(folder):
    stores = make_stores(folder)
    files = os.path.join(folder, "files")
    shutil.rmtree(files, ignore_errors=True)
    first, *new = builds(os.path.join(files, "first"), 0, 1) + builds(os.path.join(files, "new"), 10**6, args.rounds)
    name = os.path.basename(first)
    commands = {
        "resolve, by name": ["resolve", "--module", name, "0x1100"],
        "resolve, by id": ["resolve", "--module", "00000000", "0x1100"],
        "import, unchanged": ["import", first],
        "modules list --limit 1": ["modules", "list", "--limit", "1"],
        "import, new": None,
    }
    seen = {(what, store): [] for what in commands for store in stores}
    for turn in range(args.rounds):
        for what, command in commands.items():
            for store in stores if turn % 2 else reversed(stores):
                words = command or ["import", new[turn]]
                seen[what, store].append(run(symtool, "--store", store, *words))
                if not command and store == stores[0]:
                    run(symtool, "--store", store, "modules", "remove", os.path.basename(new[turn]))
    tables = sum(file.endswith(".sst") for file in os.listdir(os.path.join(stores[1], "symbols")))
    print(f"{args.modules} modules against 1, {tables} tables; medians of {args.rounds} rounds")
    for what in commands:
        (time_one, peak_one), (time_many, peak_many) = (
            [statistics.median(values) for values in zip(*seen[what, store])] for store in stores)
        print(f"{what:24} {time_many / time_one:5.2f} x time, {peak_many / peak_one:5.2f} x memory")
    shutil.rmtree(files)


if args.store:
    os.makedirs(args.store, exist_ok=True)
    measure(args.store)
else:
    with tempfile.TemporaryDirectory() as folder:
        measure(folder)
