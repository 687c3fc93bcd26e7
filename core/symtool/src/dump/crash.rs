//! What a dump says of a crash, to be stored: where it crashed, without names. Those are looked for
//! when the crash is grouped, as of every report.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use symtool_crashes::limits::MAX_STACK_FRAMES;
use symtool_crashes::{ReadDump, ReadDumps, Reading, StoredDump, WalkedDump, Weight};
use symtool_minidump::{
    Completeness, DumpExtent, DumpOs, DumpSource, DumpWalk, FoundRule, FrameTrust, Minidump,
    SystemInfo, UnwindRows, WalkFrame,
};
use symtool_module::Arch;
use symtool_report::{
    At, CrashEvent, Format, Frame, Image, ImageId, ImageKind, Reason, Relative, Space, Thread,
    Trust,
};
use symtool_store::{Catalog, Error, Module, Reader};

use super::modules::{self, arch_names};
use super::rows::{AskedRows, OpenedRows, StoreRows};
use super::{DumpLosses, DumpModules, dump_error, dump_image_id};
use super::{code_id, debug_id, file_name, version};

/// Reads minidumps, and walks them by the unwind data of a store.
pub struct StoreDumps<'s> {
    reader: &'s Reader,
    catalog: &'s Catalog<'s>,
    /// Modules that were looked for, by their ids and the first name of their architecture.
    found: Mutex<HashMap<Wanted, Option<&'s Module>>>,
    /// What no thread is using.
    opened: Mutex<Vec<OpenedRows<'s>>>,
}

/// A module that is looked for.
type Wanted = (ImageId, Option<&'static str>);

impl<'s> StoreDumps<'s> {
    /// With the unwind data of `reader`, whose modules `catalog` has.
    pub fn new(reader: &'s Reader, catalog: &'s Catalog<'s>) -> Self {
        Self { reader, catalog, found: Mutex::default(), opened: Mutex::default() }
    }

    fn find(
        &self,
        id: ImageId,
        archs: &'static [&'static str],
    ) -> Result<Option<&'s Module>, Error> {
        let wanted = (id, archs.first().copied());
        let lock = || self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = lock().get(&wanted) {
            return Ok(*found);
        }
        let found = modules::find(self.catalog, &wanted.0, archs)?;
        lock().insert(wanted, found);
        Ok(found)
    }

    fn opened(&self) -> MutexGuard<'_, Vec<OpenedRows<'s>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoreDumps<'_> {
    /// Walks the thread of `dump` that crashed. What was found, and why unwind data cannot be read.
    fn walk_dump(
        &self,
        dump: &Minidump<'_>,
    ) -> Result<(DumpWalk, WalkedDump, Option<String>), Error> {
        let archs = arch_names(dump.cpu());
        let modules = DumpModules::find_by(self.reader, dump, |id| self.find(id, archs))?;
        let opened = self.opened().pop().unwrap_or_default();
        let mut rows = StoreRows::new(self.reader, &modules.modules, opened);
        let walk = dump.walk_crashed(&mut rows);
        let AskedRows { mut opened, asked, damaged } = rows.into_asked();
        opened.trim();
        self.opened().push(opened);
        let told = damaged.first().map(|(module, error)| {
            let path = dump.modules.get(*module).and_then(|module| module.name.as_deref());
            format!("unwind data of {}: {error}", file_name(path))
        });
        let damaged = damaged.iter().map(|(module, _)| *module).collect();
        let walked = walked(dump, &walk, &asked, damaged);
        Ok((walk, walked, told))
    }
}

impl ReadDumps for StoreDumps<'_> {
    fn read(&self, bytes: &[u8]) -> Result<Reading<ReadDump>, Error> {
        let dump = match Minidump::read(bytes) {
            Ok(dump) => dump,
            Err(error) => return Ok(Reading::Unreadable(dump_error(&error))),
        };
        let (walk, walked, damaged) = self.walk_dump(&dump)?;
        let read = read(&dump, &walk, walked);
        Ok(Reading::Done(ReadDump { damage: read.damage.or(damaged), ..read }))
    }

    fn walk(&self, dump: &StoredDump<'_>) -> Result<Reading<WalkedDump>, Error> {
        Ok(match Minidump::open(&Fetched(dump)) {
            Ok(dump) => Reading::Done(self.walk_dump(&dump)?.1),
            Err(error) => Reading::Unreadable(dump_error(&error)),
        })
    }

    fn event(&self, dump: &StoredDump<'_>) -> Option<CrashEvent> {
        BareDumps.event(dump)
    }

    fn annotations(&self, dump: &StoredDump<'_>) -> Vec<(String, String)> {
        BareDumps.annotations(dump)
    }
}

/// Reads minidumps, and walks them without any unwind data.
#[derive(Clone, Copy, Debug, Default)]
pub struct BareDumps;

