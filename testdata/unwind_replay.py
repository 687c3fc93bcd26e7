"""unwind_replay.py: makes rows of unwind data that no tool prints as rows. unwind_oracle.py imports it.
ARM: readelf prints the instructions of .ARM.exidx; they are followed here. Apple: llvm-objdump-19 prints the encodings of __unwind_info; what
they mean is in libunwind's mach-o/compact_unwind_encoding.h."""
import itertools
import re
import struct
import subprocess
import tempfile


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, errors="replace").stdout


def file_bytes(file, code, address, size):
    """the bytes of the sections with code at an address"""
    for block in re.split(r"\n  Section \{", run("llvm-readobj-19", "--sections", file)):
        fields = dict(re.findall(r"^    (Address|Size|Offset): (\S+)$", block, re.M))
        low = int(fields.get("Address", "0"), 0)
        if fields and low <= address < low + int(fields["Size"], 0):
            at = int(fields["Offset"], 0) + address - low
            with open(file, "rb") as bytes_of:
                bytes_of.seek(at)
                return bytes_of.read(size)
    return b""


def code_end(code, start):
    return next((high for low, high in code if low <= start < high), None)


def sleb128(value):
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        if value == (-1 if byte & 0x40 else 0):
            return bytes(out + bytearray([byte]))
        out.append(byte | 0x80)


# ARM -----------------------------------------------------------------------------------------------------------------


def ehabi(file, code):
    with open(file, "rb") as head:
        start = head.read(20)
    if start[:4] != b"\x7fELF" or start[18:20] not in (b"\x28\0", b"\0\x28"):
        return []
    shown = with_names(file, run("readelf", "-u", file))
    entries, current = [], None
    for line in shown.split("\n"):
        if match := re.match(r"0x([0-9a-f]+)(?: <[^>]*>)?: (.*)", line):
            current = [int(match[1], 16) & ~1, match[2], []]
            entries.append(current)
        elif match := re.match(r"  ((?:0x[0-9a-f]{2} )+) *(.*)", line):
            current[2].append((bytes(int(byte, 16) for byte in match[1].split()), match[2]))
        elif "corrupt" in line or "unsupported" in line or "Unknown" in line:
            current[1] = "bad"
    entries.sort(key=lambda entry: entry[0])
    rows = []
    for entry, after in itertools.zip_longest(entries, entries[1:]):
        end = code_end(code, entry[0])
        if end is None:
            continue
        text = arm_rule(entry[1], entry[2])
        if text:
            rows.append((entry[0], min(end, after[0]) if after else end, text))
    return rows


def with_names(file, shown):
    """what readelf says once it knows the names of personality routines: it prints no instructions of those that have none"""
    symbols = []
    for address in sorted({int(address, 16) & ~1 for address in re.findall(r"Personality routine: 0x([0-9a-f]+)$", shown, re.M)}):
        name, low = next((name, low) for name, low, size in sections(file) if low <= address < low + size)
        symbols.append(f"--add-symbol=__gcc_personality_v0={name}:{address - low:#x},function,global")
    if not symbols:
        return shown
    with tempfile.NamedTemporaryFile() as named:
        run("llvm-objcopy-19", *symbols, file, named.name)
        return run("readelf", "-u", named.name)


def sections(file):
    """name, address and size of each section"""
    for block in re.split(r"\n  Section \{", run("llvm-readobj-19", "--sections", file))[1:]:
        fields = dict(re.findall(r"^    (Name|Address|Size): *(\S+)", block, re.M))
        yield fields["Name"], int(fields["Address"], 0), int(fields["Size"], 0)


LAST = "cfa=<> ra=undefined end"


class BadOpcode(Exception):
    pass


def arm_rule(head, opcodes):
    if head.endswith("[cantunwind]"):
        return LAST
    try:
        return arm_follow(opcodes) if head != "bad" and opcodes else None
    except BadOpcode:
        return None


def arm_registers(text):
    """numbers and sizes of the registers of `{r4, r14}` or `{D8-D11}`"""
    if text == "{ra_auth_code}":
        return [(143, 4)]
    found = []
    for part in text.strip("{}").split(", "):
        kind, first, last = re.fullmatch(r"([a-zA-Z]+)(\d+)(?:-[a-zA-Z]+(\d+))?", part).groups()
        base, size = {"r": (0, 4), "D": (256, 8), "wR": (112, 8), "wCGR": (104, 4)}[kind]
        found += [(base + number, size) for number in range(int(first), int(last or first) + 1)]
    return found


