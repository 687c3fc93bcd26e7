//! Files of `/proc` and `/etc` that Breakpad and Crashpad save on Linux.

use scroll::{Endian, Pread};

use super::reader::FileRange;

/// Where files of `/proc` and `/etc` are in the dump, as they were. Empty if it does not have one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinuxFiles {
    /// `/proc/cpuinfo`.
    pub cpu_info: FileRange,
    /// `/proc/self/status`.
    pub status: FileRange,
    /// `/etc/lsb-release`, or `/etc/os-release`.
    pub lsb_release: FileRange,
    /// `/proc/self/cmdline`: arguments with a zero after each.
    pub command_line: FileRange,
    /// `/proc/self/environ`: variables with a zero after each.
    pub environment: FileRange,
    /// `/proc/self/auxv`; [`auxiliary_vector`] reads it.
    pub auxiliary_vector: FileRange,
    /// `/proc/self/maps`; [`linux_maps`] reads it.
    pub maps: FileRange,
    /// `/proc/self/limits`.
    pub limits: FileRange,
}

/// A line of `/proc/self/maps`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinuxMap<'a> {
    /// The first address.
    pub start: u64,
    /// The first address after it.
    pub end: u64,
    /// `r`, `w`, `x`, and `p` or `s`, with `-` for each that is missing.
    pub permissions: &'a str,
    /// Where it begins in its file, in bytes.
    pub offset: u64,
    /// The file's path, or a name such as `[stack]`. Empty if it has none.
    pub path: &'a str,
}

/// The lines of `/proc/self/maps` that can be read (`proc_pid_maps(5)`).
pub fn linux_maps(text: &[u8]) -> impl Iterator<Item = LinuxMap<'_>> {
    text.split(|byte| *byte == b'\n').filter_map(|line| map(std::str::from_utf8(line).ok()?))
}

fn map(line: &str) -> Option<LinuxMap<'_>> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let mut fields = rest.splitn(4, ' ');
    let (permissions, offset, _device) = (fields.next()?, fields.next()?, fields.next()?);
    let path = fields.next()?.trim_start_matches(|c: char| c.is_ascii_digit()).trim();
    let hex = |digits| u64::from_str_radix(digits, 16).ok();
    Some(LinuxMap { start: hex(start)?, end: hex(end)?, permissions, offset: hex(offset)?, path })
}

/// The entries of `/proc/self/auxv`: kinds (`AT_…` of `getauxval(3)`) and their values.
pub fn auxiliary_vector(
    bytes: &[u8],
    word_bytes: u64,
    endian: Endian,
) -> impl Iterator<Item = (u64, u64)> + '_ {
    let size = if word_bytes == 4 { 4 } else { 8 };
    let word = move |at: &[u8]| match size {
        4 => at.pread_with::<u32>(0, endian).ok().map(u64::from),
        _ => at.pread_with::<u64>(0, endian).ok(),
    };
    bytes
        .chunks_exact(2 * size)
        .filter_map(move |pair| Some((word(pair)?, word(&pair[size..])?)))
        .take_while(|(kind, _)| *kind != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_maps() {
        let text = b"7f00-7f10 r-xp 00001000 08:01 1234     /usr/lib/lib with space.so\n\
            junk\nffffff600000-ffffff601000 --xp 00000000 00:00 0 [vsyscall]\n1-2 rw-p 0 00:00 0";
        let maps: Vec<LinuxMap<'_>> = linux_maps(text).collect();
        assert_eq!(
            maps[0],
            LinuxMap {
                start: 0x7f00,
                end: 0x7f10,
                permissions: "r-xp",
                offset: 0x1000,
                path: "/usr/lib/lib with space.so"
            }
        );
        assert_eq!((maps[1].path, maps[2].path, maps.len()), ("[vsyscall]", "", 3));
    }

    #[test]
    fn entries_of_the_auxiliary_vector_end_with_a_zero() {
        let words = [33_u32, 0x1000, 6, 4096, 0, 0, 9, 9];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let entries: Vec<_> = auxiliary_vector(&bytes, 4, Endian::Little).collect();
        assert_eq!(entries, [(33, 0x1000), (6, 4096)]);
    }
}
