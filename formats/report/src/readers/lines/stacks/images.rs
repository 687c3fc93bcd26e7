//! Collects images: each once, and found by its file's name.

use super::Stacks;
use crate::event::image::Image;
use symtool_module::CodeId;

/// What tells one image from another.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ImageKey {
    path: Option<String>,
    code_id: Option<CodeId>,
    package_offset: Option<u64>,
}

impl Stacks {
    /// The first image that has a file's name.
    pub fn named(&mut self, name: &str) -> Option<&mut Image> {
        let index = *self.names.get(name)?;
        self.event.images.get_mut(usize::try_from(index).ok()?)
    }

    /// Adds an image of which it is known where it was loaded, or says that of one that frames have
    /// named.
    pub fn loaded(&mut self, image: Image) {
        let named = image.name.as_deref().and_then(|name| self.named(name));
        match named.filter(|known| known.load_address.is_none() && known.id.is_none()) {
            Some(known) => *known = Image { path: known.path.take(), ..image },
            None => drop(self.image(image)),
        }
    }

    /// The index of `image`, which is added unless it is there.
    pub fn image(&mut self, image: Image) -> Option<u32> {
        let key = ImageKey {
            path: image.path.clone(),
            code_id: image.code_id.clone(),
            package_offset: image.package_offset,
        };
        if let Some(index) = self.images.get(&key) {
            return Some(*index);
        }
        let index = self.event.images.len();
        let name = image.name.clone();
        self.room.push_image(&mut self.event.images, image);
        let index = (index < self.event.images.len()).then(|| u32::try_from(index).ok())??;
        if let Some(name) = name {
            self.names.entry(name).or_insert(index);
        }
        self.images.insert(key, index);
        Some(index)
    }
}
