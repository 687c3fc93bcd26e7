#!/usr/bin/env python3
"""What no tool at hand does to Mach-O files.

    macho.py link OUT SUBTYPE OBJECT...   lays 32-bit objects out as an image with a debug map; lld has no linker for them
    macho.py subtype FILE NUMBER          another CPU subtype: lld writes arm64e as arm64, x86_64h as x86_64
    macho.py uuid FILE HEX                another UUID, in every slice of a fat file
    macho.py time FILE NUMBER...          the time of each N_OSO, or of each member of an archive, in order;
                                          the last is that of all that follow
    macho.py rebase FILE NUMBER           everything at higher addresses; not for DWARF
    macho.py hide FILE MAP                names in LLVM assembly become __hidden#N_; MAP, a bcsymbolmap, says what they were
    macho.py print-uuid FILE              the UUID, as file names have it

The result is not meant to run: relocations of code stay as the assembler left them.
"""

import hashlib
import re
import struct
import sys
import uuid
from pathlib import Path

LC_SEGMENT, LC_SYMTAB, LC_SEGMENT_64, LC_UUID, LC_FUNCTION_STARTS = 1, 2, 0x19, 0x1B, 0x26
PLATFORM = (0x24, 0x25, 0x2F, 0x30, 0x32)  # LC_VERSION_MIN_*, LC_BUILD_VERSION
N_SO, N_OSO, N_FUN, N_BNSYM, N_ENSYM = 0x64, 0x66, 0x24, 0x2E, 0x4E
N_STAB, N_EXT, N_SECT, N_TYPE, THUMB = 0xE0, 1, 0xE, 0xE, 8
PAGE = 0x1000


class Macho:
    """One thin little-endian file, or one slice: its load commands, sections and symbols."""

    def __init__(self, data, base=0):
        self.data, self.base = data, base
        magic, self.cpu, self.subtype, self.kind, count = struct.unpack_from("<5I", data, base)
        self.wide = magic == 0xFEEDFACF
        at = base + (32 if self.wide else 28)
        self.commands = []
        for _ in range(count):
            command, size = struct.unpack_from("<2I", data, at)
            self.commands.append((command, at, size))
            at += size

    def find(self, command):
        return next((at for c, at, _ in self.commands if c == command), None)

    def sections(self):
        """(section, segment, address, size, offset, align, flags)"""
        found = []
        for command, at, _ in self.commands:
            if command == LC_SEGMENT:
                (count,) = struct.unpack_from("<I", self.data, at + 48)
                for n in range(count):
                    e = struct.unpack_from("<16s16s9I", self.data, at + 56 + 68 * n)
                    found.append((text(e[0]), text(e[1]), e[2], e[3], e[4], e[5], e[8]))
            elif command == LC_SEGMENT_64:
                (count,) = struct.unpack_from("<I", self.data, at + 64)
                for n in range(count):
                    e = struct.unpack_from("<16s16s2Q8I", self.data, at + 72 + 80 * n)
                    found.append((text(e[0]), text(e[1]), e[2], e[3], e[4], e[5], e[8]))
        return found

    def symbols(self):
        """(offset of the entry, name, type, section, desc, value)"""
        at = self.find(LC_SYMTAB)
        symoff, count, stroff, _ = struct.unpack_from("<4I", self.data, at + 8)
        found = []
        for n in range(count):
            entry = self.base + symoff + n * (16 if self.wide else 12)
            strx, kind, section, desc, value = struct.unpack_from("<IBBHQ" if self.wide else "<IBBHI", self.data, entry)
            start = self.base + stroff + strx
            name = bytes(self.data[start : self.data.index(b"\0", start)]).decode()
            found.append((entry, name, kind, section, desc, value))
        return found


def text(padded):
    return padded.rstrip(b"\0").decode()


def slices(data):
    magic, count = struct.unpack_from(">2I", data)
    if magic == 0xCAFEBABE:
        return [Macho(data, struct.unpack_from(">5I", data, 8 + 20 * n)[2]) for n in range(count)]
    if magic == 0xCAFEBABF:
        return [Macho(data, struct.unpack_from(">2I3Q", data, 8 + 32 * n)[2]) for n in range(count)]
    return [Macho(data)]


