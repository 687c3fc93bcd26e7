#!/usr/bin/env python3
"""emulate.py: runs the images of windows/ in an emulator, and writes windows/NAME.steps.zst: what a debugger would see before each
instruction that runs for the first time, and the true return addresses of all calls that have not returned yet.

    emulate.py            refreshes all
    emulate.py NAME...    only these
    emulate.py --check    exits 1 and names those that are out of date

Each image exports functions, which are called with the arguments that RUNS lists: memory that holds the sink where they write, if a
pointer is needed. A shadow stack of calls and returns tells the callers; it knows nothing of unwind data. Needs PyPI unicorn 2.1.4 and zstd.

A file of steps is text, numbers are hexadecimal:

    image BASE              where the image lies
    registers NAME...       in the order of `values`
    keeps NAME...           in the order of `kept`
    run                     a call of an exported function; nothing said before holds any more
    step ADDRESS            relative to the image; what follows belongs to it, and replaces what was said before
    values VALUE...         of the registers; `.` is the value of the step before
    word ADDRESS VALUE      a word of the stack that has changed since the step before
    kept VALUE...           of the registers that functions keep for their callers, and of the stack pointer, as the caller had them
                            when it called
    callers ADDRESS...      return addresses, innermost first, relative to the image; `end` is the emulator's
"""
import pathlib
import struct
import subprocess
import sys

import unicorn
from unicorn import arm64_const, arm_const, x86_const

HERE = pathlib.Path(__file__).parent
WINDOWS = HERE / "windows"
STACK, STACK_BYTES, SINK, END = 0x700000, 0x40000, 0x10000, 0x5A5A0000
X64 = "rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15".split()
X86 = "eax ecx edx ebx esp ebp esi edi".split()
ARM64 = [f"x{number}" for number in range(31)] + ["sp"]
ARM = [f"r{number}" for number in range(13)] + ["sp", "lr"]
REGISTERS = {"x64": X64, "x86": X86, "arm64": ARM64, "arm": ARM}
KEPT = {
    "x64": "rbx rsi rdi rbp r12 r13 r14 r15 rsp".split(),
    "x86": "ebx ebp esi edi esp".split(),
    "arm64": ARM64[19:30] + ["sp"],
    "arm": ARM[4:12] + ["sp"],
}
# Exported functions to run, and their arguments: SINK is an address that can be written, 0 ends in a fault.
RUNS = {
    "shop64": [("checkout", (0, 2)), ("checkout", (SINK, 2)), ("leaf", (5,)), ("entry", (0, 0, 0))],
    "frames64": [("run_all", (SINK, 9))],
}
RUNS |= {name: RUNS["shop64"] for name in ("shoparm64", "shoparm", "shop86", "shop86fp", "mingw64")}
FRAMES = "frames64fp framesarm64 framesarm64pac framesarm framesarmfp frames86 frames86fp frames86os".split()
RUNS |= {name: RUNS["frames64"] for name in FRAMES}


class Image:
    """base, bytes (as they lie in memory), arch, exports {name: address}, entry"""

    def __init__(self, path):
        data = path.read_bytes()
        u16 = lambda at: struct.unpack_from("<H", data, at)[0]
        u32 = lambda at: struct.unpack_from("<I", data, at)[0]
        head = u32(0x3C)
        optional = head + 24
        is_wide = u16(optional) == 0x20B
        self.arch = {0x8664: "x64", 0x14C: "x86", 0xAA64: "arm64", 0x1C4: "arm"}[u16(head + 4)]
        self.base = struct.unpack_from("<Q", data, optional + 24)[0] if is_wide else u32(optional + 28)
        self.bytes = bytearray((u32(optional + 56) + 0xFFF) & ~0xFFF)
        self.bytes[:0x400] = data[:0x400]
        sections = optional + u16(head + 20)
        for at in range(sections, sections + 40 * u16(head + 6), 40):
            size, address, raw_size, raw = struct.unpack_from("<IIII", data, at + 8)
            count = min(size, raw_size)
            self.bytes[address : address + count] = data[raw : raw + count]
        table = u32(optional + (112 if is_wide else 96))
        count, functions, names, ordinals = struct.unpack_from("<IIII", self.bytes, table + 24)
        word = lambda at: struct.unpack_from("<I", self.bytes, at)[0]
        self.exports = {"entry": u32(optional + 16)}
        for number in range(count):
            name = word(names + 4 * number)
            name = bytes(self.bytes[name : self.bytes.index(0, name)]).decode().lstrip("_")
            self.exports[name] = word(functions + 4 * struct.unpack_from("<H", self.bytes, ordinals + 2 * number)[0])


