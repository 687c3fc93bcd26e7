#!/usr/bin/env python3
"""Writes the mappings and traces in builds/: small ones by hand, as R8 writes them, with the hash that their contents have.

`--check` only compares.
"""
import hashlib, io, json, struct, sys, zipfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "builds"
NOTES = '# {"id":"com.android.tools.r8.mapping","version":"2.2"}\n'


def mapping(body, digits=64, version="8.9.32"):
    """A mapping with `body`, whose id has so many digits of its hash."""
    text = (NOTES if digits == 64 else "") + body
    hash = hashlib.sha256(text.encode()).hexdigest()
    head = f"# compiler: R8\n# compiler_version: {version}\n# min_api: 26\n# pg_map_id: {hash[:digits]}\n# pg_map_hash: SHA-256 {hash}\n"
    return head + text, hash


def app(package):
    return f"""{package}.Lamp -> a.b:
# {{"id":"sourceFile","fileName":"Lamp.kt"}}
    int watts -> a
    1:3:void light(int):11:13 -> c
    4:4:void {package}.Wick.trim(int):5:5 -> c
    4:4:void light(int):14 -> c
{package}.Lamp$Bulb -> a.b$a:
# {{"id":"sourceFile","fileName":"Lamp.kt"}}
    1:1:void glow():7:7 -> a
{package}.Dark -> a.x:
    1:1:void <init>():9:9 -> <init>
"""


def trace(thrown, *frames):
    return "".join([f"{thrown}\n"] + [f"\tat {frame}\n" for frame in frames])


files = {}
files["hall.mapping.txt"], hall = mapping(app("house.hall"))
files["attic.mapping.txt"], attic = mapping(app("house.attic"))
files["old.mapping.txt"], old = mapping("house.old.Lamp -> q.b:\n    1:1:void light():5:5 -> a\n", 7, "1.6.84")
files["none.mapping.txt"], none = mapping("")
files["half.mapping.txt"] = files["hall.mapping.txt"][: files["hall.mapping.txt"].index("    4:4:void light")]
compose = "ComposeStackTrace -> $$compose:\n  1:1:void house.hall.RoomKt.Room():71:71 -> m$12\n"
files["compose.mapping.txt"] = files["hall.mapping.txt"] + compose
files["plain.trace.txt"] = trace("java.lang.IllegalStateException: dark", "a.b.c(SourceFile:2)", "a.b$a.a(SourceFile:1)")
for name, id in (("hall", hall), ("attic", attic), ("none", none)):
    file = f"r8-map-id-{id}"
    files[f"{name}.trace.txt"] = trace("a.x: dark", f"a.b.c({file}:2)", f"a.b$a.a({file}:1)")
files["old.trace.txt"] = trace("a.x: dark", f"q.b.a(r8-map-id-{old[:7]}:1)")
files["two.trace.txt"] = files["hall.trace.txt"] + files["attic.trace.txt"]

# A partition map, as R8's `partition` writes it.
utf = lambda text: struct.pack(">H", len(text)) + text.encode()
sized = lambda data: struct.pack(">I", len(data)) + data
head = "".join(line for line in files["hall.mapping.txt"].splitlines(True)[:5]) + NOTES
facts = struct.pack(">HH", 2, 0) + sized(head.encode()) + struct.pack(">H", 1) + sized(b"a\n")
parts = {}
for part in app("house.hall").replace("house.hall.", "\0house.hall.").split("\n\0house.hall."):
    part = "house.hall." + part.removeprefix("\0house.hall.").replace("\0", "")
    parts[part.split(" -> ")[1].split(":")[0]] = part
sources = {"id": "partitionSourceFiles", "fileNameMappings": {"house.hall.Wick": "Wicks.kt"}}
parts["a.b"] = f"# {json.dumps(sources, separators=(',', ':'))}\n" + parts["a.b"]
packed = io.BytesIO()
with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as zip:
    metadata = b"\xaa\xa8" + struct.pack(">H", 1) + utf("2.2") + sized(";".join(parts).encode()) + sized(facts)
    for name, data in [*((name, text.encode()) for name, text in parts.items()), ("METADATA", metadata)]:
        zip.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
files["hall.partition.zip"] = packed.getvalue()

wrong = 0
for name, text in files.items():
    data = text if isinstance(text, bytes) else text.encode()
    if "--check" in sys.argv:
        wrong += (FOLDER / name).read_bytes() != data
    else:
        (FOLDER / name).write_bytes(data)
sys.exit(wrong > 0)
