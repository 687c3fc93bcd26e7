#!/usr/bin/env python3
"""unwind_oracle.py: unwind rows as other tools see them.
    unwind_oracle.py FILE                    prints the rows of an ELF or Mach-O file, one a line
    unwind_oracle.py --compare PROGRAM FILE… compares them with what `PROGRAM FILE` prints (formats/unwind/examples/rows.rs)
    unwind_oracle.py --rules FILE            prints the rules that call frame information of an object file has, each once
    unwind_oracle.py --refresh               writes unwind/NAME.rows of each file in unwind/ or objects/ that has one
Call frame information is what llvm-dwarfdump-19 prints. Of ARM's exception tables readelf -u prints the instructions, of Apple's compact
unwind llvm-objdump-19 the encodings; unwind_replay.py makes rows of both. Where rows overlap the first one counts."""
import bisect
import functools
import pathlib
import re
import subprocess
import sys
import tempfile

import unwind_replay

HERE = pathlib.Path(__file__).parent
GOLDEN = HERE / "unwind"
# Names of formats of llvm-dwarfdump, and targets that give the registers of such a file their names.
TRIPLES = {
    "elf64-x86-64": "x86_64-linux", "elf32-x86-64": "x86_64-linux-gnux32", "elf32-i386": "i386-linux", "elf64-littleaarch64": "aarch64-linux",
    "elf64-bigaarch64": "aarch64_be-linux", "elf32-littlearm": "armv7-linux", "elf32-bigarm": "armv7eb-linux", "elf32-mips": "mips-linux",
    "elf64-mips": "mips64el-linux", "elf32-powerpc": "powerpc-linux", "elf64-powerpc": "powerpc64-linux",
    "elf64-powerpcle": "powerpc64le-linux", "elf32-littleriscv": "riscv32-linux", "elf64-littleriscv": "riscv64-linux",
    "elf64-s390": "s390x-linux", "elf64-loongarch": "loongarch64-linux", "elf64-sparc": "sparcv9-linux",
    "Mach-O 64-bit x86-64": "x86_64-macos", "Mach-O arm64": "arm64-macos", "Mach-O 32-bit i386": "i386-macos", "Mach-O arm": "armv7k-watchos",
    "Mach-O arm64 (ILP32)": "arm64_32-watchos",
}  # fmt: skip
# Registers of __eh_frame on 32-bit x86 have Apple's numbers; ours are the ABI's.
SWAPPED = {4: 5, 5: 4}
# Of architectures with a link register: up to which column a return address that has not been saved is in the register of that number.
REGISTERS = {"x86_64": 0, "i386": 0, "aarch64": 31, "arm64": 31, "arm": 16, "s390x": 16, "powerpc": 1 << 16}


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


@functools.cache
def names(triple):
    """number of each register by the name that LLVM gives it"""
    numbers = [*range(0, 160), *range(224, 360)]
    text = "".join(f"f{n}:\n.cfi_startproc\n.cfi_undefined {n}\n.cfi_endproc\n" for n in numbers)
    with tempfile.NamedTemporaryFile(suffix=".o") as made:
        run("llvm-mc-19", f"-triple={triple}", "-filetype=obj", "-o", made.name, input=text)
        shown = run("llvm-dwarfdump-19", "--eh-frame", made.name, errors="replace")
    return dict(zip(re.findall(r"DW_CFA_undefined: (\S+)", shown), numbers))


def sleb128(value):
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        if value == (-1 if byte & 0x40 else 0):
            return bytes(out + bytearray([byte]))
        out.append(byte | 0x80)


def uleb128(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytearray([value]))


PLAIN = {"DW_OP_deref": 0x06, "DW_OP_dup": 0x12, "DW_OP_drop": 0x13, "DW_OP_swap": 0x16, "DW_OP_and": 0x1A, "DW_OP_minus": 0x1C, "DW_OP_mul": 0x1E,
         "DW_OP_neg": 0x1F, "DW_OP_or": 0x21, "DW_OP_plus": 0x22, "DW_OP_shl": 0x24, "DW_OP_shr": 0x25, "DW_OP_xor": 0x27, "DW_OP_eq": 0x29,
         "DW_OP_ge": 0x2A, "DW_OP_gt": 0x2B, "DW_OP_le": 0x2C, "DW_OP_lt": 0x2D, "DW_OP_ne": 0x2E, "DW_OP_nop": 0x96}  # fmt: skip
