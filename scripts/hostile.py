#!/usr/bin/env python3
"""Inputs made to be expensive, each twice: in, symtool; out, how work and memory grow with the input.

    scripts/hostile.py SYMTOOL [KIND...]

Every kind is built at one size and at twice that size. An import of the larger one may take 2.4 times the instructions of the smaller one
(counted by callgrind, less those of an import of next to nothing), and 64 MB of memory and 8 times the bytes that the input has once it is
unpacked. Exits with 1 if a kind takes more, and with 0 and a word if valgrind is missing.
"""
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

MOST_GROWTH = 2.4
# Two imports of next to nothing differ by so many instructions: threads of RocksDB come and go.
NOISE = 6_000_000
MEMORY_BYTES, MEMORY_FACTOR = 64 << 20, 8
CODE, CODE_BYTES = 0x1000, 0x100000
# The code itself is elsewhere, as in debug files: only what is expensive counts.
NO_BITS = 8


def uleb(value):
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def elf(sections):
    """An x86-64 shared object with code and the named sections."""
    note = struct.pack("<III", 4, 20, 3) + b"GNU\0" + zlib.crc32(b"".join(body for _, _, body in sections)).to_bytes(4, "little") * 5
    rows = [(".text", NO_BITS, 6, CODE, b""), (".note.gnu.build-id", 7, 2, 0x200, note)]
    rows += [(name, kind, 0, 0, body) for name, kind, body in sections]
    names = b"\0" + b"".join(name.encode() + b"\0" for name, *_ in rows) + b".shstrtab\0"
    rows.append((".shstrtab", 3, 0, 0, names))
    body, headers = bytearray(64), bytearray(64)
    index = {row[0]: number + 1 for number, row in enumerate(rows)}
    for name, kind, flags, address, contents in rows:
        body += bytes(-len(body) % 16)
        link, info, entry = (index[".strtab"], 1, 24) if kind == 2 else (0, 0, 0)
        place = names.index(b"\0" + name.encode() + b"\0") + 1
        size = CODE_BYTES if kind == NO_BITS else len(contents)
        headers += struct.pack("<IIQQQQIIQQ", place, kind, flags, address, len(body), size, link, info, 8, entry)
        body += contents
    body += bytes(-len(body) % 16)
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, len(body), 0, 64, 56, 0, 64, len(rows) + 1, len(rows))
    body[:64] = header
    return bytes(body + headers)


def abbreviation(code, tag, children, attributes):
    return uleb(code) + uleb(tag) + bytes([children]) + b"".join(uleb(name) + uleb(form) for name, form in attributes) + b"\0\0"


def unit(entries, abbreviations_at=0):
    body = struct.pack("<HIB", 4, abbreviations_at, 8) + entries
    return struct.pack("<I", len(body)) + body


# Names and forms: DWARF 4, sections 7.5.3 and 7.5.4.
UNIT, SUBPROGRAM, INLINED = 0x11, 0x2E, 0x1D
NAME, STMT_LIST, LOW, HIGH, EXTERNAL, RANGES, ORIGIN = 0x03, 0x10, 0x11, 0x12, 0x3F, 0x55, 0x31
ADDR, DATA8, STRING, FLAG, OFFSET, REF4 = 0x01, 0x07, 0x08, 0x19, 0x17, 0x13
ROOT = abbreviation(1, UNIT, 1, [(LOW, ADDR), (HIGH, DATA8)])
ROOT_ENTRY = b"\1" + struct.pack("<QQ", CODE, CODE_BYTES)


def dwarf(abbreviations, info, **others):
    sections = [(".debug_abbrev", 1, abbreviations), (".debug_info", 1, info)]
    return elf(sections + [(f".debug_{name}", 1, body) for name, body in others.items()])


