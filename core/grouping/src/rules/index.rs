//! Finds the few patterns that can match a name.
//!
//! A pattern is filed under what its matches begin or end with, in a tree of bytes; for one with
//! wildcards at both ends what is between them is searched.

use memchr::memmem::Finder;

use super::glob::Glob;

/// Bytes of a beginning or end that are filed. What follows is compared by the pattern itself.
const MAX_FILED_BYTES: usize = 32;

/// The patterns for one field.
#[derive(Debug, Default)]
pub struct Index {
    prefixes: Tree,
    suffixes: Tree,
    others: Vec<(Finder<'static>, u32)>,
}

impl Index {
    /// Files `glob` as number `id`.
    pub fn add(&mut self, id: u32, glob: &Glob) {
        let (prefix, suffix) = (glob.prefix().0, glob.suffix());
        if prefix.len() > 3 || !prefix.is_empty() && prefix.len() >= suffix.len() {
            self.prefixes.add(id, prefix.iter());
        } else if suffix.is_empty() {
            self.others.push((Finder::new(glob.within()).into_owned(), id));
        } else {
            self.suffixes.add(id, suffix.iter().rev());
        }
    }

    /// Calls `found` for each pattern that may match `name`.
    pub fn candidates(&self, name: &[u8], mut found: impl FnMut(u32)) {
        self.prefixes.walk(name.iter(), &mut found);
        self.suffixes.walk(name.iter().rev(), &mut found);
        self.others
            .iter()
            .filter(|(text, _)| text.find(name).is_some())
            .for_each(|(_, id)| found(*id));
    }
}

#[derive(Debug)]
struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    children: Vec<(u8, usize)>,
    ends: Vec<u32>,
}

impl Default for Tree {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

impl Tree {
    fn add<'a>(&mut self, id: u32, bytes: impl Iterator<Item = &'a u8>) {
        let mut node = 0;
        for byte in bytes.take(MAX_FILED_BYTES) {
            let next =
                self.nodes[node].children.iter().find(|(of, _)| of == byte).map(|(_, next)| *next);
            node = next.unwrap_or_else(|| {
                let new = self.nodes.len();
                self.nodes.push(Node::default());
                self.nodes[node].children.push((*byte, new));
                new
            });
        }
        self.nodes[node].ends.push(id);
    }

    fn walk<'a>(&self, bytes: impl Iterator<Item = &'a u8>, found: &mut impl FnMut(u32)) {
        let mut node = &self.nodes[0];
        for byte in bytes {
            let Some((_, next)) = node.children.iter().find(|(of, _)| of == byte) else { return };
            node = &self.nodes[*next];
            node.ends.iter().for_each(|id| found(*id));
        }
    }
}
