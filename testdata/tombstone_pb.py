#!/usr/bin/env python3
"""Writes crashes/tombstone.pb: a message as Android's debuggerd/proto/tombstone.proto describes it, field by field."""
from pathlib import Path


def varint(number):
    out = bytearray()
    number &= (1 << 64) - 1
    while True:
        out.append(number & 0x7F | (0x80 if number > 0x7F else 0))
        number >>= 7
        if not number:
            return bytes(out)


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def frame(rel_pc, base, path, build_id="", function="", offset=0, map_offset=0):
    return (field(1, rel_pc) + field(2, base + rel_pc) + field(3, 0x7FC0000000) + field(4, function) * bool(function)
            + field(5, offset) + field(6, path) + field(7, map_offset) + field(8, build_id) * bool(build_id))


def thread(tid, name, frames):
    body = field(1, tid) + field(2, name) + field(3, field(1, "x0") + field(2, 7)) + b"".join(field(4, one) for one in frames)
    return field(16, field(1, tid) + field(2, body))


TIDE, LIBC = "5f0c" * 10, "0a" * 16
APK = "/data/app/~~Qw==/com.example.tide-Zx==/base.apk!libtide.so"
message = b"".join([
    field(1, 1),
    field(2, "example/boat/boat:15/AB1C/7654321:user/release-keys"),
    field(4, "2025-06-11 07:44:10.500123456+0000"),
    field(5, 8344), field(6, 8370), field(7, 10144),
    field(8, "u:r:untrusted_app:s0"),
    field(9, "com.example.tide"), field(9, "--argument"),
    field(10, field(1, 8) + field(2, "SIGFPE") + field(3, 1) + field(4, "FPE_INTDIV") + field(8, 1) + field(9, 0x7D1C2F0E10)),
    field(14, "tide table is empty"),
    field(15, field(1, "divided by an empty table")),
    thread(8344, "ample.tide", [frame(0xC2D8C, 0x7A40000000, "/apex/com.android.runtime/lib64/bionic/libc.so", LIBC, "__epoll_pwait", 12)]),
    thread(8370, "Gauge reader", [
        frame(0x4E10, 0x7D1C2EC000, APK, TIDE, "tide::Gauge::mean()", 48, 0x88000),
        frame(0x5120, 0x7D1C2EC000, APK, TIDE, map_offset=0x88000),
        frame(0x1B2C3D, 0x7D30000000, "/data/app/~~Qw==/com.example.tide-Zx==/oat/arm64/base.odex", "", "com.example.tide.Gauge.read", 144),
        frame(0x9C3F4, 0x7A40000000, "/apex/com.android.runtime/lib64/bionic/libc.so", LIBC, "__pthread_start(void*)", 208),
        frame(0x40, 0x7A50000000, "<anonymous:7a50000000>"),
    ]),
    field(17, field(1, 0x7A40000000) + field(2, 0x7A40100000) + field(4, 1) + field(6, 1)
          + field(7, "/apex/com.android.runtime/lib64/bionic/libc.so") + field(8, LIBC)),
    field(18, field(1, "main") + field(2, field(1, "06-11 07:44:10.000") + field(6, "hello"))),
    field(20, 12), field(22, 4096),
])
Path(__file__).with_name("crashes").joinpath("tombstone.pb").write_bytes(message)