SIZED = {"DW_OP_const1u": (0x08, 1), "DW_OP_const1s": (0x09, 1), "DW_OP_const2u": (0x0A, 2), "DW_OP_const2s": (0x0B, 2), "DW_OP_const4u": (0x0C, 4),
         "DW_OP_const4s": (0x0D, 4), "DW_OP_const8u": (0x0E, 8), "DW_OP_const8s": (0x0F, 8), "DW_OP_bra": (0x28, 2), "DW_OP_skip": (0x2F, 2)}  # fmt: skip


def assemble(text):
    """the bytes of an expression that LLVM has printed"""
    out = b""
    for operation in text.split(", "):
        name, _, operand = operation.partition(" ")
        if name in PLAIN:
            out += bytes([PLAIN[name]])
        elif name in SIZED:
            code, size = SIZED[name]
            out += bytes([code]) + (int(operand, 16) & (1 << 8 * size) - 1).to_bytes(size, "little")
        elif match := re.fullmatch(r"DW_OP_lit(\d+)", name):
            out += bytes([0x30 + int(match[1])])
        elif match := re.fullmatch(r"DW_OP_breg(\d+)", name):
            out += bytes([0x70 + int(match[1])]) + sleb128(int(re.search(r"[+-]\d+$", operand)[0]))
        elif name == "DW_OP_plus_uconst":
            out += b"\x23" + uleb128(int(operand, 16))
        elif name == "DW_OP_consts":
            out += b"\x11" + sleb128(int(operand))
        elif name == "DW_OP_constu":
            out += b"\x10" + uleb128(int(operand, 16))
        else:
            sys.exit(f"{operation}: not an operation that this script knows")
    return f"<{out.hex()}>"


def location(text, number):
    """a recovery as LLVM prints it, as ours; number(NAME) is a register's"""
    if text in ("undefined", "same"):
        return text
    if text.startswith("[") and text.endswith("]"):
        return f"[{location(text[1:-1], number)}]" if text != "[CFA]" else "[cfa+0]"
    if text.startswith("DW_OP"):
        return assemble(text)
    name, offset = re.fullmatch(r"(.+?)([+-]\d+)?", text).groups()
    return ("cfa" if name == "CFA" else f"r{number(name)}") + (offset or "+0")


def shown_rows(line, number):
    """CFA and a map of recoveries of a row's text"""
    first, _, rest = line.partition(": ") if not line.startswith("CFA=DW_OP") else re.fullmatch(r"(CFA=.*?)(?:(: )(.*))?", line).groups("")
    cfa = location(first.removeprefix("CFA="), number)
    found = {}
    for part in re.split(r", (?=[A-Za-z][\w$]*=)", rest) if rest else []:
        name, text = part.split("=", 1)
        found[number(name)] = int(text) if re.fullmatch(r"\d+", text) else location(text, number)
    return cfa, found


def cfi(file, code):
    """rows of .eh_frame, then of .debug_frame"""
    shown = run("llvm-dwarfdump-19", "--eh-frame", file, errors="replace").split("\n")
    kind = re.search(r"file format (.*)", "\n".join(shown[:2]))[1]
    triple = TRIPLES[kind]
    limit = next((limit for name, limit in REGISTERS.items() if triple.startswith(name)), 32)
    sections, cies, cie, fde, rows = {}, {}, None, None, []
    section = None
    for line in shown:
        if match := re.match(r"\.(\w+) contents:", line):
            section = match[1]
        elif match := re.match(r"([0-9a-f]+) [0-9a-f]+ [0-9a-f]+ CIE$", line):
            end_last(rows, fde)
            cie, fde = {"augmentation": ""}, None
            cies[section, int(match[1], 16)] = cie
        elif match := re.match(r"[0-9a-f]+ [0-9a-f]+ [0-9a-f]+ FDE cie=([0-9a-f]+) pc=([0-9a-f]+)\.\.\.([0-9a-f]+)$", line):
            end_last(rows, fde)
            fde = section, cies.get((section, int(match[1], 16))), int(match[2], 16), int(match[3], 16)
        elif match := re.match(r"  Augmentation: +\"(.*)\"", line):
            cie["augmentation"] = match[1]
        elif match := re.match(r"  Return address column: (\d+)", line):
            cie["column"] = int(match[1])
        elif fde and (match := re.match(r"  0x([0-9a-f]+): (CFA=.*)", line)):
            start = int(match[1], 16)
            if rows and rows[-1][1] is None:
                rows[-1][1] = start
            rows.append([start, None, fde, match[2]])
    end_last(rows, fde)
    order = {"eh_frame": 0, "debug_frame": 1}
    # LLVM does not wrap the sum of a 32-bit address and an offset.
    mask = 0xFFFFFFFF if "32" in kind or kind == "Mach-O arm" else 0xFFFFFFFFFFFFFFFF
    swap = SWAPPED if kind == "Mach-O 32-bit i386" else {}
    memo = {}
    for start, end, (section, cie, first, _), text in sorted(rows, key=lambda row: order[row[2][0]]):
        number = lambda name: (lambda n: swap.get(n, n) if section == "eh_frame" else n)(int(name[3:]) if re.fullmatch(r"reg\d+", name) else names(triple)[name])
        if not any(low <= first & mask < high for low, high in code):
            continue
        key = text, id(cie), section
        if key not in memo:
            memo[key] = rule(*shown_rows(text, number), cie, limit, triple)
        yield start & mask, end & mask, memo[key]