def arm_follow(opcodes):
    # A place is a base and an offset; a base is the number of a register, or the bytes of an expression.
    base, offset, popped = 13, 0, {}
    for code, text in opcodes:
        if match := re.match(r"pop (\{.*\})", text):
            registers = arm_registers(match[1])
            for register, size in registers:
                popped[register] = base, offset
                offset += size
            if code[0] == 0xB3 or 0xB8 <= code[0] <= 0xBF:
                offset += 4
            if 13 in popped:
                base, offset = arm_expression(*popped.pop(13)) + b"\x06", 0
        elif match := re.match(r"vsp = vsp ([+-]) (\d+)", text):
            offset += int(match[2]) * (1 if match[1] == "+" else -1)
        elif match := re.match(r"vsp = r(\d+)", text):
            register = int(match[1])
            base, offset = (arm_expression(*popped[register]) + b"\x06", 0) if register in popped else (register, 0)
        elif text.startswith("finish"):
            break
        elif text.startswith("Refuse"):
            return LAST
        elif not text.startswith("vsp as modifier"):
            raise BadOpcode(text)
    if isinstance(base, int):
        cfa = f"r{base}{offset:+}"
    else:
        cfa = f"<{arm_expression(base, offset).hex()}>"
    found = {}
    for register, (where, at) in popped.items():
        found[register] = f"[cfa{at - offset:+}]" if where is base or where == base else f"[<{arm_expression(where, at).hex()}>]"
    address = found.get(15, found.get(14, "r14+0"))
    saved = [f"r{register}={text}" for register, text in sorted(found.items()) if register != 15]
    return " ".join([f"cfa={cfa}", f"ra={address}", *saved, "body"])


def arm_expression(base, offset):
    if isinstance(base, int):
        return bytes([0x70 + base]) + sleb128(offset)
    return base + (b"\x11" + sleb128(offset) + b"\x22" if offset else b"")


# Apple ---------------------------------------------------------------------------------------------------------------


def compact(file, code):
    with open(file, "rb") as head:
        if head.read(4) not in (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe"):
            return []
    shown = run("llvm-objdump-19", "--unwind-info", file)
    kind = re.search(r"file format (.*)", shown)[1]
    if "Second level" not in shown:
        return []
    header = run("llvm-objdump-19", "--macho", "--private-headers", file)
    text = re.search(r"segname __TEXT\s+vmaddr (0x[0-9a-f]+)", header)
    image = int(text[1], 16) if text else 0
    first, _, pages = shown.partition("Second level indices:")
    last = re.findall(r"^    \[\d+\]: function offset=0x([0-9a-f]+), 2nd level page offset=0x0+,", first, re.M)
    found = re.findall(r"function offset=0x([0-9a-f]+), encoding(?:\[\d+\])?=0x([0-9a-f]+)", pages)
    starts = [int(start, 16) for start, _ in found] + [int(last[-1], 16)]
    rows = []
    for (start, encoding), end in zip(found, starts[1:]):
        start, end, encoding = image + int(start, 16), image + end, int(encoding, 16)
        limit = code_end(code, start)
        rule = arm64(encoding) if "arm64" in kind else x86(file, code, start, encoding, "x86-64" in kind)
        if limit and rule and start < min(end, limit):
            rows.append((start, min(end, limit), rule))
    return rows


def text_of(cfa, address, saved, body):
    texts = [f"r{register}=[cfa{offset:+}]" for register, offset in sorted(saved.items())]
    return " ".join([f"cfa={cfa}", f"ra={address}", *texts, *(["body"] if body else [])])


def arm64(encoding):
    pairs = [register for bit, register in [(0, 19), (1, 21), (2, 23), (3, 25), (4, 27), (8, 72), (9, 74), (10, 76), (11, 78)] if encoding >> bit & 1]
    mode = encoding >> 24 & 15
    if mode == 4:
        saved = {register: -24 - 8 * number for number, register in enumerate(itertools.chain(*((pair, pair + 1) for pair in pairs)))}
        return text_of("r29+16", "[cfa-8]", saved | {29: -16, 30: -8}, True)
    if mode == 2:
        size = 16 * (encoding >> 12 & 0xFFF)
        saved = {register: -8 - 8 * number for number, register in enumerate(itertools.chain(*((pair, pair + 1) for pair in pairs)))}
        return text_of(f"r31+{size}", "r30+0", saved, size or saved)
    return None


def x86(file, code, start, encoding, is_64):
    word, sp, bp, names = (8, 7, 6, [3, 12, 13, 14, 15, 6]) if is_64 else (4, 4, 5, [3, 1, 2, 7, 6, 5])
    mode = encoding >> 24 & 15
    if mode == 1:
        lowest = -2 * word - word * (encoding >> 16 & 255)
        saved = {names[number - 1]: lowest + word * slot for slot in range(5) if (number := encoding >> 3 * slot & 7)}
        return text_of(f"r{bp}+{2 * word}", f"[cfa-{word}]", saved | {bp: -2 * word}, True)
    if mode not in (2, 3):
        return None
    size = (encoding >> 16 & 255) * word
    if mode == 3:
        (size,) = struct.unpack("<I", file_bytes(file, code, start + (encoding >> 16 & 255), 4))
        size += (encoding >> 13 & 7) * word
    count = encoding >> 10 & 7
    # The order is a number of those that there are, in the order of sorted lists. Of six, the last follows from the others.
    orders = sorted(itertools.permutations(range(6), min(count, 5)))
    order = list(orders[encoding & 0x3FF])
    if count == 6:
        order += set(range(6)) - set(order)
    saved = {names[number]: -word * (1 + count) + word * slot for slot, number in enumerate(order)}
    return text_of(f"r{sp}+{size}", f"[cfa-{word}]", saved, size > word)
