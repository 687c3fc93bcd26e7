//! Finds the modules of a dump in a store, and says what the store lacks of them.

use symtool_crashes::has_names;
use symtool_minidump::{CodeView, Cpu, DumpModule, DumpOs, ModuleUse};
use symtool_module::{is_same_arch, swapped_guid};
use symtool_report::ImageId;
use symtool_store::{Catalog, Error, Module};

/// Which build a module of a dump is; `None` if the dump does not say.
pub fn dump_image_id(module: &DumpModule, os: Option<DumpOs>) -> Option<ImageId> {
    let os = os.unwrap_or(DumpOs::Other(0));
    let whole = module.id(os).map(|id| id.bytes);
    let is_some = |bytes: &[u8]| bytes.iter().any(|byte| *byte != 0);
    match (&module.code_view, whole) {
        (CodeView::Pdb70 { guid, .. }, _) if !is_some(guid) => None,
        (_, Some(bytes)) => is_some(&bytes).then_some(ImageId::Whole(bytes)),
        // Old writers of Linux made a GUID of the build-id's first 16 bytes.
        (CodeView::Pdb70 { guid, .. }, None) if os.is_linux() => {
            Some(ImageId::Prefix(swapped_guid(*guid)))
        }
        (CodeView::Pdb70 { guid, .. }, None) => Some(ImageId::Either(*guid)),
        _ => None,
    }
}

/// What the store calls the architectures of modules that run on `cpu`.
pub fn arch_names(cpu: Option<Cpu>) -> &'static [&'static str] {
    match cpu {
        Some(Cpu::X86) => &["i386", "x86"],
        Some(Cpu::X64) => &["x86_64", "x86_64h"],
        Some(Cpu::Arm) => &["arm"],
        Some(Cpu::Arm64) => &["arm64", "arm64e"],
        Some(Cpu::Other(_)) | None => &[],
    }
}

/// The module that an image with `id` is a build of; where several slices have one id, the one for
/// one of `archs`.
pub fn find<'s>(
    catalog: &'s Catalog<'s>,
    id: &ImageId,
    archs: &[&str],
) -> Result<Option<&'s Module>, Error> {
    let is_build = |module: &Module| {
        let kind = module.record.kind.known();
        let ids = module.record.ids().filter_map(|digits| hex::decode(digits.as_str()).ok());
        kind.is_some_and(|kind| ids.into_iter().any(|bytes| id.is_of(kind, &bytes)))
    };
    let mut builds: Vec<&Module> = Vec::new();
    for key in id.keys() {
        // A shorter id has zeros behind it.
        let significant = key.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let digits = hex::encode(&key[..significant.max(4)]);
        let found = catalog.listed_by_id(&digits)?;
        builds.extend(found.into_iter().filter(|module| is_build(module)));
    }
    // One whose id is known as a whole comes before one of which only the beginning is.
    let is_whole = |module: &Module| match id {
        ImageId::Whole(bytes) => {
            let digits = hex::encode(bytes);
            module.record.ids().any(|known| *known == *digits)
        }
        ImageId::Prefix(_) | ImageId::Either(_) => true,
    };
    let is_arch =
        |module: &Module| archs.iter().any(|arch| is_same_arch(&module.record.arch, arch));
    Ok(builds.into_iter().max_by_key(|module| (is_arch(module), is_whole(module))))
}

/// What the store lacks of a module that a walk came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// The number of the module in the dump.
    pub module: usize,
    /// Whether it has no names of the module's functions.
    pub names: bool,
    /// Whether it has no unwind data of the module.
    pub unwind: bool,
}

impl Lacking {
    /// What `known`, the store's module of that number, lacks for what it was `used` for.
    pub(super) fn of(module: usize, used: ModuleUse, known: Option<&Module>) -> Option<Self> {
        if !used.is_visited && !used.is_scanned {
            return None;
        }
        let names = used.is_visited && known.is_none_or(|known| !has_names(known));
        let unwind = known.is_none_or(|known| known.record.unwind_rows == 0);
        (names || unwind).then_some(Self { module, names, unwind })
    }
}