class Run:
    """One call of an exported function."""

    def __init__(self, image, seen, out):
        self.image, self.seen, self.out = image, seen, out
        self.word = 4 if image.arch in ("x86", "arm") else 8
        kinds = {
            "x64": (unicorn.UC_ARCH_X86, unicorn.UC_MODE_64, x86_const, "UC_X86_REG_", "rsp"),
            "x86": (unicorn.UC_ARCH_X86, unicorn.UC_MODE_32, x86_const, "UC_X86_REG_", "esp"),
            # All of it is Thumb code, which addresses that lead there say by their lowest bit.
            "arm": (unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB, arm_const, "UC_ARM_REG_", "sp"),
            "arm64": (unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM, arm64_const, "UC_ARM64_REG_", "sp"),
        }
        arch, mode, const, prefix, sp = kinds[image.arch]
        self.uc = unicorn.Uc(arch, mode)
        number = lambda name: getattr(const, prefix + name.upper())
        self.numbers = [number(name) for name in REGISTERS[image.arch]]
        self.kept = [number(name) for name in KEPT[image.arch]]
        self.sp = getattr(const, prefix + sp.upper())
        self.uc.mem_map(image.base, len(image.bytes))
        self.uc.mem_write(image.base, bytes(image.bytes))
        self.uc.mem_map(STACK, STACK_BYTES)
        self.uc.mem_map(SINK, 0x1000)
        self.uc.hook_add(unicorn.UC_HOOK_CODE, self.step)
        self.thumb = int(image.arch == "arm")
        if self.thumb:
            # Vector registers can be used.
            self.uc.reg_write(arm_const.UC_ARM_REG_C1_C0_2, 0xF00000)
            self.uc.reg_write(arm_const.UC_ARM_REG_FPEXC, 0x40000000)
        # Of open calls the return address and what the caller had in registers; the instruction before.
        self.shadow, self.last = [], None
        self.told_values, self.told_words = None, {}

    def call(self, name, arguments):
        top = STACK + STACK_BYTES - 0x200
        start = self.image.base + self.image.exports[name]
        # Registers that a function keeps have values that stand out.
        for number, register in enumerate(self.numbers):
            if register != self.sp:
                self.uc.reg_write(register, 0xC0DE0000 + number)
        if self.image.arch == "x86":
            sp = top - 12
            self.uc.mem_write(sp, struct.pack("<I", END) + b"".join(struct.pack("<I", value) for value in arguments))
        elif self.image.arch == "x64":
            sp = top - 8
            self.uc.mem_write(sp, struct.pack("<Q", END))
            for register, value in zip(("rcx", "rdx", "r8"), arguments):
                self.uc.reg_write(self.numbers[X64.index(register)], value)
        else:
            sp = top
            link = ARM.index("lr") if self.thumb else ARM64.index("x30")
            self.uc.reg_write(self.numbers[link], END | self.thumb)
            for number, value in enumerate(arguments):
                self.uc.reg_write(self.numbers[number], value)
        self.uc.reg_write(self.sp, sp)
        self.open(END, sp + (self.word if self.image.arch in ("x64", "x86") else 0))
        try:
            self.uc.emu_start(start | self.thumb, END, count=2000000)
        except unicorn.UcError as error:
            if error.errno != unicorn.UC_ERR_WRITE_UNMAPPED or arguments[0] != 0:
                raise

    def open(self, address, sp):
        """A call that returns to `address`; `sp` is the stack pointer before it."""
        self.shadow.append((address, [self.uc.reg_read(number) for number in self.kept[:-1]] + [sp]))

    def load(self, address):
        return int.from_bytes(self.uc.mem_read(address, self.word), "little")

    def step(self, uc, address, size, _):
        sp = uc.reg_read(self.sp)
        if self.last:
            self.follow(address, sp, *self.last)
        self.last = address, size, sp
        if address not in self.seen:
            self.seen.add(address)
            self.tell(address, sp)

    def follow(self, address, sp, at, size, before):
        """Keeps the shadow stack, for the instruction at `at` after which `address` comes."""
        if self.image.arch == "arm64":
            code = int.from_bytes(self.uc.mem_read(at, 4), "little")
            if code >> 26 == 0b100101 or code & 0xFFFFFC1F == 0xD63F0000:  # bl, blr
                self.open(at + 4, sp)
            elif code & 0xFFFFFC1F == 0xD65F0000 or code in (0xD65F0BFF,):  # ret, retaa
                assert self.shadow.pop()[0] == address
            return
        if self.image.arch == "arm":
            return self.follow_thumb(address, sp, at, struct.unpack("<HH", self.uc.mem_read(at, 4)))
        code = bytes(self.uc.mem_read(at, size))
        opcode = next((byte for byte in code if byte not in (0xF2, 0xF3, 0x66, 0x41, 0x48)), 0)
        is_indirect = opcode == 0xFF and code[code.index(0xFF) + 1] >> 3 & 7 == 2
        if opcode == 0xE8 or is_indirect:
            assert sp == before - self.word and self.load(sp) == at + size
            self.open(at + size, before)
        elif opcode in (0xC2, 0xC3):
            assert self.shadow.pop()[0] == address

    def follow_thumb(self, address, sp, at, code):
        first, second = code
        if first & 0xF800 == 0xF000 and second & 0xD000 == 0xD000:  # bl
            self.open(at + 4, sp)
        elif first & 0xFF87 == 0x4780:  # blx
            self.open(at + 2, sp)
        elif (
            first == 0x4770  # bx lr
            or first & 0xFF00 == 0xBD00  # pop {…, pc}
            or (first == 0xE8BD and second & 0x8000)  # pop.w {…, pc}
            or (first == 0xF85D and second & 0xFF00 == 0xFB00)  # ldr pc, [sp], #…
        ):
            assert self.shadow.pop()[0] == address

    def tell(self, address, sp):
        base, out = self.image.base, self.out
        values = [self.uc.reg_read(number) for number in self.numbers]
        out.append(f"step {address - base:x}")
        told = self.told_values or [None] * len(values)
        out.append("values " + " ".join("." if value == before else f"{value:x}" for value, before in zip(values, told)))
        self.told_values = values
        memory = bytes(self.uc.mem_read(sp, STACK + STACK_BYTES - sp))
        for offset in range(0, len(memory) - self.word + 1, self.word):
            value = int.from_bytes(memory[offset : offset + self.word], "little")
            if self.told_words.get(sp + offset, 0) != value:
                out.append(f"word {sp + offset:x} {value:x}")
                self.told_words[sp + offset] = value
        out.append("kept " + " ".join(f"{value:x}" for value in self.shadow[-1][1]))
        callers = ["end" if caller == END else f"{caller - base:x}" for caller, _ in reversed(self.shadow)]
        out.append("callers " + " ".join(callers))


def steps(path):
    image, seen = Image(path), set()
    out = [f"image {image.base:x}", "registers " + " ".join(REGISTERS[image.arch]), "keeps " + " ".join(KEPT[image.arch])]
    for name, arguments in RUNS[path.stem]:
        if name in image.exports:
            out.append("run")
            Run(image, seen, out).call(name, arguments)
    return "\n".join(out) + "\n"


def main():
    names = [name for name in sys.argv[1:] if name != "--check"] or sorted(RUNS)
    stale = []
    for name in names:
        golden = WINDOWS / f"{name}.steps.zst"
        text = steps(WINDOWS / f"{name}.dll").encode()
        if "--check" in sys.argv:
            known = subprocess.run(["zstd", "-dqc", golden], capture_output=True).stdout
            stale += [name] if known != text else []
        else:
            subprocess.run(["zstd", "-19", "-qfo", golden], input=text, check=True)
            print(f"{name}: {text.count(b'step ')} instructions")
    sys.exit("out of date: " + " ".join(stale) if stale else 0)


main()
