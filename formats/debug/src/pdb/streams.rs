//! Reads the streams of a PDB, which is a file of pages (MSF): [`Streams`].
//!
//! Pages of a stream that lie one after the other are not copied. However often page lists name a
//! page, all streams together are no longer than the file.

use std::io;
use std::ops::{Deref, Range};
use std::sync::{Mutex, PoisonError};

use pdb2::{PDB, Source, SourceSlice, SourceView, StreamIndex};

use crate::bytes::Mapped;
use crate::dwarf::Work;

/// The streams of a PDB, by number.
pub struct Streams<'w> {
    pdb: Mutex<Opened>,
    work: &'w Work,
}

struct Opened {
    pdb: PDB<'static, Pages>,
    /// Bytes that further streams may have.
    room_bytes: usize,
}

/// A stream.
pub struct Stream(Box<dyn Deref<Target = [u8]> + Send + Sync>);

impl Deref for Stream {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<'w> Streams<'w> {
    /// Reads the header of `mapped`. Looking at streams spends `work`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(mapped: &Mapped, work: &'w Work) -> Result<Self, String> {
        let pdb = PDB::open(Pages(mapped.clone())).map_err(|error| error.to_string())?;
        let room_bytes = mapped.bytes().len();
        Ok(Self { pdb: Mutex::new(Opened { pdb, room_bytes }), work })
    }

    /// The stream numbered `number`. `None` if there is none.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn get(&self, number: u16) -> Result<Option<Stream>, String> {
        let mut opened = self.pdb.lock().unwrap_or_else(PoisonError::into_inner);
        // A look-up counts through all streams before this one.
        let shared = |()| format!("stream {number}: streams share their pages");
        self.work.spend(number.into()).map_err(|_| shared(()))?;
        let stream = match opened.pdb.raw_stream(StreamIndex(number)) {
            Ok(stream) => stream,
            Err(pdb2::Error::StreamNotFound(_)) => None,
            Err(error) => return Err(format!("stream {number}: {error}")),
        };
        let bytes = stream.as_ref().map_or(0, |stream| stream.len());
        opened.room_bytes = opened.room_bytes.checked_sub(bytes).ok_or(()).map_err(shared)?;
        Ok(stream.map(|stream| Stream(Box::new(stream))))
    }
}

/// The bytes of the file.
#[derive(Debug)]
struct Pages(Mapped);

impl Source<'static> for Pages {
    fn view(
        &mut self,
        slices: &[SourceSlice],
    ) -> Result<Box<dyn SourceView<'static> + Send + Sync>, io::Error> {
        let bytes = slices.iter().fold(0usize, |bytes, slice| bytes.saturating_add(slice.size));
        if bytes > self.0.bytes().len() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it is longer than the file"));
        }
        let range = |slice: &SourceSlice| {
            let start = usize::try_from(slice.offset).ok()?;
            let range = start..start.checked_add(slice.size)?;
            self.0.bytes().get(range.clone()).map(|_| range)
        };
        let outside =
            || io::Error::new(io::ErrorKind::UnexpectedEof, "its pages lie outside the file");
        if let [only] = slices {
            return Ok(Box::new(View::Whole(self.0.clone(), range(only).ok_or_else(outside)?)));
        }
        let mut joined = Vec::with_capacity(bytes);
        for part in slices {
            joined.extend_from_slice(&self.0.bytes()[range(part).ok_or_else(outside)?]);
        }
        Ok(Box::new(View::Joined(joined)))
    }
}

/// A stream's bytes.
#[derive(Debug)]
enum View {
    Whole(Mapped, Range<usize>),
    Joined(Vec<u8>),
}

impl SourceView<'static> for View {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Whole(mapped, range) => &mapped.bytes()[range.clone()],
            Self::Joined(bytes) => bytes,
        }
    }
}

/// The bytes of `stream`, none if there is none.
pub fn bytes(stream: Option<&Stream>) -> &[u8] {
    stream.map_or(&[], |stream| stream)
}
