#!/usr/bin/env python3
"""Asks llvm-symbolizer for every address of every fixture.

    golden.py            writes golden/NAME.jsonl for each file in objects/, and each case of cases.json
    golden.py --check    writes nothing; exits 1 and names the files that differ
    golden.py NAME...    only these; writes, or checks with --check

A file directly in objects/ is a fixture of its own. Fixtures of several files are in folders of
objects/; cases.json says which file is asked, and how (README.md describes its fields).

A line is a run of addresses with the same answer; `end` is exclusive:

    {"start":"0x1040","end":"0x1049","frames":[["function","file",line,column],...]}

Frames are innermost first, with the empty strings and zeros llvm-symbolizer gives.
LLVM_SYMBOLIZER, LLVM_READELF and so on name other binaries than the version 19 ones. The PLT entries
of objects/plt-* are what GNU objdump names them: golden/NAME.plt.jsonl. Relocatable ELF objects with
several sections of code are asked by section as well: golden/NAME.sections.jsonl. Mach-O images
(objects/macho-image-*) have golden/NAME.{stubs,starts,exports}.jsonl by llvm-objdump.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
OBJECTS = HERE / "objects"
GOLDEN = HERE / "golden"
SYMBOLIZER = os.environ.get("LLVM_SYMBOLIZER", "llvm-symbolizer-19")
LLD = os.environ.get("LLD", "ld.lld-19")
OBJDUMP = os.environ.get("LLVM_OBJDUMP", "llvm-objdump-19")
NM = os.environ.get("LLVM_NM", "llvm-nm-19")
LIPO = os.environ.get("LLVM_LIPO", "llvm-lipo-19")
AR = os.environ.get("LLVM_AR", "llvm-ar-19")
READELF = os.environ.get("LLVM_READELF", "llvm-readelf-19")
GNU_PREFIX = {
    "EM_AARCH64": "aarch64-linux-gnu-",
    "EM_ARM": "arm-linux-gnueabihf-",
    "EM_RISCV": "riscv64-linux-gnu-",
    "EM_S390": "s390x-linux-gnu-",
    "EM_PPC": "powerpc-linux-gnu-",
    "EM_PPC64": "powerpc64-linux-gnu-",
}
FAT_MAGICS = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
MACHO_MAGICS = (b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")
LAST_ADDRESS = 0xFFFF_FFFF_FFFF_FFFF


def main():
    parser = argparse.ArgumentParser(description="Goldens of every fixture, by llvm-symbolizer.")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 on a difference")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these fixtures")
    args = parser.parse_args()

    cases = all_cases()
    unknown = set(args.names) - cases.keys()
    if unknown:
        sys.exit(f"no such fixture: {', '.join(sorted(unknown))}; see objects/ and cases.json")
    asked = {name: case for name, case in cases.items() if name in (args.names or cases)}
    wanted = {f"{name}.jsonl": golden_of(case) for name, case in sorted(asked.items())}
    for name, case in asked.items():
        if case["object"].endswith((".o", ".ko")) and not is_macho(OBJECTS / case["object"]):
            wanted[f"{name}.sections.jsonl"] = sections_golden_of(OBJECTS / case["object"])
        if name.startswith("plt-"):
            wanted[f"{name}.plt.jsonl"] = plt_golden_of(OBJECTS / case["object"])
        if name.startswith("macho-image-") and "same_as" not in case:
            for kind, text in image_goldens_of(OBJECTS / case["object"]).items():
                wanted[f"{name}.{kind}.jsonl"] = text
        if "same_as" in case:
            twin = cases[case["same_as"]]
            if wanted.pop(f"{name}.jsonl") != golden_of(twin):
                sys.exit(f"{name}: llvm-symbolizer does not answer as for {case['same_as']}")
    wanted = {name: text for name, text in wanted.items() if text}
    present = {path.name for path in GOLDEN.glob("*.jsonl")}
    if args.names:
        present &= wanted.keys()
    if args.check:
        return report_differences(wanted, present)
    GOLDEN.mkdir(exist_ok=True)
    for name in present - wanted.keys():
        (GOLDEN / name).unlink()
    for name, text in wanted.items():
        (GOLDEN / name).write_text(text, encoding="utf-8", newline="\n")
    return 0


def all_cases():
    """What to ask, by name. A case with `same_as` has the golden of another fixture; llvm-symbolizer
    has to agree, unless it cannot read what is special about the case (`unasked`).
    """
    files = [obj for obj in OBJECTS.iterdir() if obj.is_file() and magic_of(obj) not in FAT_MAGICS]
    cases = {obj.name: {"object": obj.name} for obj in files}
    listed = json.loads((HERE / "cases.json").read_text(encoding="utf-8"))
    for name, case in listed.items():
        if not (OBJECTS / case["object"]).is_file():
            sys.exit(f"cases.json: {name}: there is no objects/{case['object']}; run build.sh")
        if not case.get("unasked"):
            cases[name] = case
    for name, case in listed.items():
        if case.get("same_as", name) not in cases:
            sys.exit(f"cases.json: {name}: there is no fixture {case['same_as']}")
    return cases


def report_differences(wanted, present):
    bad = []
    for name in sorted(wanted.keys() | present):
        if name not in present:
            bad.append(f"golden/{name}: missing; run golden.py")
        elif name not in wanted:
            bad.append(f"golden/{name}: its object is gone; run golden.py")
        else:
            line = first_difference(wanted[name], (GOLDEN / name).read_text(encoding="utf-8"))
            if line:
                bad.append(f"golden/{name}: differs from line {line}")
    print("\n".join(bad) if bad else f"{len(wanted)} goldens are up to date", file=sys.stderr)
    return 1 if bad else 0


def first_difference(wanted, found):
    """The number of the first line that differs, counted from 1; 0 where none does."""
    if wanted == found:
        return 0
    pairs = zip(wanted.split("\n"), found.split("\n"))
    return next((n for n, (a, b) in enumerate(pairs, 1) if a != b), len(found.split("\n")))


def golden_of(case):
    with tempfile.TemporaryDirectory() as folder:
        return golden_of_file(file_of(case, Path(folder)), case)


def file_of(case, folder):
    """The file to ask: the object itself, or what is in it, unpacked to `folder`."""
    obj = OBJECTS / case["object"]
    if obj.suffix == ".zst":
        inflated = folder / obj.stem
        subprocess.run(["zstd", "-d", "-q", str(obj), "-o", str(inflated)], check=True)
        return inflated
    if "member" in case:
        archive = folder / "thin.a"
        subprocess.run([LIPO, "-thin", case["arch"], str(obj), "-output", str(archive)], check=True)
        subprocess.run([AR, "x", str(archive), case["member"]], check=True, cwd=folder)
        return folder / case["member"]
    return obj


def golden_of_file(obj, case):
    arch = case.get("arch")
    code, plt = code_sections(obj, arch)
    addresses = {a for start, end in code for a in range(start, end)}
    if "sample" in case:
        addresses = sampled(obj, addresses, case["sample"])
    addresses = sorted(addresses | outside(code, plt))
    return lines_of(runs_of(addresses, ask(obj, addresses, case.get("debug_dir"), arch)))


def runs_of(addresses, answers):
    """[start, end, frames] of neighbours with the same answer."""
    runs = []
    for address, frames in zip(addresses, answers, strict=True):
        if runs and runs[-1][1] == address and runs[-1][2] == frames:
            runs[-1][1] = address + 1
        else:
            runs.append([address, address + 1, frames])
    return runs


def lines_of(runs, head=None):
    return "".join(
        json.dumps(
            {**(head or {}), "start": hex(start), "end": hex(end), "frames": frames},
            ensure_ascii=False,
            separators=(",", ":"),
        )
        + "\n"
        for start, end, frames in runs
    )


def sampled(obj, addresses, sample):
    """Every `every`-th address, and all addresses of the functions whose name starts with `prefix`."""
    kept = {a for a in addresses if a % sample["every"] == 0}
    if is_macho(obj):
        symbols = macho_symbols(obj)
        for (start, name), (end, _) in zip(symbols, symbols[1:]):
            if name.startswith("_" + sample["prefix"]):
                kept |= addresses & set(range(start, end))
        return kept
    command = [READELF, "--elf-output-style=JSON", "-s", str(obj)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for entry in json.loads(output)[0]["Symbols"]:
        symbol = entry["Symbol"]
        if symbol["Name"]["Name"].startswith(sample["prefix"]):
            kept |= addresses & set(range(symbol["Value"], symbol["Value"] + symbol["Size"]))
    return kept


def outside(code, plt):
    """Addresses beside the code: both ends of the address space, both sides of each section."""
    beside = {0, LAST_ADDRESS}
    for start, end in code:
        beside |= {max(start - 1, 0), end}
    return {a for a in beside if not any(start <= a < end for start, end in plt)}


def code_sections(obj, arch=None):
    """The (start, end) of the executable sections: those of code, and those of PLT stubs.

    symtool names PLT stubs itself (`name@plt`), so they have no golden here.
    """
    code, plt = [], []
    for name, start, size in executable_sections(obj, arch):
        (plt if name.startswith(".plt") else code).append((start, start + size))
    return code, plt


def executable_sections(obj, arch=None):
    """(name, address, size) of the executable sections that are not empty."""
    if is_macho(obj):
        return [s[:3] for s in macho_sections(obj, arch) if "_INSTRUCTIONS" in s[3] and s[2]]
    command = [READELF, "--elf-output-style=JSON", "-S", str(obj)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    sections = [entry["Section"] for entry in json.loads(output)[0]["Sections"]]
    return [
        (section["Name"]["Name"], section["Address"], section["Size"])
        for section in sections
        if section["Size"] and any(f["Name"] == "SHF_EXECINSTR" for f in section["Flags"]["Flags"])
    ]


def sections_golden_of(obj):
    """Answers by section and offset, for a relocatable object with several sections of code.

    All its sections are at address 0, and llvm-symbolizer mixes them up. So lld links it, each
    section at an address of its own, and the linked file is asked.
    """
    names = [(name, size) for name, _, size in executable_sections(obj)]
    if len(names) < 2:
        return ""
    at = {name: 0x1000_0000 + 0x10_0000 * n for n, (name, _) in enumerate(names)}
    script = "".join(f'"{name}" {base:#x} : {{ *("{name}") }}\n' for name, base in at.items())
    with tempfile.TemporaryDirectory() as folder:
        linked = Path(folder) / obj.name
        (Path(folder) / "script").write_text(f"SECTIONS {{\n{script}}}\n")
        command = [LLD, "-e", "0", "--no-relax", "--unresolved-symbols=ignore-all", "-T", f"{folder}/script"]
        subprocess.run([*command, str(obj), "-o", str(linked)], check=True)
        placed = {name: (start, size) for name, start, size in executable_sections(linked)}
        for name, size in names:
            if placed.get(name) != (at[name], size):
                sys.exit(f"{obj.name}: lld changed {name}: {placed.get(name)}")
        text = ""
        for name, size in names:
            addresses = range(at[name], at[name] + size)
            runs = runs_of(range(size), ask(linked, addresses, None))
            text += lines_of(runs, {"section": name})
        return text


def plt_golden_of(obj):
    """The PLT entries as GNU objdump names them; the rest of the PLTs is left out."""
    _, plt = code_sections(obj)
    command = [READELF, "--elf-output-style=JSON", "-h", str(obj)]
    header = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    prefix = GNU_PREFIX.get(header[0]["ElfHeader"]["Machine"]["Name"], "")
    command = [f"{prefix}objdump", "--disassemble", str(obj)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    labels = [(int(at, 16), name) for at, name in re.findall(r"^([0-9a-f]+) <(.*)>:$", output, re.MULTILINE)]
    runs = []
    for start, end in plt:
        inside = [(at, name) for at, name in labels if start <= at < end]
        ends = [at for at, _ in inside[1:]] + [end]
        for (at, name), stop in zip(inside, ends):
            if name.endswith("@plt"):
                runs.append([at, stop, [[name, "", 0, 0]]])
    return lines_of(runs)


def magic_of(obj):
    with obj.open("rb") as file:
        return file.read(4)


def is_macho(obj):
    return magic_of(obj) in FAT_MAGICS + MACHO_MAGICS


def macho_sections(obj, arch=None):
    """(name, address, size, attributes, type, size of a stub) of each section."""
    command = [OBJDUMP, "--macho", "--private-headers", *([f"--arch={arch}"] if arch else []), str(obj)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    field = r"^ *{} (.*)$"
    found = []
    for part in re.split(r"^Section\n", output, flags=re.MULTILINE)[1:]:
        name, address, size, attributes, kind, stub = (
            re.search(field.format(label), part, re.MULTILINE)[1]
            for label in ("sectname", "addr", "size", "attributes", "type", "reserved2")
        )
        found.append((name, int(address, 16), int(size, 16), attributes, kind, int(stub.split()[0])))
    return found


def macho_symbols(obj):
    """(address, name) of the defined symbols, by address."""
    output = subprocess.run(
        [NM, "--defined-only", "--numeric-sort", str(obj)], check=True, capture_output=True, text=True
    ).stdout
    return [(int(line.split()[0], 16), line.split(maxsplit=2)[2]) for line in output.splitlines()]


def image_goldens_of(obj):
    """What an image without a symbol table still says: stubs, function starts, the export trie.

    Names are without the underscore that C names have in Mach-O, as llvm-symbolizer gives them.
    """

    def listed(option, pattern):
        command = [OBJDUMP, "--macho", option, str(obj)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = re.findall(pattern, output, re.MULTILINE)
        return [(int(address, 16), name.removeprefix("_")) for address, name in found]

    stubs = [s for s in macho_sections(obj) if s[4] == "S_SYMBOL_STUBS"]
    runs = [
        [at, at + s[5], [[name, "", 0, 0]]]
        for at, name in listed("--indirect-symbols", r"^(0x[0-9a-f]+) +\d+ (.*)$")
        for s in stubs
        if s[1] <= at < s[1] + s[2]
    ]
    rows = {
        "starts": listed("--function-starts", r"^([0-9a-f]{8,16})()$"),
        "exports": listed("--exports-trie", r"^(0x[0-9A-F]+)  (\S+)"),
    }
    pairs = {
        kind: "".join(json.dumps([hex(at), name], separators=(",", ":")) + "\n" for at, name in found)
        for kind, found in rows.items()
    }
    return {"stubs": lines_of(runs), **pairs}


def ask(obj, addresses, debug_dir, arch=None):
    command = [
        SYMBOLIZER,
        f"--obj={obj}",
        "--output-style=JSON",
        "--inlines",
        "--functions=linkage",
        "--no-demangle",
    ]
    if debug_dir:
        command.append(f"--debug-file-directory={OBJECTS / debug_dir}")
    if arch:
        command.append(f"--default-arch={arch}")
    stdin = "".join(f"{address:#x}\n" for address in addresses)
    # A relative DW_AT_comp_dir is relative to the folder llvm-symbolizer runs in.
    run = subprocess.run(command, check=True, capture_output=True, text=True, input=stdin, cwd=obj.parent)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    for address, answer in zip(addresses, answers, strict=True):
        if "Error" in answer or int(answer["Address"], 16) != address:
            sys.exit(f"{obj.name}: {address:#x}: unexpected answer {answer}")
    return [
        [[s["FunctionName"], s["FileName"], s["Line"], s["Column"]] for s in answer["Symbol"]]
        for answer in answers
    ]


if __name__ == "__main__":
    sys.exit(main())
