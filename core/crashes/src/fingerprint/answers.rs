//! Resolves the frames of many crashes in one batch.

use serde::{Deserialize, Serialize};
use symtool_report::{At, Space};

use crate::fingerprint::modules::Modules;
use crate::stored::chunk::{Chunk, Place, StoredFrame};
use symtool_store::resolve::{Answer, Extras, Rendered, Request, Resolver, View, call_address};
use symtool_store::{Module, ModuleRecord};

/// What is asked: names that llvm-symbolizer does not know are names too.
const VIEW: View = View { extras: Extras::Shown, declarations: false };

/// One frame that the store knows, as it lies between the resolver and who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known<'a> {
    /// Raw linkage name; empty where none is known.
    pub function: &'a [u8],
    /// Path; empty where none is known.
    pub file: &'a [u8],
    /// 1-based, 0 for none.
    pub line: u32,
    /// 1-based, 0 for none.
    pub column: u32,
    /// Whether it was inlined into the next frame.
    pub inlined: bool,
    /// Where the function begins, if that is known.
    pub start: Option<u64>,
}

/// What the store knows of the frames of a batch.
#[derive(Debug, Default)]
pub struct Answers {
    rendered: Rendered<()>,
}

/// Index of the module of each image of a chunk.
pub type ModuleOf = Vec<Option<usize>>;

/// Which module each image of `chunk` is a build of.
pub fn modules_of(chunk: &Chunk, modules: &Modules<'_>) -> ModuleOf {
    let find = |id, arch| modules.find(id, chunk.text_of(arch));
    chunk
        .images()
        .iter()
        .map(|image| image.id.as_ref().and_then(|id| find(id, image.arch)))
        .collect()
}

/// What `frame` asks of which module, by its number in a batch.
pub fn request(
    frame: &StoredFrame,
    number: usize,
    module_of: &ModuleOf,
    modules: &Modules<'_>,
) -> Option<Request> {
    let Place::Image { image, address, space } = frame.place else { return None };
    let module = (*module_of.get(usize::try_from(image).ok()?)?)?;
    Some(Request {
        module,
        address: self::address(modules.get(module)?, (address, space, frame.at)),
        number,
    })
}

/// The virtual address of `module` to ask for, of an address within it, what that counts from, and
/// what it is.
pub fn address(module: &Module, (address, space, at): (u64, Space, At)) -> u64 {
    let ModuleRecord { arch, image_base, .. } = &module.record;
    let address = match space {
        Space::File => address,
        Space::Image => address.wrapping_add(*image_base),
    };
    if at == At::Return { call_address(arch.as_str(), address) } else { address }
}

impl Answers {
    /// Asks all of `requests`, in one merge walk per module.
    pub fn ask(&mut self, resolver: &Resolver<'_>, requests: &mut [Request]) {
        resolver.batch_into(requests, &mut self.rendered, |_, answer, slab| {
            let Answer::Frames(mut frames) = answer else { return };
            let start = slab.len();
            let whole = frames.each(VIEW, |frame| {
                let known = Known {
                    function: frame.name,
                    file: frame.file,
                    line: frame.line,
                    column: frame.column,
                    inlined: frame.inlined,
                    start: frame.start.address(),
                };
                *slab = postcard::to_extend(&known, std::mem::take(slab)).unwrap_or_default();
            });
            if whole.is_err() {
                // Damage is reported by `modules verify`; half an inline chain would be another
                // place in the program.
                slab.truncate(start);
            }
        });
    }

    /// The frames at what request `number` asked for, innermost first; none if the store does not
    /// know it.
    pub fn frames(&self, number: usize) -> impl Iterator<Item = Known<'_>> {
        let mut rest = self.rendered.get(number).map_or(&[][..], |(bytes, ())| bytes);
        std::iter::from_fn(move || {
            let (known, after) = postcard::take_from_bytes(rest).ok()?;
            rest = after;
            Some(known)
        })
    }
}