def attributes(n):
    """An abbreviation of many attributes without size, and many entries that use it."""
    table = ROOT + abbreviation(2, SUBPROGRAM, 0, [(EXTERNAL, FLAG)] * n) + b"\0"
    return dwarf(table, unit(ROOT_ENTRY + b"\2" * (2 * n) + b"\0"))


def shared_ranges(n):
    """Many functions that share one long list of ranges."""
    table = ROOT + abbreviation(2, SUBPROGRAM, 0, [(NAME, STRING), (RANGES, OFFSET)]) + b"\0"
    entries = b"".join(b"\2f%d\0" % number + struct.pack("<I", 0) for number in range(n))
    ranges = b"".join(struct.pack("<QQ", at, at + 1) for at in range(0, 2 * n, 2)) + bytes(16)
    return dwarf(table, unit(ROOT_ENTRY + entries + b"\0"), ranges=ranges)


def abbreviation_offsets(n):
    """Many units, each with its abbreviations at another offset of one table."""
    declarations = [abbreviation(number + 1, UNIT, 0, [(LOW, ADDR), (HIGH, DATA8)]) for number in range(n)]
    at, info = 0, b""
    for number, declaration in enumerate(declarations):
        info += unit(uleb(number + 1) + struct.pack("<QQ", CODE, 1), at)
        at += len(declaration)
    return dwarf(b"".join(declarations) + b"\0", info)


def shared_lines(n):
    """Many units that share one long line program."""
    root = abbreviation(1, UNIT, 0, [(STMT_LIST, OFFSET), (LOW, ADDR), (HIGH, DATA8)]) + b"\0"
    info = b"".join(unit(b"\1" + struct.pack("<IQQ", 0, CODE + number, 1)) for number in range(n))
    rest = struct.pack("<BBBbBB", 1, 1, 1, -5, 14, 13) + bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]) + b"\0a.c\0\0\0\0\0"
    program = b"\0\x09\x02" + struct.pack("<Q", CODE) + b"\x21" * (8 * n) + b"\0\1\1"
    line = struct.pack("<HI", 4, len(rest)) + rest + program
    return dwarf(root, info, line=struct.pack("<I", len(line)) + line)


def overlapping_calls(n):
    """A function with many inlined calls, each of which covers all of it."""
    table = ROOT + abbreviation(2, SUBPROGRAM, 1, [(NAME, STRING), (LOW, ADDR), (HIGH, DATA8)])
    table += abbreviation(3, INLINED, 0, [(ORIGIN, REF4), (LOW, ADDR), (HIGH, DATA8)]) + b"\0"
    # The function begins behind the unit's header and root.
    calls = b"".join(b"\3" + struct.pack("<IQQ", 28, CODE + number % 7, CODE_BYTES // 2 - number) for number in range(n))
    return dwarf(table, unit(ROOT_ENTRY + b"\2f\0" + struct.pack("<QQ", CODE, CODE_BYTES) + calls + b"\0\0"))


def nested_calls(n):
    """Inlined calls within each other, far deeper than any real ones."""
    table = ROOT + abbreviation(2, SUBPROGRAM, 1, [(NAME, STRING), (LOW, ADDR), (HIGH, DATA8)])
    table += abbreviation(3, INLINED, 1, [(ORIGIN, REF4), (LOW, ADDR), (HIGH, DATA8)]) + b"\0"
    calls = b"".join(b"\3" + struct.pack("<IQQ", 28, CODE + number, CODE_BYTES - 2 * number) for number in range(n))
    return dwarf(table, unit(ROOT_ENTRY + b"\2f\0" + struct.pack("<QQ", CODE, CODE_BYTES) + calls + b"\0" * (n + 2)))


def overlapping_names(n):
    """Many symbols, each name a tail of one long name."""
    names = b"\0" + b"f" * (16 * n) + b"\0"
    symbols = bytes(24) + b"".join(struct.pack("<IBBHQQ", 1 + number, 0x12, 0, 1, CODE + number, 1) for number in range(n))
    return elf([(".symtab", 2, symbols), (".strtab", 3, names)])


def overlapping_symbols(n):
    """Many symbols that cover each other."""
    names = b"\0" + b"".join(b"f%d\0" % number for number in range(n))
    places = [names.index(b"f%d\0" % number) for number in range(n)]
    symbols = bytes(24)
    symbols += b"".join(struct.pack("<IBBHQQ", place, 0x12, 0, 1, CODE + number, 2 * n - number) for number, place in enumerate(places))
    return elf([(".symtab", 2, symbols), (".strtab", 3, names)])


def zip_of_one_member(n):
    """An archive whose entries all name one member."""
    body = elf([(".symtab", 2, bytes(24 * n)), (".strtab", 3, b"\0")])
    crc, name = zlib.crc32(body), b"lib0000000.so"
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 0, 0, 0x21, crc, len(body), len(body), len(name), 0) + name + body
    entries = b""
    for number in range(n // 8):
        name = b"lib%07d.so" % number
        entries += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 0, 0, 0x21, crc, len(body), len(body), len(name), 0, 0, 0, 0, 0, 0)
        entries += name
    count = n // 8
    return local + entries + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(entries), len(local), 0)


