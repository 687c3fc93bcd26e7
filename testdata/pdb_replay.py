#!/usr/bin/env python3
"""pdb_replay.py PDB [> GOLDEN]: what a PDB says about each address of its functions, by replaying the records that llvm-pdbutil-19 prints.

Neither llvm-symbolizer nor dump_syms tells all inlined calls of a PDB rightly, so this is the oracle. It shares no code with
symtool, and reads the text of another parser. A line for each address at which something changes:

    0x11e0	shop::add|/src/lib.cc:9	shop::line_total|/src/lib.cc:14	…

innermost first, each function with its file and line; `?` for what is not known. Functions that were inlined are named by their
ids, the outermost by the public symbol at its start, else by its own record.

Rules: a row of an inlined call ends at a length, or where the next row begins (cvinfo.h, BinaryAnnotationOpcode). At an address
all calls answer that the innermost one is in. Of two line records at one address the last holds; of folded functions the one of the
module that contributed the address, and in it the first. Lines that the compiler marks as none (NSI, ASI) are 0.
"""
import bisect
import collections
import re
import struct
import subprocess
import sys

# llvm-pdbutil prints a number for it that no other output explains.
FILE_CHANGED = "*"


def pdbutil(pdb, *what):
    run = subprocess.run(["llvm-pdbutil-19", "dump", *what, pdb], capture_output=True, check=True)
    return run.stdout.decode(errors="replace").split("\n")


def by_module(lines):
    """(module, line) for each line below a module's head"""
    module = None
    for line in lines:
        if m := re.match(r"\s*Mod (\d+) \| `(.*)`", line):
            module = int(m[1])
        elif module is not None:
            yield module, line


def file_of(text):
    return re.sub(r" \((MD5|SHA-1|SHA-256|no checksum)(: [0-9A-F]*)?\)$", "", text.strip())


