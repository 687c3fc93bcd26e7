//! What lines of machine code say of a frame, put together: its image, its addresses, its name.

use crate::event::frame::{At, Frame, Relative, Space};
use crate::event::image::{Image, ImageKind, file_name};
use crate::readers::lines::line::NativeLine;
use crate::scan::text::{hex, some};

/// What a line says of a frame in an image.
#[derive(Debug, Default)]
pub struct FoundFrame<'a> {
    /// The address in the process.
    pub address: Option<u64>,
    /// The address in the file or the image.
    pub relative: Option<Relative>,
    /// The function.
    pub function: Option<String>,
    /// The path of the image, or what stands for it.
    pub path: &'a str,
    /// Its build-id, as printed.
    pub build_id: Option<&'a str>,
    /// Where the image begins in its package, in bytes.
    pub package_offset: Option<u64>,
    /// What the address is.
    pub at: At,
}

impl FoundFrame<'_> {
    /// The frame and its image.
    pub fn line(self) -> NativeLine {
        let Self { address, relative, function, path, build_id, package_offset, at } = self;
        let image = image(path, build_id).map(|image| Image { package_offset, ..image });
        let frame =
            Frame { address, relative, function, package: some(path), at, ..Frame::default() };
        NativeLine { frame, image, ..NativeLine::default() }
    }
}

/// An address as the file has it.
pub fn in_file(address: u64) -> Relative {
    Relative { address, space: Space::File }
}

/// An address from the first page on.
pub fn in_image(address: u64) -> Relative {
    Relative { address, space: Space::Image }
}

/// The file at `path`. `<unknown>`, `<anonymous:7f…>`, `[anon:…]`, `[vdso]`, `//anon` and what a
/// JIT has made are memory that no file is in.
pub fn image(path: &str, build_id: Option<&str>) -> Option<Image> {
    let is_memory = path.starts_with(['<', '['])
        || ["/memfd:", "/dev/ashmem/", "/dev/zero"].iter().any(|start| path.starts_with(start));
    let is_file = !path.is_empty() && !is_memory && !matches!(path, "n/a" | "???" | "//anon");
    is_file.then(|| {
        Image {
            kind: ImageKind::Elf,
            code_id: build_id.and_then(some),
            name: some(file_name(path)),
            path: some(path),
            ..Image::default()
        }
        .identified()
    })
}

/// Takes `(BuildId: ID)` off the end.
pub fn strip_build_id(rest: &str) -> (&str, Option<&str>) {
    let rest = rest.trim_end();
    let Some((front, id)) = rest.strip_suffix(')').and_then(|rest| rest.rsplit_once("(BuildId"))
    else {
        return (rest, None);
    };
    (front.trim_end(), Some(id.trim_start_matches([':', ' ']).trim()))
}

/// `FUNCTION+N` or `FUNCTION+0xN`: the function, unless it is a placeholder.
pub fn function_name(text: &str) -> Option<String> {
    let name = match text.rsplit_once('+') {
        Some((name, offset)) if hex(offset.trim_start()).is_some() => name.trim_end(),
        _ => text,
    };
    known(name)
}

/// A name, unless it says that there is none.
pub fn known(name: &str) -> Option<String> {
    let name = name.trim();
    if matches!(name, "??" | "???" | "n/a" | "(unknown)" | "<unknown>" | "<null>" | "(null)") {
        None
    } else {
        some(name)
    }
}