def end_last(rows, fde):
    if rows and rows[-1][1] is None:
        rows[-1][1] = fde[3]


def rule(cfa, found, cie, limit, triple):
    column = cie["column"]
    flags = []
    if "S" in cie["augmentation"]:
        flags.append("signal")
    unsaved = f"r{column}+0" if column < limit else "undefined"
    address = found.get(column, unsaved)
    if address == "same":
        address = unsaved
    if address == "undefined":
        flags.append("end")
    if column >= limit:
        found.pop(column, None)
    if triple.startswith(("aarch64", "arm64")) and found.pop(34, 0) == 1:
        flags.append("signed")
    saved = [f"r{register}={text}" for register, text in sorted(found.items()) if text != "same"]
    return " ".join([f"cfa={cfa}", f"ra={address}", *saved, *flags])


def code_ranges(file):
    """first and end address of each section with code"""
    shown = run("llvm-readobj-19", "--sections", file)
    found = []
    for block in re.split(r"\n  Section \{", shown):
        if "SHF_EXECINSTR" in block or re.search(r"SomeInstructions|PureInstructions", block):
            address, size = re.search(r"Address: (0x[0-9A-F]+)", block), re.search(r"Size: (0x[0-9A-F]+|\d+)", block)
            found.append((int(address[1], 16), int(address[1], 16) + int(size[1], 0)))
    joined = []
    for low, high in sorted(found):
        if joined and low <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(high, joined[-1][1])
        elif low < high:
            joined.append((low, high))
    return joined


def disjoint(rows):
    """sorted rows; what came first stays, and neighbours of one rule are one"""
    starts, kept = [], []
    for start, end, text in rows:
        while start < end:
            at = bisect.bisect_right(starts, start)
            if at and kept[at - 1][1] > start:
                start = kept[at - 1][1]
                continue
            stop = min(end, starts[at]) if at < len(starts) else end
            starts.insert(at, start)
            kept.insert(at, (start, stop, text))
            start = stop
    joined = []
    for row in kept:
        if joined and joined[-1][1] == row[0] and joined[-1][2] == row[2]:
            joined[-1] = joined[-1][0], row[1], row[2]
        else:
            joined.append(row)
    return joined


def rows(file):
    code = code_ranges(file)
    found = list(cfi(file, code))
    found += unwind_replay.compact(file, code)
    found += unwind_replay.ehabi(file, code)
    return [f"{start:x} {end:x} {text}" for start, end, text in disjoint(found)]


def compare(program, file):
    ours, theirs = run(program, file).splitlines(), rows(file)
    equal = len(set(ours) & set(theirs))
    print(f"{file}: {len(theirs)} rows, {equal} equal, {len(theirs) - equal} missing, {len(ours) - equal} others")
    differ = sorted({("-", line) for line in theirs if line not in set(ours)} | {("+", line) for line in ours if line not in set(theirs)},
                    key=lambda entry: int(entry[1].split()[0], 16)) if equal != max(len(ours), len(theirs)) else []  # fmt: skip
    for sign, line in differ[:20]:
        print(sign, line)
    return not differ


def main():
    match sys.argv[1:]:
        case ["--compare", program, *files] if files:
            sys.exit(0 if all([compare(program, file) for file in files]) else 1)
        case ["--refresh"]:
            for golden in sorted(GOLDEN.glob("*.rows")):
                # A name can have dots of its own.
                name = golden.name.removesuffix(".rows")
                file = next(HERE / folder / name for folder in ("unwind", "objects") if (HERE / folder / name).exists())
                golden.write_text("".join(line + "\n" for line in rows(str(file))))
        case ["--rules", file]:
            print("\n".join(sorted({text for _, _, text in cfi(file, [(0, 1 << 64)])})))
        case [file] if not file.startswith("-"):
            print("\n".join(rows(file)))
        case _:
            sys.exit(__doc__)


main()
