//! Reads the memory map of a tombstone: what was loaded and where.
//!
//! ```text
//!     0000007f'8b3a1000-0000007f'8b3a2fff r-x         0      2000  /system/lib64/libx.so (BuildId: 1122…) (load bias 0x1000)
//! ```

use crate::event::image::{Image, ImageKind, file_name};
use crate::scan::text::{between, hex, some, word};

use super::stacks::Stacks;
use symtool_module::CodeId;

/// One mapping of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    start: u64,
    /// Exclusive.
    end: u64,
    is_code: bool,
    path: &'a str,
    build_id: Option<&'a str>,
}

/// Reads one line. A mapping that no file is in has an empty path.
pub fn entry(line: &str) -> Option<Entry<'_>> {
    let line = line.strip_prefix("--->").unwrap_or(line);
    let (range, rest) = word(line)?;
    let (start, last) = range.split_once('-')?;
    let number = |text: &str| hex(&text.replace('\'', ""));
    let (start, end) = (number(start)?, number(last)?.saturating_add(1));
    let (access, rest) = word(rest)?;
    let path = rest.find('/').map_or("", |at| &rest[at..]);
    let path = path.find(" (").map_or(path, |end| &path[..end]).trim_end();
    Some(Entry {
        start,
        end,
        is_code: access.contains('x'),
        path,
        build_id: between(rest, "(BuildId: ", ")"),
    })
}

/// The mappings of one file, which follow each other.
#[derive(Debug, Default)]
pub struct Mapping {
    path: String,
    build_id: Option<CodeId>,
    start: u64,
    end: u64,
    is_code: bool,
}

impl Mapping {
    /// Adds a mapping; if it is another file's, the file so far goes into `stacks`.
    pub fn add(&mut self, entry: &Entry<'_>, stacks: &mut Stacks) {
        if self.path != entry.path {
            std::mem::take(self).flush(stacks);
            entry.path.clone_into(&mut self.path);
            self.start = entry.start;
        }
        self.end = entry.end;
        self.is_code |= entry.is_code;
        if let Some(build_id) = entry.build_id {
            self.build_id = some(build_id);
        }
    }

    /// Adds the file to the images, or to what is known of it from frames.
    pub fn flush(self, stacks: &mut Stacks) {
        if self.path.is_empty() || !self.is_code {
            return;
        }
        let known = stacks.event.images.iter_mut().find(|image| {
            image.path.as_deref() == Some(&self.path) && image.load_address.is_none()
        });
        let size = self.end.checked_sub(self.start);
        if let Some(image) = known {
            (image.load_address, image.size) = (Some(self.start), size);
            if image.id.is_none() {
                image.kind = ImageKind::Elf;
                image.code_id = self.build_id;
                *image = std::mem::take(image).identified();
            }
            return;
        }
        let image = Image {
            kind: ImageKind::Elf,
            code_id: self.build_id,
            name: some(file_name(&self.path)),
            path: some(&self.path),
            load_address: Some(self.start),
            size,
            ..Image::default()
        }
        .identified();
        stacks.image(image);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let line = "0000007f'8b3a1000-0000007f'8b3a2fff r-x         0      2000  /system/lib64/my lib.so (BuildId: 1122) (load bias 0x1000)";
        let want = Entry {
            start: 0x7f_8b3a_1000,
            end: 0x7f_8b3a_3000,
            is_code: true,
            path: "/system/lib64/my lib.so",
            build_id: Some("1122"),
        };
        assert_eq!(entry(line), Some(want));
        let want = Entry { start: 0x1000, end: 0x2000, is_code: false, path: "", build_id: None };
        assert_eq!(entry("--->1000-1fff rw-         0      1000  [anon:libc_malloc]"), Some(want));
        for line in ["", "--->Fault address falls at 0 before any mapped regions", "x-y r-x 0 0 /a"]
        {
            assert_eq!(entry(line), None, "{line}");
        }
    }
}
