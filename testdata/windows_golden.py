#!/usr/bin/env python3
"""windows_golden.py: refreshes the golden answers in windows/. Those of PDBs come from pdb_replay.py, that of the image with DWARF
from llvm-symbolizer-19, in the same form: a line for each address of its code at which something changes."""
import pathlib
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def code(image):
    """first address of .text relative to the image, and the one after the last"""
    data = image.read_bytes()
    (pe,) = struct.unpack_from("<I", data, 0x3C)
    count, optional = struct.unpack_from("<H", data, pe + 6)[0], struct.unpack_from("<H", data, pe + 20)[0]
    for at in range(pe + 24 + optional, pe + 24 + optional + 40 * count, 40):
        name, size, address = struct.unpack_from("<8sII", data, at)
        if name.rstrip(b"\0") == b".text":
            return address, address + size
    sys.exit(f"{image}: no .text")


def llvm(image):
    addresses = range(*code(image))
    options = ["--relative-address", "--inlines", "--functions=linkage", "--no-demangle"]
    asked = "".join(f"{address:#x}\n" for address in addresses)
    run = subprocess.run(["llvm-symbolizer-19", f"--obj={image}", *options], input=asked, capture_output=True, text=True, check=True)
    known = lambda text: "?" if text == "??" else text
    last = None
    for address, block in zip(addresses, (block for block in run.stdout.split("\n\n") if block.strip())):
        lines = block.strip("\n").split("\n")
        places = [place.rsplit(":", 2) for place in lines[1::2]]
        frames = [f"{known(name)}|{known(file)}:{line}" for name, (file, line, _) in zip(lines[::2], places)]
        if frames != last:
            yield "\t".join([f"{address:#x}", *frames])
        last = frames


def main():
    for pdb in sorted((HERE / "windows").glob("shop*.pdb")):
        replay = subprocess.run([sys.executable, HERE / "pdb_replay.py", pdb], capture_output=True, text=True, check=True)
        pdb.with_suffix(".replay").write_text(replay.stdout)
    image = HERE / "windows" / "mingw64.dll"
    image.with_suffix(".llvm").write_text("\n".join(llvm(image)) + "\n")


main()