class Pdb:
    def __init__(self, path):
        self.path = path
        self.sections = self.read_sections()
        self.modules = {}
        for line in pdbutil(path, "-modules"):
            if m := re.match(r"\s*Mod (\d+) \| `(.*)`", line):
                self.modules[m[2].lower()] = int(m[1])
        self.inlinees = self.read_inlinees()
        self.imports, self.exports = self.read_imports(), self.read_exports()
        self.ids, self.types = self.read_ids(), self.read_types()
        self.publics = self.read_publics()
        self.contributions = self.read_contributions()
        self.lines = self.read_lines()

    def read_sections(self):
        sections = []
        for line in pdbutil(self.path, "-section-headers"):
            if re.match(r"\s*SECTION HEADER #", line):
                sections.append([0, 0])
            elif m := re.match(r"\s*([0-9A-F]+) virtual (size|address)", line):
                sections[-1][m[2] == "address"] = int(m[1], 16)
        return sections

    def at(self, section, offset):
        if not 1 <= section <= len(self.sections) or offset >= self.sections[section - 1][0]:
            return None
        return self.sections[section - 1][1] + offset

    def end(self, address, size):
        return next((min(address + size, s + n) for n, s in self.sections if s <= address < s + n), address)

    def read_inlinees(self):
        found = collections.defaultdict(dict)
        for module, line in by_module(pdbutil(self.path, "-il")):
            if m := re.match(r"\s*(0x[0-9A-F]+) \|\s+(\d+) \| (.*)", line):
                found[module].setdefault(int(m[1], 16), (file_of(m[3]), int(m[2])))
        return found

    def read_imports(self):
        found, name = collections.defaultdict(list), None
        for module, line in by_module(pdbutil(self.path, "-xmi")):
            if "Imported Module" in line:
                continue
            text = line
            if m := re.match(r"\s*(\S.*?) \|(.*)", line):
                found[module].append((m[1], []))
                text = m[2]
            ids = re.findall(r"0x[0-9A-F]+", text)
            if ids and found[module]:
                found[module][-1][1].extend(int(i, 16) for i in ids)
        return found

    def read_exports(self):
        found = collections.defaultdict(dict)
        for module, line in by_module(pdbutil(self.path, "-xme")):
            if m := re.match(r"\s*(0x[0-9A-F]+) \| (0x[0-9A-F]+)", line):
                found[module][int(m[1], 16)] = int(m[2], 16)
        return found

    def read_ids(self):
        found, head = {}, None
        for line in pdbutil(self.path, "-ids"):
            if m := re.match(r"\s+(0x[0-9A-F]+) \| (LF_\w+) \[size = \d+\](?: ID: .*?, String: (.*))?", line):
                head = (int(m[1], 16), m[2])
                if m[2] == "LF_STRING_ID":
                    found[head[0]] = (None, m[3])
            elif head and (m := re.match(r"\s+name = (.*), type = 0x[0-9A-F]+, (?:class type|parent scope) = (.*)", line)):
                scope = None if m[2].startswith("<") else int(m[2].split()[0], 16)
                found[head[0]] = ((head[1], scope), m[1])
        return found

    def read_types(self):
        found = {}
        for line in pdbutil(self.path, "-types"):
            if m := re.match(r"\s+(0x[0-9A-F]+) \| LF_(?:CLASS|STRUCTURE|UNION|ENUM|INTERFACE) \[size = \d+\] `(.*)`", line):
                found[int(m[1], 16)] = m[2]
        return found

    def read_publics(self):
        records, order, place = {}, [], None
        for line in pdbutil(self.path, "-publics", "-public-extras"):
            if m := re.match(r"\s+(\d+) \| S_PUB32 \[size = \d+\] `(.*)`", line):
                place = (int(m[1]), m[2])
            elif place and (m := re.match(r"\s+flags = .*, addr = (\d+):(\d+)", line)):
                records[place[0]] = (self.at(int(m[1]), int(m[2])), place[1])
                place = None
            elif m := re.match(r"\s+off = (\d+)", line):
                order.append(int(m[1]))
        # The last at an address names it.
        return {records[o][0]: records[o][1] for o in order if o in records}

    def read_contributions(self):
        found = []
        for line in pdbutil(self.path, "-section-contribs"):
            if m := re.search(r"\| mod = (\d+), (\d+):(\d+), size = (\d+)", line):
                address = self.at(int(m[2]), int(m[3]))
                if address is not None:
                    found.append((address, self.end(address, int(m[4])), int(m[1])))
        return sorted(found)

    def owner(self, address):
        i = bisect.bisect_right(self.contributions, (address, float("inf"), 0)) - 1
        return self.contributions[i][2] if i >= 0 and address < self.contributions[i][1] else None

    def read_lines(self):
        """{module: [(start, end, file, line)]}, of the first of sequences that begin at one address"""
        found, file, sequence = collections.defaultdict(dict), None, None
        for module, line in by_module(pdbutil(self.path, "-l")):
            if m := re.match(r"\s+([0-9A-F]{4}):([0-9A-F]{8})-([0-9A-F]{8}), line/(?:column/)?addr", line):
                start, end = self.at(int(m[1], 16), int(m[2], 16)), None
                if start is None:
                    sequence = None
                    continue
                end = self.end(start, int(m[3], 16) - int(m[2], 16))
                base = start - int(m[2], 16)
                sequence, block = found[module].setdefault((start, end), []), []
            elif sequence is not None and re.match(r"\s+(\d+|[NA]SI) [0-9A-F]{8}", line):
                for number, address in re.findall(r"(\d+|[NA]SI) ([0-9A-F]{8})", line):
                    block.append((base + int(address, 16), int(number) if number.isdigit() else 0, file))
            elif not line.strip() and sequence is not None:
                # The same stretch again is that of a folded function, unless it is of another file and has other addresses.
                if not {record[0] for record in block} & {record[0] for record in sequence}:
                    sequence.extend(block)
                sequence = None
            elif m := re.match(r"(\S.* \((?:MD5|SHA-1|SHA-256|no checksum).*)$", line):
                file = file_of(m[1])
        spans = {}
        for module, sequences in found.items():
            spans[module], at = [], 0
            for (start, end), records in sorted(sequences.items(), key=lambda item: item[0][0]):
                records = sorted(records, key=lambda r: r[0])
                for record, following in zip(records, records[1:] + [(end,)]):
                    first = max(record[0], at)
                    last = min(following[0], end)
                    if first < last:
                        spans[module].append((first, last, record[2], record[1]))
                        at = last
        return spans

    def inlinee(self, module, number):
        """name, file and line of a function"""
        own, elsewhere, index = self.inlinees[module].get(number), None, number
        if number & 0x80000000:
            name, ids = (self.imports[module] + [(None, [])] * 2048)[(number >> 20) & 0x7FF]
            local = ids[number & 0xFFFFF] if (number & 0xFFFFF) < len(ids) else None
            # Long names are cut off at their beginning.
            name = (name or "").lower()
            alike = [m for n, m in self.modules.items() if n == name or name.startswith("...") and n.endswith(name[3:])]
            source = alike[0] if name and alike else None
            if source is None or local is None:
                return None, *(own or (None, 0))
            elsewhere, index = self.inlinees[source].get(local), self.exports[source].get(local)
        scope, name = self.ids.get(index, (None, None))
        if scope and scope[1] is not None:
            outer = self.types.get(scope[1]) if scope[0] == "LF_MFUNC_ID" else self.ids.get(scope[1], (None, None))[1]
            name = f"{outer}::{name}" if outer else name
        return name, *(own or elsewhere or (None, 0))

    def stretches(self):
        """(start, end, function, part), where a function is (start, end, module, name, sites). Part 0 is where it begins, the others are
        code that was moved away (S_SEPCODE): each names an address that it belongs to, of a function or of another part."""
        functions, moved = self.procedures()
        found, parts = [(*function[:2], function, 0) for function in functions], collections.Counter()
        while moved:
            later = []
            for start, end, module, parent in moved:
                owner = next((f for s, e, f, _ in found if f[2] == module and parent is not None and s <= parent < e), None)
                if owner is None:
                    later.append((start, end, module, parent))
                    continue
                parts[owner[:3]] += 1
                found.append((start, end, owner, parts[owner[:3]]))
            if len(later) == len(moved):
                break
            moved = later
        return sorted(found, key=lambda stretch: stretch[0])

    def procedures(self):
        """functions (start, end, module, name, sites), and what was moved away (start, end, module, an address of what it belongs to)"""
        found, moved, opened, procedure, site = [], [], [], None, None
        # llvm-pdbutil prints S_SEPCODE as bytes only.
        lines = pdbutil(self.path, "-symbols", "-sym-data")
        module, separated = None, None
        for line, *following in zip(lines, lines[1:], lines[2:] + [""]):
            following = " ".join(following)
            if m := re.match(r"\s*Mod (\d+) \|", line):
                module, opened, procedure, site, separated = int(m[1]), [], None, None, None
            elif m := re.match(r"\s*\d+ \| (S_\w+) \[size = \d+\](?: `(.*)`)?", line):
                site, separated, kind = None, None, m[1]
                if re.match(r"S_[GL]PROC32(_ID)?$|S_THUNK32$", kind):
                    a, size = re.search(r"addr = (\d+):(\d+)", following), re.search(r"\bsize = (\d+)", following)
                    start = self.at(int(a[1]), int(a[2])) if a else None
                    procedure = (start, self.end(start, int(size[1])), module, m[2], []) if start is not None else (0, 0, module, "", [])
                    if start is not None:
                        found.append(procedure)
                    opened.append(None)
                elif kind in ("S_INLINESITE", "S_INLINESITE2"):
                    a = re.search(r"inlinee = (0x[0-9A-F]+)", following)
                    name, file, first = self.inlinee(module, int(a[1], 16))
                    site = Site([o for o in opened if o], name, file, first)
                    opened.append(site)
                    if procedure:
                        procedure[4].append(site)
                elif kind in ("S_BLOCK32", "S_WITH32", "S_SEPCODE"):
                    opened.append(None)
                    separated = b"" if kind == "S_SEPCODE" else None
                elif kind in ("S_END", "S_INLINESITE_END", "S_PROC_ID_END") and opened:
                    opened.pop()
            elif site and (m := re.match(r"\s+((?:[0-9A-F]{2})+)\s", line)):
                site.program += bytes.fromhex(m[1])
            elif separated is not None and (m := re.match(r"\s+[0-9A-F]{4}: ([0-9A-F ]+?)  +\|", line)):
                separated += bytes.fromhex(m[1])
                if len(separated) >= 28:
                    size, _, offset, parent, section, of = struct.unpack_from("<IIIIHH", separated, 8)
                    if (start := self.at(section, offset)) is not None:
                        moved.append((start, self.end(start, size), module, self.at(of, parent)))
                    separated = None
        for *_, sites in found:
            for site in sites:
                site.replay()
        return found, moved


