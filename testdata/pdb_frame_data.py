#!/usr/bin/env python3
"""pdb_frame_data.py PROGRAM PDB...: compares the unwind rows that PROGRAM (the example windows_unwind of formats/debug) prints of PDBs for 32-bit
x86 with the frame data that `llvm-pdbutil-19 dump --fpo` prints. Prints the ratio for each PDB, and the first differences.

Programs and rows are run with random registers over random memory, three times: at the first two bytes of each record, and where one ends. There
the record that begins last counts, and one without a program only where there is none with one. Before the first instruction of a function that
has a prolog, nothing has been pushed yet."""
import bisect
import json
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

REGISTERS = "$eax $ecx $edx $ebx $esp $ebp $esi $edi $eip".split()
NUMBERED = dict(zip("$17 $18 $19 $20 $21 $22 $23 $24 $33".split(), REGISTERS))
WORD = 1 << 32
CALLEE_ARGUMENTS = 16


class Machine:
    """registers and memory with random contents"""

    def __init__(self, seed):
        draw = random.Random(seed)
        self.registers = {name: draw.randrange(WORD) & ~3 for name in REGISTERS}
        self.salt = draw.randrange(WORD)

    def load(self, address):
        return random.Random(self.salt << 32 | address % WORD).randrange(WORD)


def run_program(record, machine):
    """what the registers are in the caller"""
    known = dict(machine.registers)
    search = (known["$esp"] + record["locals"] + record["saved"]) % WORD
    known |= {".raSearch": search, ".raSearchStart": search, ".cbLocals": record["locals"], ".cbSavedRegs": record["saved"], ".cbParams": record["params"]}
    stack = []
    value = lambda operand: known[operand] if isinstance(operand, str) else operand
    # An = may stand before a word without a space.
    for token in re.sub(r"=(?=\S)", "= ", record["program"]).split():
        token = NUMBERED.get(token, token)
        if token == "=":
            right, name = value(stack.pop()), stack.pop()
            known[name] = right
        elif token == "^":
            stack.append(machine.load(value(stack.pop())))
        elif token in "+-*@":
            right, left = value(stack.pop()), value(stack.pop())
            stack.append({"+": left + right, "-": left - right, "*": left * right, "@": left - left % max(right, 1)}[token] % WORD)
        else:
            stack.append(token if token[0] in "$." else int(token) % WORD)
    return {name: known[name] for name in REGISTERS}


def without_program(record, machine):
    known = dict(machine.registers)
    if record["frame"] == "EBP Frame":
        ebp = known["$ebp"]
        return known | {"$ebp": machine.load(ebp), "$eip": machine.load(ebp + 4), "$esp": (ebp + 8) % WORD}
    top = known["$esp"] + record["locals"] + record["saved"]
    if record["use_bp"]:
        # The first that was pushed, or unknown among the locals.
        known["$ebp"] = machine.load(top - 4) if record["saved"] else None
    return known | {"$eip": machine.load(top), "$esp": (top + 4) % WORD}


def at_entry(machine):
    esp = machine.registers["$esp"]
    return machine.registers | {"$eip": machine.load(esp), "$esp": (esp + 4) % WORD}


def run_row(row, machine):
    read = lambda number: machine.registers[REGISTERS[number]]

    def evaluate(expression, cfa):
        data, at, stack = bytes.fromhex(expression), 0, [] if cfa is None else [cfa]

        def leb(signed):
            nonlocal at
            value = shift = 0
            while True:
                byte = data[at]
                at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
                if byte < 0x80:
                    return value - (1 << shift) if signed and byte & 0x40 else value

        while at < len(data):
            code = data[at]
            at += 1
            if 0x70 <= code < 0x90:
                stack.append(read(code - 0x70) + leb(True))
            elif 0x30 <= code < 0x50:
                stack.append(code - 0x30)
            elif code in (0x10, 0x11):
                stack.append(leb(code == 0x11))
            elif code == 0x06:
                stack.append(machine.load(stack.pop()))
            elif code == 0x23:
                stack.append(stack.pop() + leb(False))
            elif code in (0x1A, 0x1C, 0x1E, 0x22):
                right, left = stack.pop(), stack.pop()
                stack.append({0x1A: left & right, 0x1C: left - right, 0x1E: left * right, 0x22: left + right}[code])
            else:
                raise ValueError(f"operation {code:#x}")
            stack[-1] %= WORD
        return stack[-1]

    kind, *rest = row["cfa"]
    cfa = (read(rest[0]) + rest[1]) % WORD if kind == "register" else evaluate(rest[0], None)

    def recover(how, number):
        kind, *rest = how
        return {
            "same": lambda: read(number),
            "at": lambda: machine.load(cfa + rest[0]),
            "cfa": lambda: (cfa + rest[0]) % WORD,
            "register": lambda: (read(rest[0]) + rest[1]) % WORD,
            "at_expression": lambda: machine.load(evaluate(rest[0], cfa)),
            "expression": lambda: evaluate(rest[0], cfa),
            "undefined": lambda: None,
        }[kind]()

    known = {name: recover(row["saved"].get(str(number), ["same"]), number) for number, name in enumerate(REGISTERS)}
    return known | {"$esp": cfa, "$eip": recover(row["ra"], 8)}


