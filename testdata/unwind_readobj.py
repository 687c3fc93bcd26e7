#!/usr/bin/env python3
"""unwind_readobj.py PROGRAM IMAGE...: compares the unwind rows that PROGRAM (the example windows_unwind of formats/debug) prints of images for
64-bit x86 and ARM with what `llvm-readobj-19 --unwind` prints, which is evaluated here: for each function before each instruction of its prolog,
behind the prolog, and on ARM in its epilogs. Prints the ratio for each image, and the first differences.

Both are evaluated with registers and memory that stand for themselves. llvm-readobj does not print epilogs of packed entries, nor those of x86."""
import json
import re
import struct
import subprocess
import sys

RAX = "RAX RCX RDX RBX RSP RBP RSI RDI R8 R9 R10 R11 R12 R13 R14 R15".split()
DWARF = dict(zip(RAX, [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15]))


class Value(tuple):
    """("reg", number, offset) or ("mem", address, 0): a value that stands for itself, plus a number of bytes"""

    def __add__(self, number):
        return Value((self[0], self[1], self[2] + number))


def memory(address):
    return Value(("mem", address, 0))


def register(number):
    return Value(("reg", number, 0))


def evaluate(expression, cfa):
    """of the expressions that rows have: a register plus an offset, loads, sums"""
    data, at, stack = bytes.fromhex(expression), 0, [cfa] if cfa else []

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
            stack.append(register(code - 0x70) + leb(True))
        elif code == 0x06:
            stack.append(memory(stack.pop()))
        elif code == 0x23:
            stack.append(stack.pop() + leb(False))
        else:
            raise ValueError(f"operation {code:#x}")
    return stack[-1]


def recover(how, cfa, same):
    kind, *rest = how
    return {
        "same": lambda: same,
        "at": lambda: memory(cfa + rest[0]),
        "cfa": lambda: cfa + rest[0],
        "register": lambda: register(rest[0]) + rest[1],
        "at_expression": lambda: memory(evaluate(rest[0], cfa)),
        "expression": lambda: evaluate(rest[0], cfa),
        "undefined": lambda: None,
    }[kind]()


def by_row(row, kept):
    cfa = register(row["cfa"][1]) + row["cfa"][2] if row["cfa"][0] == "register" else evaluate(row["cfa"][1], None)
    registers = {number: recover(row["saved"].get(str(number), ["same"]), cfa, register(number)) for number in kept}
    return cfa, recover(row["ra"], cfa, None), registers


# 64-bit ARM: the instructions that llvm-readobj prints, which are undone in their order.
NOT_COUNTED = ("end", "end_c", "clear unwound to call", "machine frame", "context", "trap frame", "EC context")


def undo_arm(instructions):
    sp, registers = register(31), {number: register(number) for number in range(19, 31)}
    number = lambda name: {"lr": 30, "fp": 29}.get(name) or int(name[1:])
    for text in instructions:
        store = re.match(r"(?:stp|str|ldp|ldr) (\w+)(?:, (\w+))?, \[sp(?:, #(-?\d+))?\](!|, #(\d+))?$", text)
        if store:
            first, second, offset, changes, after = store.groups()
            grown = -int(offset) if changes == "!" else int(after or 0) if changes else 0
            place = sp if changes else sp + int(offset or 0)
            for step, name in enumerate(filter(None, (first, second))):
                if name[0] != "d" and name[0] != "q":
                    registers[number(name)] = memory(place + 8 * step)
            sp = sp + grown
        elif match := re.match(r"(?:sub|add) sp,(?: sp,)? #(\d+)$", text):
            sp = sp + int(match[1])
        elif text in ("mov fp, sp", "mov sp, fp", "mov x29, sp", "mov sp, x29"):
            sp = registers[29]
        elif match := re.match(r"(?:add (?:fp|x29), sp|sub sp, (?:fp|x29)), #(\d+)$", text):
            sp = registers[29] + -int(match[1])
        elif text not in ("nop", "pacibsp", "autibsp", "end", "end_c", "clear unwound to call"):
            return None
    return sp, registers[30], registers


def own(instructions):
    """how many come before the end of this part of the function"""
    return instructions.index("end_c") if "end_c" in instructions else len(instructions)


def states(instructions):
    """what is to be undone before each instruction of a prolog, and behind the last; epilogs the other way round"""
    counted = [at for at, text in enumerate(instructions[: own(instructions)]) if text not in NOT_COUNTED]
    return [instructions[at + 1 :] for at in reversed(counted)] + [instructions]


def arm_functions(text):
    for block in re.split(r"^  RuntimeFunction \{$", text, flags=re.M)[1:]:
        field = lambda name: re.search(rf"\b{name}: (\S+)", block)
        start, length = int(field("Function")[1], 16), int(field("FunctionLength")[1])
        lines = lambda part: [re.sub(r"^0x[0-9a-f]+\s*; ", "", line.strip()) for line in part.strip("\n").split("\n") if line.strip()]
        listed = lambda name: [lines(part) for part in re.findall(rf"^\s*{name} \[\n(.*?)^\s*\]", block, flags=re.M | re.S)]
        prolog = listed("Prologue")[0]
        epilogs, is_packed = [], field("ExceptionRecord") is None
        if not is_packed and field("EpiloguePacked")[1] == "Yes":
            codes = (listed("Epilogue") or [prolog])[0]
            epilogs = [(length - 4 * len(states(codes)), codes)]
        elif not is_packed:
            starts = [4 * int(offset) for offset in re.findall(r"StartOffset: (\d+)", block)]
            epilogs = list(zip(starts, listed("Opcodes")))
        if is_packed and field("Fragment")[1] == "Yes":
            prolog = ["end_c"] + prolog
        yield start, length, prolog, epilogs, is_packed


