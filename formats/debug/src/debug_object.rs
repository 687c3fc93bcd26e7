//! Joins an object file and the files with its debug data: [`DebugObject`].

use std::path::Path;

use symtool_module::Detail;
use xxhash_rust::xxh3::xxh3_64;

use crate::bytes::{Error, Mapped};
use crate::companions::debug_map::Objects;
use crate::companions::{Search, debug_files, image};
use crate::inspect::ServerRole;
use crate::module::ModuleInfo;
use crate::object::{ObjectFile, pe};

/// A parsed object file, and the files that its debug data is in.
#[derive(Debug)]
pub struct DebugObject<'d> {
    pub(crate) own: ObjectFile<'d>,
    /// The debug file that was split from it.
    debug: Option<Box<ObjectFile<'d>>>,
    /// The object files with the debug data of an image.
    pub(crate) objects: Option<Objects<'d>>,
}

impl<'d> DebugObject<'d> {
    /// Parses the headers of `mapped` and finds out what it is.
    ///
    /// # Errors
    /// [`Error::NotAnObject`] or [`Error::Damaged`].
    pub fn parse(mapped: &'d Mapped) -> Result<Self, Error> {
        Ok(Self { own: ObjectFile::parse(mapped)?, debug: None, objects: None })
    }

    /// What the file says about itself.
    pub fn info(&self) -> &ModuleInfo {
        &self.own.info
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        self.own.path()
    }

    /// The path of the debug file that was split from this one, if [`DebugObject::with_debug_data`]
    /// was given it.
    pub fn debug_path(&self) -> Option<&Path> {
        self.debug().map(ObjectFile::path)
    }

    /// The debug file that was split from this one, if it is found and this one has no debug data
    /// itself.
    pub fn debug_file(&self, search: &Search) -> Option<Mapped> {
        debug_files::debug_file(&self.own, search)
    }

    /// The PDB of an image of Windows, if it lies beside it.
    pub fn pdb(&self, search: &Search) -> Option<Mapped> {
        let name = pe::pdb_name(&self.own.object)?;
        image::find_pdb(self.own.path(), &name, &self.own.info.id, search)
    }

    /// The same with the debug data of `debug`, which was split from it; else with that of the
    /// object files that it was linked from, where it says which (Mach-O). Symbols and code stay
    /// its own, as in llvm-symbolizer.
    #[must_use]
    pub fn with_debug_data(mut self, debug: Option<Self>, search: &Search) -> Self {
        if self.own.info.detail == Detail::Debug {
            return self;
        }
        if let Some(debug) = debug.filter(|debug| debug.own.info.detail == Detail::Debug) {
            self.own.info.detail = Detail::Debug;
            let both =
                [self.own.info.fingerprint.to_le_bytes(), debug.own.info.fingerprint.to_le_bytes()]
                    .concat();
            self.own.info.fingerprint = xxh3_64(&both);
            self.debug = Some(Box::new(debug.own));
            return self;
        }
        self.objects =
            Objects::open(&self.own.object, self.own.path(), &self.own.info.arch, search);
        if self.objects.as_ref().is_some_and(Objects::any) {
            self.own.info.detail = Detail::DebugMap;
        }
        self
    }

    /// The debug file that was split from it.
    pub(crate) fn debug(&self) -> Option<&ObjectFile<'d>> {
        self.debug.as_deref()
    }

    /// The file with the debug data.
    pub(crate) fn data(&self) -> &ObjectFile<'d> {
        self.debug().unwrap_or(&self.own)
    }

    /// What a symbol server hands the file out as.
    pub fn server_role(&self) -> ServerRole {
        let has_code = self.own.has_code();
        ServerRole {
            has_code,
            has_debug_data: !has_code || self.own.has_units(),
            code_id: pe::code_id(&self.own.object),
        }
    }

    /// The file's size in bytes.
    pub fn bytes(&self) -> usize {
        self.own.mapped.bytes().len()
    }

    /// Bytes of memory that [`DebugObject::read`] may take, roughly: a file's worth, and its
    /// sections expanded.
    pub fn working_bytes(&self) -> u64 {
        let objects = self.objects.as_ref().map_or(0, Objects::bytes);
        self.own
            .working_bytes()
            .saturating_add(self.debug().map_or(0, ObjectFile::working_bytes))
            .saturating_add(objects)
    }
}