def link(out, subtype, objects):
    """__TEXT at 0x4000 with the sections of all objects, one after the other, and a debug map."""
    files = [(name, Macho(Path(name).read_bytes())) for name in objects]
    placed, address, body, starts = [], 0x4000 + PAGE, b"", []
    where = {}  # (object, its section number) -> (new number, new address - old address)
    kinds = []
    for _, obj in files:
        for section in obj.sections():
            if section[:2] not in kinds and section[1] != "__DWARF" and section[1] != "__LD":
                kinds.append(section[:2])
    for number, kind in enumerate(kinds, 1):
        first, flags = None, 0
        for index, (_, obj) in enumerate(files):
            for old, (name, segment, addr, size, offset, align, attributes) in enumerate(obj.sections(), 1):
                if (name, segment) != kind:
                    continue
                flags, step = attributes, 1 << max(align, 2)
                pad = -address % step
                body, address = body + bytes(pad), address + pad
                first = address if first is None else first
                where[index, old] = (number, address - addr)
                filled = bytes(size) if flags & 0xFF == 1 else bytes(obj.data[offset : offset + size])
                body, address = body + filled, address + size
        placed.append((*kind, first, address - first, flags & 0xFFFFFF00))
    strings, entries = bytearray(b" \0"), []

    def add(name, kind, section=0, desc=0, value=0):
        if name:
            strings.extend(name.encode() + b"\0")
        at = len(strings) - len(name.encode()) - 1 if name else 1
        entries.append(struct.pack("<IBBHI", at, kind, section, desc, value))

    real = []
    for index, (name, obj) in enumerate(files):
        ends = {n: s[2] + s[3] for n, s in enumerate(obj.sections(), 1)}
        mine = [s for s in obj.symbols() if s[2] & N_TYPE == N_SECT and not s[2] & N_STAB and (index, s[3]) in where]
        add(f"/src/{Path(name).stem}", N_SO)
        add(name, N_OSO, obj.subtype & 0xFF, 1)
        for _, symbol, kind, section, desc, value in mine:
            if symbol.startswith(("L", "l")):
                continue
            number, delta = where[index, section]
            code = placed[number - 1][4] & 0x80000000
            higher = [s[5] for s in mine if s[3] == section and s[5] > value]
            size = min(higher + [ends[section]]) - value
            real.append((symbol, kind, number, desc & THUMB, value + delta))
            if code:
                starts.append(value + delta | (1 if desc & THUMB else 0))
                add("", N_BNSYM, number, 0, value + delta)
                add(symbol, N_FUN, number, 0, value + delta)
                add("", N_FUN, 0, 0, size)
                add("", N_ENSYM, number, 0, size)
        add("", N_SO, 1)
    for symbol in sorted(real, key=lambda s: (s[1] & N_EXT, s[4])):
        add(*symbol)
    listed, last = b"", 0x4000
    for start in sorted(starts):
        listed, last = listed + uleb(start - last), start
    listed += bytes(4 - len(listed) % 4)
    body += bytes(-len(body) % PAGE)
    linkedit = PAGE + len(body)
    sample = files[0][1]
    platform = next(sample.data[at : at + size] for c, at, size in sample.commands if c in PLATFORM)
    commands = [
        segment_command("__PAGEZERO", 0, 0x4000, 0, 0, [], 0),
        segment_command("__TEXT", 0x4000, linkedit, 0, linkedit, placed, 5),
    ]
    tail = listed + b"".join(entries) + bytes(strings)
    size = -(-len(tail) // PAGE) * PAGE
    commands.append(segment_command("__LINKEDIT", 0x4000 + linkedit, size, linkedit, len(tail), [], 1))
    commands.append(struct.pack("<6I", LC_SYMTAB, 24, linkedit + len(listed), len(entries),
                                linkedit + len(listed) + 12 * len(entries), len(strings)))
    commands.append(struct.pack("<4I", LC_FUNCTION_STARTS, 16, linkedit, len(listed)))
    commands.append(bytes(platform))
    identity = bytearray(hashlib.md5(body + tail).digest())
    identity[6], identity[8] = identity[6] & 0xF | 0x30, identity[8] & 0x3F | 0x80
    commands.append(struct.pack("<2I", LC_UUID, 24) + identity)
    joined = b"".join(commands)
    head = struct.pack("<7I", 0xFEEDFACE, sample.cpu, subtype, 2, len(commands), len(joined), 0x200085)
    Path(out).write_bytes((head + joined).ljust(PAGE, b"\0") + body + tail)


def segment_command(name, address, size, offset, filled, sections, rights):
    command = struct.pack("<2I16s8I", LC_SEGMENT, 56 + 68 * len(sections), name.encode(), address, size, offset, filled,
                          rights, rights, len(sections), 0)
    for section, segment, start, length, flags in sections:
        command += struct.pack("<16s16s9I", section.encode(), segment.encode(), start, length, start - address + offset,
                               2, 0, 0, flags, 0, 0)
    return command


def uleb(number):
    coded = bytearray()
    while True:
        byte, number = number & 0x7F, number >> 7
        coded.append(byte | (0x80 if number else 0))
        if not number:
            return bytes(coded)


def main():
    action, name, *rest = sys.argv[1:]
    if action == "link":
        return link(name, int(rest[0], 0), rest[1:])
    if action == "hide":
        return hide(Path(name), Path(rest[0]))
    data = bytearray(Path(name).read_bytes())
    if action == "print-uuid":
        macho = slices(data)[0]
        return print(str(uuid.UUID(bytes=bytes(data[macho.find(LC_UUID) + 8 :][:16]))).upper())
    if action == "subtype":
        struct.pack_into("<I", data, 8, int(rest[0], 0))
    elif action == "uuid":
        for macho in slices(data):
            at = macho.find(LC_UUID) + 8
            data[at : at + 16] = bytes.fromhex(rest[0])
    elif action == "time":
        set_times(data, [int(number, 0) for number in rest])
    elif action == "rebase":
        for macho in slices(data):
            rebase(macho, int(rest[0], 0))
    Path(name).write_bytes(data)


def set_times(data, times):
    def next_time():
        return times.pop(0) if len(times) > 1 else times[0]

    if data.startswith(b"!<arch>\n"):
        at = 8
        while at < len(data):
            size = int(data[at + 48 : at + 58])
            if not data[at + 60 :].startswith(b"__.SYMDEF"):
                data[at + 16 : at + 28] = f"{next_time():<12}".encode()
            at += 60 + size + size % 2
        return
    for macho in slices(data):
        for entry, _, kind, *_ in macho.symbols():
            if kind == N_OSO:
                struct.pack_into("<Q" if macho.wide else "<I", data, entry + 8, next_time())


def hide(source, names_file):
    """Hides what Xcode hid of bitcode: names of local functions, all names and paths of debug information."""
    head = "BCSymbolMap Version: 2.0"
    names = names_file.read_text(encoding="utf-8").splitlines()[1:] if names_file.exists() else []

    def hidden(name):
        if not name or name.startswith("__hidden#"):
            return name
        if name not in names:
            names.append(name)
        return f"__hidden#{names.index(name)}_"

    code = source.read_text(encoding="utf-8")
    local = re.findall(r'^define (?:internal|hidden|linkonce_odr hidden) .*?@("[^"]*"|[\w.$]+)\(', code, re.MULTILINE)
    for symbol in local:
        new = hidden(symbol.strip('"').replace("\\01", "\1"))
        code = re.sub(rf"@{re.escape(symbol)}(?![\w.$])", lambda _: f'@"{new}"', code)
    code = re.sub(
        r'\b(name|linkageName|filename|directory): "([^"]*)"',
        lambda m: f'{m[1]}: "{hidden(m[2])}"',
        code,
    )
    source.write_text(code, encoding="utf-8")
    names_file.write_text("\n".join([head, *names]) + "\n", encoding="utf-8")


def rebase(macho, delta):
    """64-bit files only. Function starts and exports are relative to __TEXT already."""
    for command, at, _ in macho.commands:
        if command == LC_SEGMENT_64:
            (count,) = struct.unpack_from("<I", macho.data, at + 64)
            for field in [at + 24, *(at + 72 + 80 * n + 32 for n in range(count))]:
                (address,) = struct.unpack_from("<Q", macho.data, field)
                struct.pack_into("<Q", macho.data, field, address + delta)
    for entry, _, kind, _, _, value in macho.symbols():
        if kind & N_TYPE == N_SECT or kind == N_FUN and macho.data[entry + 5]:
            struct.pack_into("<Q", macho.data, entry + 8, value + delta)


if __name__ == "__main__":
    main()
