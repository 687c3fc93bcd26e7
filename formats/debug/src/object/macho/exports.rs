//! Reads the exports trie of a Mach-O image: exported names with their addresses.
//!
//! Names are spelled by the edges on the way from the root, so that a common beginning is there
//! once (Apple, `mach-o/loader.h`, `EXPORT_SYMBOL_FLAGS_*`). Every node is looked at once: in a
//! damaged trie, edges can lead in circles.
//!
//! ```text
//! "" -- "_" -- "get" -- "Name"   0x10
//!           |        +- "Size"   0x24
//!           +- "main"            0x30
//! ```

use gimli::{EndianSlice, LittleEndian, Reader};
use hashbrown::HashSet;
use object::macho::{
    EXPORT_SYMBOL_FLAGS_KIND_ABSOLUTE, EXPORT_SYMBOL_FLAGS_KIND_MASK, EXPORT_SYMBOL_FLAGS_REEXPORT,
    ExportSymbolFlags,
};

use crate::limits::{MAX_NAME_BYTES, MIN_STRING_BYTES};

/// An exported function or variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// From the image base.
    pub offset: u64,
    /// The raw name, its leading underscore included.
    pub name: Vec<u8>,
}

/// A node on the way from the root: how much of the name it ends, and the edges that are still to
/// follow.
struct Node<'d> {
    name_bytes: usize,
    edges: EndianSlice<'d, LittleEndian>,
    left: u8,
}

/// The exports that lie in the image itself, as far as `trie` can be read, in its order.
pub fn read(trie: &[u8]) -> Vec<Export> {
    let mut exports = Vec::new();
    let mut seen = HashSet::new();
    let mut name = Vec::new();
    let mut room_bytes = MIN_STRING_BYTES.max(4 * trie.len());
    let mut path: Vec<Node<'_>> = node(trie, 0, 0, |_| {}).into_iter().collect();
    while let Some(parent) = path.last_mut() {
        name.truncate(parent.name_bytes);
        let edge = if parent.left == 0 { None } else { edge(&mut parent.edges, &mut room_bytes) };
        let Some((label, offset)) = edge else {
            path.pop();
            continue;
        };
        parent.left -= 1;
        name.extend_from_slice(label);
        if !seen.insert(offset) || name.len() > MAX_NAME_BYTES {
            continue;
        }
        let child = node(trie, offset, name.len(), |offset| {
            if name.len() <= room_bytes {
                room_bytes -= name.len();
                exports.push(Export { offset, name: name.clone() });
            }
        });
        path.extend(child);
    }
    exports
}

/// The node at `offset`, which ends `name_bytes` of a name; calls `export` if it exports something.
fn node(trie: &[u8], offset: u64, name_bytes: usize, export: impl FnOnce(u64)) -> Option<Node<'_>> {
    let mut edges = EndianSlice::new(trie.get(usize::try_from(offset).ok()?..)?, LittleEndian);
    let terminal_bytes = usize::try_from(edges.read_uleb128().ok()?).ok()?;
    let mut terminal = edges.split(terminal_bytes).ok()?;
    if terminal_bytes > 0 {
        let flags = ExportSymbolFlags(terminal.read_uleb128().ok()?);
        let is_elsewhere = flags.contains(EXPORT_SYMBOL_FLAGS_REEXPORT)
            || flags.0 & EXPORT_SYMBOL_FLAGS_KIND_MASK
                == u64::from(EXPORT_SYMBOL_FLAGS_KIND_ABSOLUTE.0);
        if !is_elsewhere {
            // Of a function with a resolver, this is the stub.
            export(terminal.read_uleb128().ok()?);
        }
    }
    let left = edges.read_u8().ok()?;
    Some(Node { name_bytes, edges, left })
}

/// The label of the first of `edges`, and the node that it leads to. Nodes may lie over each other,
/// and so may their labels: what is looked at is taken from `room_bytes`.
fn edge<'d>(
    edges: &mut EndianSlice<'d, LittleEndian>,
    room_bytes: &mut usize,
) -> Option<(&'d [u8], u64)> {
    let rest = edges.slice();
    let looked_at = &rest[..rest.len().min(MAX_NAME_BYTES + 1).min(*room_bytes)];
    let length = looked_at.iter().position(|byte| *byte == 0);
    *room_bytes -= length.map_or(looked_at.len(), |length| length + 1);
    let length = length?;
    edges.skip(length + 1).ok()?;
    Some((&rest[..length], edges.read_uleb128().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The trie of the module's docs, with its nodes at these offsets: root 0, "_" 5, "get" 18,
    /// "Name" 32, "Size" 36, "main" 40.
    fn trie() -> Vec<u8> {
        let nodes: [&[u8]; 6] = [
            b"\0\x01_\0\x05",
            b"\0\x02get\0\x12main\0\x28",
            b"\0\x02Name\0\x20Size\0\x24",
            b"\x02\0\x10\0",
            b"\x02\0\x24\0",
            b"\x02\0\x30\0",
        ];
        nodes.concat()
    }

    fn found(trie: &[u8]) -> Vec<(u64, String)> {
        read(trie)
            .into_iter()
            .map(|export| (export.offset, String::from_utf8_lossy(&export.name).into_owned()))
            .collect()
    }

    #[test]
    fn names_are_spelled_along_the_way() {
        let want = [(0x10, "_getName"), (0x24, "_getSize"), (0x30, "_main")]
            .map(|(offset, name)| (offset, name.to_owned()));
        assert_eq!(found(&trie()), want);
    }

    #[test]
    fn circles_end() {
        let mut trie = trie();
        // "main" leads back to "_".
        let at = trie.iter().position(|byte| *byte == 0x28).unwrap_or_default();
        trie[at] = 5;
        assert_eq!(found(&trie).len(), 2);
    }

    #[test]
    fn what_stands_before_the_damage_is_read() {
        let (trie, whole) = (trie(), found(&trie()));
        for length in 0..trie.len() {
            // The nodes that export something end at 36, 40 and 44; what one exports stands before
            // its last byte.
            let want = [35, 39, 43].iter().filter(|end| **end <= length).count();
            assert_eq!(found(&trie[..length]), whole[..want], "{length}");
        }
    }
}