class Site:
    """An inlined call: for each part of the function rows [offset in it, end, file, line]. Its program is read from the bytes that are
    printed before what llvm-pdbutil makes of them."""

    def __init__(self, callers, name, file, first):
        self.callers, self.name, self.file, self.line = callers, name, file, first
        self.code, self.rows, self.parts, self.program = 0, [], {}, b""

    def numbers(self):
        at, data = 0, self.program
        while at < len(data):
            first = data[at]
            size = 1 if first < 0x80 else 2 if first < 0xC0 else 4
            yield int.from_bytes(data[at:at + size], "big") & {1: 0x7F, 2: 0x3FFF, 4: 0x1FFFFFFF}[size]
            at += size

    def replay(self):
        signed = lambda n: -(n >> 1) if n & 1 else n >> 1
        self.rows, numbers = self.parts.setdefault(0, []), self.numbers()
        for op in numbers:
            if op == 0:
                break
            n = next(numbers)
            if op in (1, 3):
                self.code = n if op == 1 else self.code + n
                self.begin()
            elif op == 2:
                # A row that nothing ended has no addresses.
                self.rows, self.code = self.parts.setdefault(n, []), 0
            elif op == 4:
                self.close(self.code + n)
                self.code += n
            elif op == 5:
                self.file = FILE_CHANGED
            elif op == 6:
                self.line += signed(n)
            elif op == 11:
                self.line += signed(n >> 4)
                self.code += n & 0xF
                self.begin()
            elif op == 12:
                self.code += next(numbers)
                self.begin()
                self.close(self.code + n)
        for rows in self.parts.values():
            rows.sort(key=lambda row: row[0])
            for row, following in zip(rows, rows[1:]):
                row[1] = following[0] if row[1] is None else min(row[1], following[0])

    def begin(self):
        self.close(self.code)
        self.rows.append([self.code, None, self.file, self.line])

    def close(self, end):
        if self.rows and self.rows[-1][1] is None:
            self.rows[-1][1] = end

    def at(self, part, offset):
        return next((row for row in self.parts.get(part, []) if row[1] is not None and row[0] <= offset < row[1]), None)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    pdb = Pdb(sys.argv[1])
    seen = set()
    for start, end, (function, _, module, name, sites), part in pdb.stretches():
        owner = pdb.owner(start)
        if start in seen or (owner is not None and owner != module):
            continue
        seen.add(start)
        name = pdb.publics.get(function, name)
        lines = pdb.lines.get(module, [])
        points = {start}
        i = bisect.bisect_right([l[0] for l in lines], start) - 1 if lines else 0
        mine = [l for l in lines if l[0] < end and start < l[1]]
        points.update(p for l in mine for p in l[:2])
        points.update(start + p for s in sites for r in s.parts.get(part, []) for p in r[:2] if p is not None)
        for address in sorted(p for p in points if start <= p < end):
            innermost, row = None, None
            for site in sites:
                found = site.at(part, address - start)
                if found and (innermost is None or len(site.callers) > len(innermost.callers)):
                    innermost, row = site, found
            frames = []
            if innermost:
                frames.append((innermost.name, row[2], row[3]))
                for caller in reversed(innermost.callers):
                    row = caller.at(part, address - start) or (0, 0, None, 0)
                    frames.append((caller.name, row[2], row[3]))
            line = next((l for l in mine if l[0] <= address < l[1]), (0, 0, None, 0))
            frames.append((name, line[2], line[3]))
            print(f"{address:#x}", *(f"{n or '?'}|{f or '?'}:{l}" for n, f, l in frames), sep="\t")


if __name__ == "__main__":
    main()
