//! Addresses of reports -> functions: in, frames as reports have them; out, what the store knows of each, for people.

use symtool_formats::crash::{At, CrashEvent, Frame, Image, LineFrame, Lookup, Resolution, ResolvedFrame, Space};
use symtool_formats::demangle::{Spelling, demangle};

use super::answers::{Answers, Known, address};
use super::modules::Modules;
use crate::resolve::{Origin, Request, Resolver};
use crate::store::{Catalog, Named, Reader};

/// The symbols of a store, ready for frames of reports.
pub struct Symbols<'s> {
    pub(super) modules: Modules<'s>,
    pub(super) resolver: Resolver<'s>,
    catalog: &'s Catalog,
}

impl<'s> Symbols<'s> {
    /// Those of `catalog`, which `reader` has.
    pub fn new(reader: &'s Reader, catalog: &'s Catalog) -> Self {
        let mut resolver = Resolver::default();
        for module in catalog.modules() {
            resolver.add(Origin::Store(reader, module));
        }
        Self { modules: Modules::of(catalog), resolver, catalog }
    }

    /// The modules.
    pub fn modules(&self) -> &Modules<'s> {
        &self.modules
    }

    /// What is known of each of [`CrashEvent::frames`], in their order.
    pub fn resolve(&self, event: &CrashEvent) -> Vec<Resolution> {
        let modules: Vec<Option<usize>> = event.images.iter().map(|image| self.module_of(image, event.arch.as_deref())).collect();
        let of_frame = |frame: &Frame| {
            let lookup = event.lookup(frame)?;
            Some((lookup, (*modules.get(lookup.image)?)?))
        };
        let asked: Vec<Option<(Lookup, usize)>> = event.frames().map(of_frame).collect();
        let asks = asked.iter().enumerate();
        let mut requests: Vec<Request> = asks
            .filter_map(|(number, asked)| {
                let (lookup, module) = (*asked)?;
                self.request(number, module, (lookup.address, lookup.space, lookup.at))
            })
            .collect();
        self.answer(&mut requests, asked.len())
    }

    /// What is known of the frame that a line of a log holds.
    pub fn resolve_line(&self, line: &LineFrame<'_>) -> Resolution {
        let request = || {
            let (image, relative) = (line.image.as_ref()?, line.frame.relative?);
            let module = self.module_of(image, line.arch)?;
            self.request(0, module, (relative.address, relative.space, line.frame.at))
        };
        let mut requests: Vec<Request> = request().into_iter().collect();
        self.answer(&mut requests, 1).pop().unwrap_or_default()
    }

    /// The module that an image is a build of; of one without id, the only module with its name.
    fn module_of(&self, image: &Image, arch: Option<&str>) -> Option<usize> {
        let arch = image.arch.as_deref().or(arch);
        if let Some(id) = &image.id {
            return self.modules.find(id, arch);
        }
        match self.catalog.named(image.name.as_deref()?) {
            Named::One(module) => self.modules.index_of(module),
            _ => None,
        }
    }

    fn request(&self, number: usize, module: usize, asked: (u64, Space, At)) -> Option<Request> {
        Some(Request { module, address: address(self.modules.get(module)?, asked), number })
    }

    fn answer(&self, requests: &mut [Request], count: usize) -> Vec<Resolution> {
        let mut answers = Answers::default();
        answers.ask(&self.resolver, requests);
        let mut resolutions = vec![Resolution::Unresolved; count];
        for request in requests.iter() {
            let frames: Vec<ResolvedFrame> = answers.frames(request.number).map(|known| resolved(&known, request.address)).collect();
            if let Some(resolution) = resolutions.get_mut(request.number).filter(|_| !frames.is_empty()) {
                *resolution = Resolution::Native(frames);
            }
        }
        resolutions
    }
}

fn resolved(known: &Known<'_>, address: u64) -> ResolvedFrame {
    let raw = String::from_utf8_lossy(known.function).into_owned();
    let demangled = demangle(known.function, Spelling::Symtool);
    ResolvedFrame {
        raw_function: demangled.is_some().then(|| raw.clone()),
        function: demangled.unwrap_or(raw),
        file: (!known.file.is_empty()).then(|| String::from_utf8_lossy(known.file).into_owned()),
        line: known.line,
        column: known.column,
        inlined: known.inlined,
        function_offset: known.start.and_then(|start| address.checked_sub(start)),
    }
}
