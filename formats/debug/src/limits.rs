//! Bounds what input may cost, each bound with its reason.

/// Frames in one inline chain. Real code stays below 100; a generated file can nest without end,
/// and every answer would have to print all of it.
pub const MAX_INLINE_DEPTH: u32 = 1024;

/// Parts of a function of a PDB that the compiler moved away. It makes one or two; each is looked
/// for in the annotations of all inlined calls.
pub const MAX_CODE_PARTS: usize = 256;

/// Hops from a function through `DW_AT_specification` and `DW_AT_abstract_origin` to its name.
/// Compilers need three; a cycle would never end.
pub const MAX_NAME_HOPS: usize = 16;

/// Bytes of one function name or path. The longest string in the debug data of a real C++ library
/// (librgw) has 14,721 bytes, its longest symbol 2,437.
pub const MAX_NAME_BYTES: usize = 64 << 10;

/// Bytes of all distinct names, and of all distinct paths, of a small file; a large one may have
/// four times its size. Names can overlap in a file, so that a small one could expand without end.
pub const MIN_STRING_BYTES: usize = 8 << 20;

/// Steps of reading the debug data of a file, besides [`STEPS_PER_BYTE`]: what tables that refer to
/// each other may cost in all. A step takes some tens of instructions at most.
pub const MIN_STEPS: u64 = 4 << 20;

/// Steps for each byte of the debug sections. Reading librgw takes one; a file that dwz has taken
/// apart, where many units share a table of files, three.
pub const STEPS_PER_BYTE: u64 = 16;

/// Steps for one entry of a range list, which takes two bytes at least, and in memory up to a
/// hundred. Compilers give each list to one function.
pub const STEPS_PER_RANGE: u64 = 64;

/// Steps for one byte of a path, put together from folder and name.
pub const STEPS_PER_PATH_BYTE: u64 = 4;

/// Steps for a chain of inlined calls, where a unit has more than four of them for each function: a
/// function under many symbols has its chains once for each. One takes some hundred bytes of
/// memory.
pub const STEPS_PER_CHAIN: u64 = 64;

/// Steps for a chain of calls in a PDB: an inlined call has one for each line of its caller, some
/// hundred bytes of memory.
pub const STEPS_PER_PDB_CHAIN: u64 = 64;

/// Bytes of one line of a Breakpad symbol file. The longest are those of inlined calls in many
/// places, each place with some ten bytes, and names.
pub const MAX_RECORD_BYTES: usize = 1 << 20;

/// Steps for one byte of a table of abbreviations that begins within another. Compilers write
/// tables one after the other.
pub const STEPS_PER_OVERLAPPING_BYTE: u64 = 64;

/// Bytes of tables of abbreviations that are kept, or as many as the section has. Parsed, a byte
/// takes up to five. Tables beyond that, which lie over others, are parsed for each unit.
pub const MIN_CACHED_ABBREVIATION_BYTES: u64 = 64 << 10;

/// Attributes of an abbreviation that are looked at for free; of one with more, each costs a step
/// whenever a unit first uses it or a name is looked up. Compilers write up to 30.
pub const MAX_SHORT_ATTRIBUTES: usize = 64;

/// Bytes of one debug section once expanded, for each byte of the file. Compressed debug data
/// shrinks to a third or a fifth; zlib can pretend a thousandfold, zstd more.
pub const MAX_EXPANSION: u64 = 64;

/// KiB of memory that expanding `.gnu_debugdata` or an `.xz` file may take. xz's strongest preset needs 65 MiB.
pub const MAX_XZ_KIB: u32 = 128 << 10;

/// Bytes of one member of an archive that has to be unpacked: it is held in memory, as a file on
/// disk is not.
pub const MAX_MEMBER_BYTES: u64 = 2 << 30;

/// Bytes that all members of one archive, and of archives in it, may take once unpacked;
/// [`MAX_EXPANSION`] for each byte of the archive if that is more. Members of small archives can be
/// mostly padding.
pub const MIN_UNPACKED_BYTES: u64 = 64 << 20;

/// Bytes of a packed file or archive whose length shows only when it is unpacked, into a file. The
/// debug data of a browser has some 5 GB.
pub const MAX_SPOOLED_BYTES: u64 = 16 << 30;

/// Bytes of the window that unpacking zstd may take, as a power of two: what `zstd` itself takes
/// unless it is told otherwise.
pub const MAX_ZSTD_WINDOW_LOG: u32 = 27;

/// Archives within archives: a library in a Debian package makes four, with what is packed counted,
/// a `.zip` around them five. Files exist that contain themselves.
pub const MAX_NESTED_ARCHIVES: usize = 6;

/// Bytes of a `.bcsymbolmap`; those of large apps have a few million.
pub const MAX_SYMBOL_MAP_BYTES: usize = 64 << 20;

/// Bytes of the property list of a dSYM; they have some hundred.
pub const MAX_PROPERTY_LIST_BYTES: usize = 64 << 10;

/// Object files of one debug map. Each is mapped, and a process may have some 65,000 mappings on
/// Linux.
pub const MAX_OBJECTS: usize = 20_000;

/// Entries of `LC_FUNCTION_STARTS`. Chrome's framework has about a million functions.
pub const MAX_FUNCTION_STARTS: usize = 4 << 20;

/// Slices of a universal Mach-O file. Apple has had some twenty architectures; a header can declare
/// a million.
pub const MAX_SLICES: usize = 64;

/// Bytes of one source file in debug data or in a bundle. The amalgamation of `SQLite` has 9 MB.
pub const MAX_SOURCE_BYTES: u64 = 16 << 20;

/// Source files of one file with debug data. Chrome has some 100,000.
pub const MAX_SOURCE_FILES: usize = 1_000_000;

/// Members of a zip file whose names are held.
pub const MAX_ZIP_NAMES: usize = 1_000_000;

/// Bytes of their names.
pub const MAX_ZIP_NAMES_BYTES: usize = 256 << 20;