impl BareDumps {
    fn walk_dump(dump: &Minidump<'_>) -> (DumpWalk, WalkedDump) {
        let mut rows = NoRows(vec![false; dump.modules.len()]);
        let walk = dump.walk_crashed(&mut rows);
        let walked = walked(dump, &walk, &rows.0, BTreeSet::new());
        (walk, walked)
    }
}

impl ReadDumps for BareDumps {
    fn read(&self, bytes: &[u8]) -> Result<Reading<ReadDump>, Error> {
        Ok(match Minidump::read(bytes) {
            Ok(dump) => {
                let (walk, walked) = Self::walk_dump(&dump);
                Reading::Done(read(&dump, &walk, walked))
            }
            Err(error) => Reading::Unreadable(dump_error(&error)),
        })
    }

    fn walk(&self, dump: &StoredDump<'_>) -> Result<Reading<WalkedDump>, Error> {
        let source = Fetched(dump);
        Ok(match Minidump::open(&source) {
            Ok(dump) => Reading::Done(Self::walk_dump(&dump).1),
            Err(error) => Reading::Unreadable(dump_error(&error)),
        })
    }

    fn event(&self, dump: &StoredDump<'_>) -> Option<CrashEvent> {
        Minidump::open(&Fetched(dump)).ok().map(|dump| event(&dump, false))
    }

    fn annotations(&self, dump: &StoredDump<'_>) -> Vec<(String, String)> {
        let source = Fetched(dump);
        let Some(crashpad) = Minidump::open(&source).ok().and_then(|dump| dump.crashpad) else {
            return Vec::new();
        };
        let of_modules = crashpad.modules.into_iter().flat_map(|module| module.annotations);
        crashpad.annotations.into_iter().chain(of_modules).collect()
    }
}

/// A stored minidump, as it is read.
#[derive(Debug)]
pub(super) struct Fetched<'d>(pub(super) &'d StoredDump<'d>);

impl DumpSource for Fetched<'_> {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> bool {
        self.0.read(offset, buffer)
    }
}

/// No unwind data; by the number of each module, whether it was asked for.
struct NoRows(Vec<bool>);

impl UnwindRows for NoRows {
    fn find(&mut self, module: usize, _: u64) -> FoundRule<'_> {
        if let Some(asked) = self.0.get_mut(module) {
            *asked = true;
        }
        FoundRule::NoData
    }
}

/// What `dump` says, of which a walk has found the frames. By their numbers in the dump: which
/// modules were asked for unwind data, and which of these have some that is damaged.
fn walked(
    dump: &Minidump<'_>,
    walk: &DumpWalk,
    asked: &[bool],
    damaged: BTreeSet<usize>,
) -> WalkedDump {
    let is_told = tells_place(dump);
    let mut images = Images { dump, indices: BTreeMap::new(), list: Vec::new() };
    let mut threads: Vec<Thread> = Vec::with_capacity(walk.threads.len());
    let mut depth = 0;
    for (number, walked) in walk.threads.iter().enumerate() {
        let name = walked.thread.and_then(|thread| dump.threads.get(thread)?.name.clone());
        let crashed = walk.crashed == Some(number);
        let mut thread = Thread { id: Some(walked.id.into()), name, crashed, ..Thread::default() };
        if is_told && !walked.frames.is_empty() {
            depth = walked.frames.len() as u64 + walked.frames_left_out;
            thread.frames = ends(&walked.frames).map(|frame| images.frame(frame)).collect();
        }
        threads.push(thread);
    }
    let asked = (0..asked.len()).filter(|module| asked[*module]);
    let asked: Vec<usize> = asked.map(|module| images.index(module)).collect();
    let damaged = damaged.into_iter().map(|module| images.index(module)).collect();
    let mut event = event(dump, is_told);
    (event.images, event.threads, event.crashed_thread) = (images.list, threads, walk.crashed);
    event.fill_in();
    WalkedDump { event, depth: u32::try_from(depth).unwrap_or(u32::MAX), asked, damaged }
}

/// How much `dump` says of what was `walked`, and what of it is missing.
fn read(dump: &Minidump<'_>, walk: &DumpWalk, walked: WalkedDump) -> ReadDump {
    let extent = dump.extent();
    let damage = if extent.is_cut_off() {
        Some(format!("{extent}; upload it again"))
    } else {
        DumpLosses::of(&extent, walk).lost.into_iter().next()
    };
    ReadDump { walked, weight: weight(dump, &extent), damage }
}

/// Whether what is there of a dump says where it crashed.
fn tells_place(dump: &Minidump<'_>) -> bool {
    !dump.is_cut_off() || dump.crash_site() == (Completeness::Whole, Completeness::Whole)
}

