//! Resolves addresses of reports to functions, for people.

use std::borrow::Cow;

use symtool_demangle::{Spelling, demangle};
use symtool_mapping::{self as mapping, Context, Query, Retrace, RetraceStyle};
use symtool_module::Arch;
use symtool_report::{
    At, CrashEvent, Frame, FrameKind, Image, JavaFrame, LineFrame, Lookup, Resolution,
    ResolvedFrame, Space,
};

use crate::fingerprint::answers::{Answers, Known, address};
use crate::fingerprint::modules::Modules;
use crate::stored::{labelled_mapping, mapping_of};
use symtool_store::resolve::{Origin, Request, Resolver};
use symtool_store::{Catalog, Error, Mapping, Mappings, Module, Named, Reader};

/// The symbols of a store, ready for frames of reports.
pub struct Symbols<'s> {
    pub(super) modules: Modules<'s>,
    pub(super) resolver: Resolver<'s>,
    pub(super) mappings: Mappings<'s>,
    catalog: &'s Catalog<'s>,
}

impl<'s> Symbols<'s> {
    /// Those of `catalog`, which `reader` has.
    ///
    /// # Errors
    /// If the catalog cannot be read.
    pub fn new(reader: &'s Reader, catalog: &'s Catalog<'s>) -> Result<Self, Error> {
        let mut resolver = Resolver::default();
        let modules = catalog.modules()?;
        for module in modules {
            resolver.add(Origin::Store(reader, module));
        }
        Ok(Self {
            modules: Modules::of(modules),
            resolver,
            mappings: Mappings::new(reader),
            catalog,
        })
    }

    /// The catalog that they are of.
    pub fn catalog(&self) -> &'s Catalog<'s> {
        self.catalog
    }

    /// The modules.
    pub fn modules(&self) -> &Modules<'s> {
        &self.modules
    }

    /// What is known of each of [`CrashEvent::frames`], in their order.
    pub fn resolve(&self, event: &CrashEvent) -> Vec<Resolution> {
        let modules: Vec<Option<usize>> =
            event.images.iter().map(|image| self.module_of(image, event.arch.as_ref())).collect();
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

    /// The mapping that `event` names, if the store has it.
    ///
    /// # Errors
    /// If the catalog cannot be read.
    pub fn mapping_of(&self, event: &CrashEvent) -> Result<Option<&'s Module>, Error> {
        let image = match mapping_of(event, self.catalog)? {
            None => labelled_mapping(event, self.catalog)?.map(Cow::Owned),
            image => image,
        };
        let index = image.and_then(|image| self.modules.find(image.id.as_ref()?, None));
        Ok(index
            .and_then(|index| self.modules.get(index))
            .filter(|module| module.record.is_mapping()))
    }

    /// Retraces texts with `mapping`, in R8's style.
    pub fn retrace<'m>(&'m self, mapping: &'m Module) -> Retrace<Mapping<'m>> {
        Retrace::new(self.mappings.of(mapping), RetraceStyle::R8)
    }

    /// What `mapping` knows of the Java frames of `event`, in place of what is in `resolutions`.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn resolve_java(
        &self,
        event: &CrashEvent,
        mapping: &Module,
        resolutions: &mut [Resolution],
    ) -> Result<(), Error> {
        let mut retrace = self.retrace(mapping);
        let exceptions =
            event.exceptions.iter().map(|exception| (exception.class(), &exception.frames));
        let stacks = exceptions.chain(event.threads.iter().map(|thread| (None, &thread.frames)));
        let mut rest = resolutions.iter_mut();
        for (thrown, frames) in stacks {
            let mut context = thrown.as_deref().map(Context::thrown).unwrap_or_default();
            for (frame, resolution) in frames.iter().zip(&mut rest) {
                if frame.kind != FrameKind::Java {
                    continue;
                }
                let query = Query {
                    class: frame.module.as_deref().unwrap_or_default(),
                    method: frame.function.as_deref().unwrap_or_default(),
                    descriptor: None,
                    file: frame.file.as_deref(),
                    line: frame.line,
                };
                let found = retrace.remap_frame(&query, &mut context)?;
                if let Some(first) = found.first() {
                    *resolution = Resolution::Java(first.visible().map(java_frame).collect());
                }
            }
        }
        Ok(())
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
    fn module_of(&self, image: &Image, arch: Option<&Arch>) -> Option<usize> {
        let arch = image.arch.as_ref().or(arch);
        if let Some(id) = &image.id {
            return self.modules.find(id, arch.map(Arch::as_str));
        }
        match self.catalog.named(image.name.as_deref()?) {
            // All records have been read: there is no error.
            Ok(Named::One(module)) => self.modules.index_of(module),
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
            let frames: Vec<ResolvedFrame> = answers
                .frames(request.number)
                .map(|known| resolved(&known, request.address))
                .collect();
            if let Some(resolution) =
                resolutions.get_mut(request.number).filter(|_| !frames.is_empty())
            {
                *resolution = Resolution::Native(frames);
            }
        }
        resolutions
    }
}

fn java_frame(method: &mapping::RetracedFrame) -> JavaFrame {
    JavaFrame {
        class: method.class.clone(),
        method: method.method.clone(),
        file: Some(method.file.clone()).filter(|file| !file.is_empty()),
        line: method.line.unwrap_or(0),
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