def base_pointers(pdb):
    """The functions that save ebp for other uses, by the stream's bytes: bit 12 of the attributes in winnt.h, where llvm-pdbutil prints bit 10."""
    run = lambda *what: subprocess.run(["llvm-pdbutil-19", *what, pdb], capture_output=True, text=True, check=True).stdout
    stream = re.search(r"Stream +(\d+) \([^)]*\): \[FPO Data\]", run("dump", "--streams"))
    lines = re.findall(r"^\s*[0-9A-F]+: ((?:[0-9A-F]{2,8} ?)+)", run("bytes", f"-stream-data={stream[1]}"), flags=re.M) if stream else []
    data = bytes.fromhex("".join(lines).replace(" ", ""))
    records = [struct.unpack_from("<IIIHH", data, at) for at in range(0, len(data) - 15, 16)]
    return {start for start, *_, attributes in records if attributes >> 12 & 1}


def records(text, base_pointers):
    """those with a program, and those without"""
    old, _, new = text.partition("New FPO Data")
    cells = lambda part: [[cell.strip() for cell in line.split("|")] for line in part.split("\n") if re.match(r"[0-9A-F]{8} \|", line)]
    common = lambda row: {"start": int(row[0], 16), "end": int(row[0], 16) + int(row[1])}
    # Microsoft's winnt.h counts locals, parameters and registers in words, which llvm-pdbutil prints as they are.
    without = [
        common(row) | {"locals": 4 * int(row[2]), "params": 4 * int(row[3]), "prolog": int(row[4]), "saved": 4 * int(row[5]), "use_bp": int(row[0], 16) in base_pointers, "frame": row[8], "is_start": True}
        for row in cells(old)
    ]
    names = ("locals", "params", "stack", "prolog", "saved")
    programs = [common(row) | dict(zip(names, map(int, row[2:7]))) | {"is_start": row[9] == "true", "program": row[10]} for row in cells(new)]
    return programs, without


def compare(program, pdb):
    with tempfile.TemporaryDirectory() as folder:
        # Away from its image, whose code would show more than the records.
        alone = shutil.copy(pdb, folder)
        run = subprocess.run([program, alone], capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in run.stdout.split("\n") if line]
    text = subprocess.run(["llvm-pdbutil-19", "dump", "--fpo", pdb], capture_output=True, text=True, check=True).stdout
    programs, without = records(text, base_pointers(pdb))
    starts = [row["start"] for row in rows]
    machines = [Machine(seed) for seed in range(3)]
    points = {point for record in programs + without for point in (record["start"], record["start"] + 1, record["end"] - 1, record["end"])}
    right, wrong = 0, []

    def last(among, point):
        here = [record for record in among if record["start"] <= point < record["end"]]
        return max(enumerate(here), key=lambda numbered: (numbered[1]["start"], numbered[0]))[1] if here else None

    for point in sorted(points):
        record = last(programs, point) or last(without, point)
        at = bisect.bisect_right(starts, point) - 1
        row = rows[at] if at >= 0 and point < rows[at]["end"] else None
        if record is None or row is None:
            is_equal = record is None and row is None
            want = got = None
        else:
            is_entry = record["is_start"] and record["prolog"] > 0 and point == record["start"]
            one = lambda machine: at_entry(machine) if is_entry else run_program(record, machine) if "program" in record else without_program(record, machine)
            want, got = [one(machine) for machine in machines], [run_row(row, machine) for machine in machines]
            searches = not is_entry and ("program" not in record and record["frame"] == "FPO" or ".raSearch" in record.get("program", ""))
            is_equal = want == got and row["arguments"] == record["params"] and bool(row["flags"] & CALLEE_ARGUMENTS) == searches
        right += is_equal
        if not is_equal:
            wrong.append(f"  {point:#x}: {row} for {record}")
    print(f"{pdb}: {right} of {right + len(wrong)} by {len(programs)} records with a program and {len(without)} without; {run.stderr.strip()}")
    print("\n".join(wrong[:5]), end="\n" if wrong else "")
    return not wrong


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    right = [compare(sys.argv[1], pdb) for pdb in sys.argv[2:]]
    sys.exit(not all(right))


main()
