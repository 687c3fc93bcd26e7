//! Counters: what commands ask for again and again is kept, in the write that changes it, instead
//! of counted.
//!
//! ```text
//! ImageTally   of an image: crashes with frames in it, crashes that wait for it, groups of these
//! DumpTally    of an image: minidumps whose walk asked for it, and those of them with frames in it
//! GroupTally   of a group: its crashes, the first and the last of them; and the group's place in each GroupOrder
//! ```
//!
//! A crash *waits* for an image if its signature has an address in it, or a method that its mapping
//! would name. All crashes with one signature wait for the same images, as the signature is a hash
//! of their ids, too. So who waits follows from the tallies of signatures (`../tally_changes.rs`),
//! and no counter looks at crashes one by one.
//!
//! ```text
//! changes.rs   what changes of them when tallies or the groups of signatures do
//! count.rs     all of them, counted from the crashes: for databases that have none, and to check those that are kept
//! ```

mod changes;
mod count;
mod dumps;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use symtool_module::Arch;
use symtool_report::ImageKind;

use crate::ids::GroupId;
use crate::stored::chunk::{Chunk, Place, StoredCrash, StoredImage};
use crate::stored::rows;
use crate::stored::state::{FingerprintKind, Tally};

pub use changes::{CounterChanges, SignatureChange, group_of_row};
use dumps::DumpCounts;
pub use dumps::DumpTally;

/// An image, by the first of its keys ([`rows::image_keys`]).
pub type ImageKey = [u8; 16];

/// What is counted of an image. There is none if no crash has frames in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageTally {
    /// Crashes with frames in it.
    pub crashes: u64,
    /// Crashes that wait for it.
    pub waiting: u64,
    /// Groups of those that wait.
    pub groups: u64,
}

/// How reports describe an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageFacts {
    /// File name, that of every mapping for one; absent if no report says.
    pub name: Option<String>,
    /// Its path on the device.
    pub path: Option<String>,
    /// The id to look for, as reports spell it.
    pub id: String,
    /// Architecture, as reports name it.
    pub arch: Option<Arch>,
    /// Whether it is a mapping, for Java frames.
    pub is_mapping: bool,
    /// The other key of an id that may be read in two ways.
    pub other: Option<ImageKey>,
}

/// What is counted of a group. There is none if it has no crashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupTally {
    /// Its crashes.
    pub crashes: u64,
    /// The earliest, in milliseconds since 1970; absent if no report has a time.
    pub first_ms: Option<i64>,
    /// The latest.
    pub last_ms: Option<i64>,
}

/// An order of groups. Equals are by id, and groups without a time come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupOrder {
    /// Most crashes first.
    Crashes = 0,
    /// The one with the latest crash first.
    Last = 1,
    /// The one with the earliest crash first.
    First = 2,
}

impl GroupOrder {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Crashes, Self::Last, Self::First];

    /// The key of the row of `group`, which counts `tally`.
    pub fn key(self, group: GroupId, tally: &GroupTally) -> Vec<u8> {
        // With the sign turned round, negative times sort before the others.
        let of_time = |ms: i64| ms.cast_unsigned() ^ (1 << 63);
        let rank = match self {
            Self::Crashes => Some(u64::MAX - tally.crashes),
            Self::Last => tally.last_ms.map(|ms| u64::MAX - of_time(ms)),
            Self::First => tally.first_ms.map(of_time),
        };
        rows::group_in_order(self as u8, rank, group)
    }
}

impl GroupTally {
    /// Adds crashes of a signature.
    pub fn add(&mut self, other: Self) {
        self.crashes += other.crashes;
        self.first_ms = [self.first_ms, other.first_ms].into_iter().flatten().min();
        self.last_ms = self.last_ms.max(other.last_ms);
    }
}

impl From<&Tally> for GroupTally {
    fn from(tally: &Tally) -> Self {
        Self { crashes: tally.crashes, first_ms: tally.first_ms, last_ms: tally.last_ms }
    }
}

impl ImageFacts {
    /// What `chunk` says of one of its images.
    pub fn of(chunk: &Chunk, image: &StoredImage) -> Self {
        let text = |text| chunk.text_of(text).map(str::to_owned);
        let is_mapping = image.kind == ImageKind::Proguard;
        let name = if is_mapping { Some("mapping.txt".to_owned()) } else { text(image.name) };
        Self {
            name,
            path: text(image.path),
            id: text(image.spelled_id).unwrap_or_default(),
            arch: text(image.arch).map(Arch::from),
            is_mapping,
            other: rows::image_keys(image.id.as_ref()).nth(1),
        }
    }
}

/// The key of an image that has an id.
pub fn image_key(image: &StoredImage) -> Option<ImageKey> {
    rows::image_keys(image.id.as_ref()).next().filter(|key| *key != [0; 16])
}

/// The images of a chunk by their keys.
#[derive(Debug)]
struct ChunkImages {
    /// For each image the first one that has the same key; absent without an id.
    first: Vec<Option<(usize, ImageKey)>>,
    /// Whether two images have the same key.
    has_twins: bool,
}

impl ChunkImages {
    fn of(chunk: &Chunk) -> Self {
        let mut known: HashMap<ImageKey, usize> = HashMap::new();
        let mut has_twins = false;
        let first = |(index, image): (usize, &StoredImage)| {
            let key = image_key(image)?;
            let first = *known.entry(key).or_insert(index);
            has_twins |= first != index;
            Some((first, key))
        };
        let first = chunk.images().iter().enumerate().map(first).collect();
        Self { first, has_twins }
    }

    /// Calls `each` with every one of `images`, those of a crash, once for each key.
    fn each(&self, images: &[u32], mut each: impl FnMut(usize, ImageKey)) {
        let first = |image: &u32| self.first.get(usize::try_from(*image).ok()?).copied()?;
        for (count, image) in images.iter().enumerate() {
            let Some((index, key)) = first(image) else { continue };
            let came = &images[..if self.has_twins { count } else { 0 }];
            if !came.iter().any(|other| first(other) == Some((index, key))) {
                each(index, key);
            }
        }
    }
}

/// The images that `crash` of `chunk` waits for, if its signature is of `kind` and has these
/// `frames`.
pub fn waits_of(
    chunk: &Chunk,
    crash: &StoredCrash,
    kind: FingerprintKind,
    frames: &[String],
) -> Vec<ImageKey> {
    if kind == FingerprintKind::Resolved {
        return Vec::new();
    }
    let mut waits: Vec<ImageKey> = Vec::new();
    for frame in chunk.frames(crash) {
        let Place::Image { image, .. } = frame.place else { continue };
        let key = chunk.image(image).and_then(image_key).filter(|key| !waits.contains(key));
        waits.extend(key.filter(|_| frames.contains(&chunk.spelled(frame.place))));
    }
    let mapping = crash.mapping.and_then(|image| chunk.image(image)).and_then(image_key);
    waits.extend(mapping.filter(|key| !waits.contains(key)));
    waits.sort_unstable();
    waits
}
