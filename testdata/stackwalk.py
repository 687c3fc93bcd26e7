#!/usr/bin/env python3
"""stackwalk.py DUMP FILE...: whether minidump-stackwalk, given the symbol files that symtool exports, names the frames of DUMP as symtool
does. FILE are the modules of the dump, or what completes them (debug files, PDBs, symbol files). Exits with 1 if a frame differs.
SYMTOOL and MINIDUMP_STACKWALK name the programs; minidump-stackwalk 0.25.0 is in the wheel that breakpad.sh names.

Frames that stackwalk guesses ("scan") count too: only names and lines are compared, at the addresses that it gives."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SYMTOOL = os.environ.get("SYMTOOL", "symtool")
STACKWALK = os.environ.get("MINIDUMP_STACKWALK", "minidump-stackwalk")


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def stackwalk(dump, symbols):
    """module, address and frames (function, file, line) of each physical frame; inlined ones come first"""
    state = json.loads(run(STACKWALK, "--symbols-path", symbols, "--json", dump))
    for thread in state["threads"]:
        for frame in thread["frames"]:
            if frame.get("module") is None:
                continue
            # Callers are looked up within the call.
            address = int(frame["module_offset"], 16) - (0 if frame["trust"] == "context" else 1)
            own = (frame.get("function"), frame.get("file"), frame.get("line"))
            inlines = [(i.get("function"), i.get("file"), i.get("line")) for i in frame.get("inlines") or []]
            yield frame["module"], address, inlines + [own]


def symtool(store, module, addresses):
    batch = "".join(f"{address:#x}\n" for address in addresses)
    words = [SYMTOOL, "--store", store, "resolve", "--relative", "--style", "json", "--module", module, "--batch", "-"]
    out = subprocess.run(words, input=batch, capture_output=True, text=True).stdout
    for line in out.splitlines():
        yield [(f.get("function"), f.get("file"), f.get("line")) for f in json.loads(line).get("frames", [])]


def main():
    dump, *files = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        store, symbols = f"{folder}/store", f"{folder}/symbols"
        run(SYMTOOL, "--store", store, "import", *files)
        run(SYMTOOL, "--store", store, "modules", "export", "--layout", "breakpad", symbols)
        exported = {path.name for path in pathlib.Path(symbols).iterdir()}
        frames = list(stackwalk(dump, symbols))
        equal = total = 0
        for module in sorted({module for module, _, _ in frames}):
            name = next((name for name in exported if name.rsplit(".", 1)[0] in (module, module.rsplit(".", 1)[0]) or name == module), None)
            if name is None:
                continue
            ours = [(address, want) for of, address, want in frames if of == module]
            for (address, found), said in zip(ours, symtool(store, name, [address for address, _ in ours])):
                said = said or [(None, None, None)]
                total += 1
                if found == said:
                    equal += 1
                else:
                    print(f"{module}+{address:#x}:\n  stackwalk {found}\n  symtool   {said}")
        print(f"{pathlib.Path(dump).name}: {equal} of {total} frames equal")
        sys.exit(0 if equal == total > 0 else 1)


main()