def arm_expected(text, base):
    for start, length, prolog, epilogs, is_packed in arm_functions(text):
        in_epilog = set()
        for offset, codes in epilogs:
            for step, rest in enumerate(reversed(states(codes))):
                if offset + 4 * step < length and offset + 4 * step not in in_epilog:
                    in_epilog.add(offset + 4 * step)
                    yield start - base + offset + 4 * step, undo_arm(rest)
        if is_packed:
            # Its epilog is at most as long as its prolog.
            in_epilog = set(range(length - 4 * len(states(prolog)), length))
        for step, rest in enumerate(states(prolog)):
            if 4 * step < length and 4 * step not in in_epilog:
                yield start - base + 4 * step, undo_arm(rest)


# 64-bit x86: the codes, from the last to the first.
def undo_x86(infos, offset):
    rsp, registers = register(7), {number: register(number) for number in DWARF.values() if number != 7}
    for depth, (frame, codes) in enumerate(infos):
        run = [code for code in codes if depth or code[0] <= offset]
        base = rsp
        if frame and (any(code[1] == "SET_FPREG" for code in run) or not any(code[1] == "SET_FPREG" for code in codes)):
            base = registers[frame[0]] + -frame[1]
        for _, name, fields in run:
            if name == "PUSH_NONVOL":
                registers[DWARF[fields["reg"]]], rsp = memory(rsp), rsp + 8
            elif name in ("ALLOC_SMALL", "ALLOC_LARGE"):
                rsp = rsp + int(fields["size"])
            elif name == "SET_FPREG":
                rsp = base
            elif name.startswith("SAVE_NONVOL"):
                registers[DWARF[fields["reg"]]] = memory(base + int(fields["offset"], 0))
            elif not name.startswith("SAVE_XMM128"):
                return None
    return rsp + 8, memory(rsp), registers


def x86_expected(text, base):
    functions, infos = [], {}
    for block in re.split(r"^  RuntimeFunction \{$", text, flags=re.M)[1:]:
        numbers = [int(number, 16) for number in re.findall(r"\(0x([0-9A-F]+)\)", block)]
        frame = re.search(r"FrameRegister: (\w+)", block)
        offset = re.search(r"FrameOffset: (\S+)", block)
        codes = re.findall(r"^\s*0x([0-9A-F]+): (\w+) ?(.*)$", block, flags=re.M)
        codes = [(int(at, 16), name, dict(re.findall(r"(\w+)=([^\s,]+)", rest))) for at, name, rest in codes]
        chained = re.search(r"Chained \{\s+StartAddress: .*\s+EndAddress: .*\s+UnwindInfoAddress: .*\(0x([0-9A-F]+)\)", block)
        frame = (DWARF[frame[1]], 16 * int(offset[1], 16)) if frame and frame[1] in DWARF else None
        infos[numbers[2]] = (frame, codes), int(chained[1], 16) if chained else None
        functions.append((numbers[0], numbers[1], numbers[2]))
    for start, end, info in functions:
        chain = []
        while info in infos and len(chain) < 33:
            own_info, info = infos[info]
            chain.append(own_info)
        if info is None:
            for offset in sorted({0, *(code[0] for code in chain[0][1])}):
                if start + offset < end:
                    yield start - base + offset, undo_x86(chain, offset)


def byte_at(image, address):
    """the byte at an address of an image, by its table of sections"""
    header = struct.unpack_from("<I", image, 0x3C)[0]
    sections, optional = struct.unpack_from("<H", image, header + 6)[0], struct.unpack_from("<H", image, header + 20)[0]
    for number in range(sections):
        start, size, offset = struct.unpack_from("<III", image, header + 24 + optional + 40 * number + 12)
        if start <= address < start + size:
            return image[offset + address - start]
    return None


def compare(program, image):
    run = subprocess.run([program, image], capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in run.stdout.split("\n") if line]
    printed = subprocess.run(["llvm-readobj-19", "--unwind", image], capture_output=True, text=True)
    text = printed.stdout
    if printed.returncode:
        # It crashes at the end of some images, after it has printed all or most; the function where its output breaks off is not whole.
        text = text[: text.rindex("  RuntimeFunction {\n")]
    headers = subprocess.run(["llvm-readobj-19", "--file-headers", image], capture_output=True, text=True, check=True).stdout
    base = int(re.search(r"ImageBase: (0x[0-9A-F]+)", headers)[1], 16)
    is_arm = "Arch: aarch64" in text
    kept = range(19, 31) if is_arm else [3, 4, 5, 6, 12, 13, 14, 15]
    starts = [row["start"] for row in rows]
    right = unknown = 0
    wrong = []
    import bisect

    code = open(image, "rb").read()
    for address, want in (arm_expected if is_arm else x86_expected)(text, base):
        at = bisect.bisect_right(starts, address) - 1
        row = rows[at] if at >= 0 and address < rows[at]["end"] else None
        if want is None or not is_arm and byte_at(code, address) in (0xC2, 0xC3):
            # A return of x86 is an epilog.
            unknown += 1
            continue
        want = want[0], want[1], {number: want[2][number] for number in kept}
        if row and by_row(row, kept) == want:
            right += 1
        else:
            wrong.append(f"  {address:#x}: {row and by_row(row, kept)} instead of {want}")
    functions = text.count("  RuntimeFunction {")
    print(f"{image}: {right} of {right + len(wrong)} in {functions} functions, {unknown} that llvm-readobj's text does not tell; {run.stderr.strip()}")
    print("\n".join(wrong[:5]), end="\n" if wrong else "")
    return not wrong


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    right = [compare(sys.argv[1], image) for image in sys.argv[2:]]
    sys.exit(not all(right))


main()