/// How much a dump says, whatever is in the store: of two, a whole one says more, then one that says
/// where it crashed, then one with more stacks. Texts about the same crash say less than that.
fn weight(dump: &Minidump<'_>, extent: &DumpExtent) -> Weight {
    let stacks = (dump.threads.len() as u64).saturating_sub(extent.missing.stacks);
    Weight {
        is_whole: !extent.is_cut_off(),
        frames: if tells_place(dump) { u32::MAX } else { 0 },
        stacks: u32::try_from(stacks).unwrap_or(u32::MAX),
    }
}

/// Both ends of a stack, as far as they are stored: three quarters of it from the crashing side.
fn ends(frames: &[WalkFrame]) -> impl Iterator<Item = &WalkFrame> {
    let near = frames.len().min(MAX_STACK_FRAMES);
    let far = frames.len().saturating_sub(near).min(MAX_STACK_FRAMES);
    frames[..near].iter().chain(&frames[frames.len() - far..])
}

/// What is known besides stacks and images.
fn event(dump: &Minidump<'_>, is_told: bool) -> CrashEvent {
    let mut event = CrashEvent::new(Format::Mdmp);
    event.time_ms = (dump.time != 0).then(|| i64::from(dump.time) * 1000);
    event.arch = arch_names(dump.cpu()).first().map(|arch| Arch::from(*arch));
    event.os.name = dump.os().map(|os| os.name().to_owned());
    event.os.version = dump.system.as_ref().and_then(SystemInfo::os_version);
    event.process.pid = dump.process.id.map(u64::from);
    event.process.path = dump.modules.first().and_then(|main| main.name.clone());
    event.process.name = event.process.path.as_deref().map(|path| file_name(Some(path)).to_owned());
    event.reason = reason(dump);
    if let Some(crashpad) = &dump.crashpad {
        event.event_id = crashpad.report_id.map(hex::encode);
        event.app.id = crashpad.product().map(str::to_owned);
        event.app.release = crashpad.version().map(str::to_owned);
    }
    if !is_told {
        // Without a stack, crashes with one message would be one group.
        event.reason.message = None;
    }
    event
}

fn reason(dump: &Minidump<'_>) -> Reason {
    let mut reason = Reason::default();
    if let (Some(exception), Some(system)) = (&dump.exception, &dump.system) {
        reason.take_breakpad(&exception.reason(system));
        reason.fault_address = Some(exception.crash_address(system));
    }
    reason.message = dump.assertion.as_ref().map(|assertion| assertion.expression.clone());
    reason.message = reason.message.filter(|message| !message.is_empty());
    reason
}

/// The images that frames lie in, or a walk asked for.
struct Images<'d> {
    dump: &'d Minidump<'d>,
    /// By the number of a module.
    indices: BTreeMap<usize, usize>,
    list: Vec<Image>,
}

impl Images<'_> {
    /// The index of the image of a module.
    fn index(&mut self, module: usize) -> usize {
        let Self { dump, indices, list } = self;
        *indices.entry(module).or_insert_with(|| {
            list.push(image(dump, module));
            list.len() - 1
        })
    }

    fn frame(&mut self, walked: &WalkFrame) -> Frame {
        let module = walked.module();
        let base =
            module.and_then(|module| self.dump.modules.get(module)).map(|module| module.base);
        let offset = base.and_then(|base| walked.address.checked_sub(base));
        Frame {
            address: Some(walked.address),
            relative: offset.map(|address| Relative { address, space: Space::Image }),
            at: if walked.is_exact { At::Instruction } else { At::Return },
            image: module.and_then(|module| u32::try_from(self.index(module)).ok()),
            trust: Some(trust(walked.trust)),
            ..Frame::default()
        }
    }
}

fn image(dump: &Minidump<'_>, module: usize) -> Image {
    let kind = match dump.os() {
        Some(DumpOs::Windows) => ImageKind::Pe,
        Some(os) if os.is_apple() => ImageKind::MachO,
        Some(os) if os.is_linux() => ImageKind::Elf,
        _ => ImageKind::Unknown,
    };
    let Some(module) = dump.modules.get(module) else { return Image::default() };
    Image {
        kind,
        id: dump_image_id(module, dump.os()),
        debug_id: debug_id(module),
        code_id: code_id(module, dump.os()),
        load_address: Some(module.base),
        size: Some(module.size),
        name: module.name.as_deref().map(|path| file_name(Some(path)).to_owned()),
        path: module.name.clone(),
        arch: arch_names(dump.cpu()).first().map(|arch| Arch::from(*arch)),
        version: version(module),
        ..Image::default()
    }
}

fn trust(trust: FrameTrust) -> Trust {
    match trust {
        FrameTrust::Context => Trust::Context,
        FrameTrust::Cfi => Trust::Cfi,
        FrameTrust::Leaf => Trust::Leaf,
        FrameTrust::FramePointer => Trust::FramePointer,
        FrameTrust::Scan => Trust::Scan,
    }
}
