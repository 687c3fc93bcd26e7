#!/usr/bin/env python3
"""sepcode.py shop64.pdb OUT: writes a PDB in which shop::fault is code that was moved out of shop::Cart::total (S_SEPCODE). Only
Microsoft's compiler writes such records, from a profile. The first three bytes of that code are of the call of taxed in it."""
import pathlib
import struct
import sys

S_GPROC32, S_SEPCODE = 0x1110, 0x1132
FAULT, TOTAL = b"shop::fault\0", b"shop::Cart::total\0"
# Annotations of taxed: the last two, and two zeros; in their place part 1, from 0 on, three bytes.
LAST_OF_TAXED, IN_PART_1 = bytes.fromhex("0b09 0417 0329 0418 0000"), bytes.fromhex("0b09 0417 0201 0300 0403")


def procedure(data, name):
    """where the record of the function begins, its bytes, section, offset and size"""
    places = [at - 39 for at in range(len(data)) if data.startswith(name, at)]
    (record,) = (at for at in places if struct.unpack_from("<H", data, at + 2)[0] == S_GPROC32)
    (bytes_,) = struct.unpack_from("<H", data, record)
    (size,), (offset, section) = struct.unpack_from("<I", data, record + 16), struct.unpack_from("<IH", data, record + 32)
    return record, bytes_, section, offset, size


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    data = bytearray(pathlib.Path(sys.argv[1]).read_bytes())
    record, bytes_, section, offset, size = procedure(data, FAULT)
    _, _, parent_section, parent, _ = procedure(data, TOTAL)
    _parent, end = struct.unpack_from("<II", data, record + 4)
    fields = struct.pack("<IIIIIIHH", 0, end, size, 0, offset, parent, section, parent_section)
    data[record:record + 2 + bytes_] = struct.pack("<HH", bytes_, S_SEPCODE) + fields.ljust(bytes_ - 2, b"\0")
    assert data.count(LAST_OF_TAXED) == 1
    pathlib.Path(sys.argv[2]).write_bytes(data.replace(LAST_OF_TAXED, IN_PART_1))


main()