# The smaller size of each: at twice that, work that grows with the square takes callgrind some ten seconds.
KINDS = {
    attributes: 2000,
    shared_ranges: 1000,
    abbreviation_offsets: 4000,
    shared_lines: 1500,
    overlapping_calls: 2000,
    nested_calls: 2000,
    overlapping_names: 4000,
    overlapping_symbols: 4000,
    zip_of_one_member: 2000,
}


def instructions(symtool, path, folder):
    store = os.path.join(folder, "store")
    shutil.rmtree(store, ignore_errors=True)
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", symtool, "-j1", "--store", store, "import", path]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    counted = re.search(r"Collected : (\d+)", run.stderr)
    if not counted or run.returncode > 1:
        raise SystemExit(f"{path}: exit {run.returncode}\n{run.stderr}")
    return int(counted[1])


def memory(symtool, path, folder):
    store = os.path.join(folder, "store")
    shutil.rmtree(store, ignore_errors=True)
    with open(os.devnull, "wb") as nowhere:
        child = subprocess.Popen([symtool, "-j2", "--store", store, "import", path], stdout=nowhere, stderr=nowhere)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1):
        raise SystemExit(f"{path}: exit {child.returncode}")
    return usage.ru_maxrss << 10


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    if not shutil.which("valgrind"):
        print("hostile: no valgrind, nothing is measured; install it with: apt-get install valgrind")
        return
    symtool, wanted = sys.argv[1], sys.argv[2:]
    kinds = {kind: size for kind, size in KINDS.items() if not wanted or kind.__name__ in wanted}
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        def written(name, contents):
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(contents)
            return path

        nothing = instructions(symtool, written("nothing.so", overlapping_symbols(1)), folder)
        for kind, size in kinds.items():
            name, inputs = kind.__name__, [kind(size), kind(2 * size)]
            paths = [written(f"{name}-{number}.so", contents) for number, contents in enumerate(inputs)]
            small, large = (instructions(symtool, path, folder) - nothing for path in paths)
            growth = max(large, NOISE) / max(small, NOISE)
            peak, allowed = memory(symtool, paths[1], folder), MEMORY_BYTES + MEMORY_FACTOR * len(inputs[1])
            is_good = growth <= MOST_GROWTH and peak <= allowed
            print(f"{name}: {len(inputs[0]):,} -> {len(inputs[1]):,} bytes, instructions {small:,} -> {large:,} ({growth:.2f} x), "
                  f"memory {peak / 1e6:.0f} of {allowed / 1e6:.0f} MB{'' if is_good else ': too much'}", flush=True)
            if not is_good:
                failed.append(name)
    if failed:
        raise SystemExit(f"hostile: {', '.join(failed)}")


main()
