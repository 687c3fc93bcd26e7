//! The Markdown pages of the repository, and their parts.

use std::fs;
use std::path::{Path, PathBuf};

/// A page.
pub struct Page {
    /// From the root of the repository.
    pub name: String,
    pub text: String,
}

/// A block between fences.
pub struct Block<'p> {
    /// What stands behind the opening fence.
    pub language: &'p str,
    /// Number of its first line.
    pub line: usize,
    pub lines: Vec<&'p str>,
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// README.md and its neighbours, and everything in `docs/`.
pub fn all() -> Vec<Page> {
    let markdown = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
    };
    let mut paths = [markdown(&root()), markdown(&root().join("docs"))].concat();
    paths.sort();
    let pages: Vec<Page> =
        paths.iter().map(|path| page(path.strip_prefix(root()).unwrap())).collect();
    assert!(pages.len() > 20, "pages are missing");
    pages
}

pub fn page(name: &Path) -> Page {
    let text = fs::read_to_string(root().join(name)).unwrap();
    Page { name: name.to_str().unwrap().to_owned(), text }
}

impl Page {
    pub fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut open: Option<Block<'_>> = None;
        for (number, line) in self.text.lines().enumerate() {
            match (line.trim_start().strip_prefix("```"), open.take()) {
                (Some(_), Some(block)) => blocks.push(block),
                (Some(language), None) => {
                    open = Some(Block { language, line: number + 2, lines: Vec::new() });
                }
                (None, Some(mut block)) => {
                    block.lines.push(line);
                    open = Some(block);
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a block is not closed", self.name);
        blocks
    }

    /// Everything outside of blocks.
    pub fn text_outside(&self) -> String {
        let text = self.prose().join("\n");
        assert!(
            text.matches('`').count().is_multiple_of(2),
            "{}: a code span is not closed",
            self.name
        );
        text
    }

    /// The lines outside of blocks.
    pub fn prose(&self) -> Vec<&str> {
        let mut is_prose = true;
        let mut lines = Vec::new();
        for line in self.text.lines() {
            if line.trim_start().starts_with("```") {
                is_prose = !is_prose;
            } else if is_prose {
                lines.push(line);
            }
        }
        lines
    }
}

/// The code spans of a text; one may go on in the next line.
pub fn code(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The cells of a row of a table, or none.
pub fn cells(line: &str) -> Option<Vec<&str>> {
    Some(line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect())
}
