# dwz: units that only hold what others share (DW_TAG_partial_unit), in the file
# itself or in a second file (.gnu_debugaltlink, DWARF 5 .debug_sup). Code and
# addresses are those of the objects of x86.sh.
# shellcheck shell=sh disable=SC2086,SC2154

# multi NAME ALT_NAME "OBJECTS" FLAGS...: objects/NAME/ with the objects and common.debug
multi() {
    name=$1 alt_name=$2 objects=$3
    shift 3
    mkdir -p "$out/$name"
    for object in $objects; do cp "$out/$object" "$out/$name"; done
    cd "$out/$name"
    "$DWZ" "$@" -j 1 -m common.debug -M "$alt_name" $objects
}

for object in c-gcc-O2-dwarf4 c-gcc-O2-dwarf5 cpp-gcc-O0-dwarf5; do
    "$DWZ" -o "$out/$object-dwz.so" "$out/$object.so"
done
multi dwz-dwarf4 common.debug "c-gcc-O2-dwarf4.so c-gcc-O2-gc-bfd-dwarf4.so"
multi dwz-dwarf5 common.debug "cpp-gcc-O0-dwarf5.so cpp-gcc-O2-dwarf5.so"
multi dwz-sup common.debug "cpp-gcc-O0-dwarf5.so cpp-gcc-O2-dwarf5.so" -5
# dwz makes up a random id for .debug_sup; here it is a fixed one.
"$PYTHON" - common.debug cpp-gcc-O0-dwarf5.so cpp-gcc-O2-dwarf5.so <<'END'
import pathlib, sys
files = [pathlib.Path(name) for name in sys.argv[1:]]
head = b"\x05\x00\x01\x00\x14"  # version 5, is a supplementary file, no name, 20 bytes of id
alt = files[0].read_bytes()
at = alt.index(head) + len(head)
for file in files:
    content = file.read_bytes()
    assert content.count(alt[at : at + 20]) == 1
    file.write_bytes(content.replace(alt[at : at + 20], bytes(range(1, 21))))
END

# As distributions do it: an absolute name; found by its build-id under a debug directory.
multi dwz-debug-dir /usr/lib/debug/.dwz/none/common.debug "cpp-gcc-O0-dwarf5.so cpp-gcc-O2-dwarf5.so"
file_by_id common.debug debug
