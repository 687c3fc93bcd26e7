//! One frame of a chain: the outermost function at the innermost line, as `--no-inlines` shows it.

use symtool_debug::{Folder, Source, Start};
use symtool_store::resolve::Frame;

/// What is known of an address, in one frame: the innermost place, and the outermost function where
/// a symbol names it (LLVM, `SymbolizableObjectFile::symbolizeCode`).
#[derive(Debug, Default)]
pub(in crate::style) struct Merged {
    innermost: Option<Innermost>,
    pub(in crate::style) name: Vec<u8>,
    linkage: Vec<u8>,
    start: Option<Start>,
    source: Option<Source>,
}

#[derive(Debug)]
struct Innermost {
    file: (Vec<u8>, Folder),
    declared_file: (Vec<u8>, Folder),
    numbers: [u32; 4],
}

impl Merged {
    pub(in crate::style) fn add(&mut self, frame: &Frame<'_>, name: &[u8]) {
        self.innermost.get_or_insert_with(|| Innermost {
            file: (frame.file.to_vec(), frame.folder),
            declared_file: (frame.declared_file.to_vec(), frame.declared_folder),
            numbers: [frame.line, frame.column, frame.discriminator, frame.declared_line],
        });
        if !frame.inlined || self.start.is_none() {
            self.name = name.to_vec();
            self.linkage = frame.name.to_vec();
            self.start = Some(frame.start);
            self.source = Some(frame.source);
        }
    }

    pub(in crate::style) fn frame(&self) -> Option<Frame<'_>> {
        let innermost = self.innermost.as_ref()?;
        let [line, column, discriminator, declared_line] = innermost.numbers;
        let ((file, folder), (declared_file, declared_folder)) =
            (&innermost.file, &innermost.declared_file);
        let (folder, declared_folder, start) =
            (*folder, *declared_folder, self.start.unwrap_or(Start::UNKNOWN));
        let (name, source) = (&self.linkage[..], self.source.unwrap_or(Source::Symtab));
        let place = Frame { file, folder, line, column, discriminator, ..NO_FRAME };
        Some(Frame { name, source, start, declared_file, declared_folder, declared_line, ..place })
    }
}

const NO_FOLDER: Folder = Folder { bytes: 0, is_entry_0: false };

pub(in crate::style) const NO_FRAME: Frame<'_> = Frame {
    function: 0,
    name: b"",
    file: b"",
    folder: NO_FOLDER,
    line: 0,
    column: 0,
    discriminator: 0,
    start: Start::UNKNOWN,
    own: None,
    declared_file: b"",
    declared_folder: NO_FOLDER,
    declared_line: 0,
    inlined: false,
    source: Source::Symtab,
};
