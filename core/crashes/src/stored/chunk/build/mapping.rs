//! Which mapping the Java frames of a report are to be retraced with.

use std::borrow::Cow;

use symtool_mapping::MapId;
use symtool_report::{CrashEvent, FrameKind, Image, ImageId, ImageKind};
use symtool_store::{Catalog, Error};

/// The mapping that an event names: as an image, or as R8 writes it into the source files of
/// frames. One that R8 calls by a few digits is the one among those `known` whose id begins so.
///
/// # Errors
/// If the catalog cannot be read.
pub fn mapping_of<'e>(
    event: &'e CrashEvent,
    known: &Catalog<'_>,
) -> Result<Option<Cow<'e, Image>>, Error> {
    let image =
        event.images.iter().find(|image| image.kind == ImageKind::Proguard && image.id.is_some());
    if let Some(image) = image {
        return Ok(Some(Cow::Borrowed(image)));
    }
    let mut java = event.frames().filter(|frame| frame.kind == FrameKind::Java);
    let Some(id) = java.find_map(|frame| MapId::of_source_file(frame.file.as_deref()?)) else {
        return Ok(None);
    };
    let bytes = match id.bytes() {
        Some(bytes) => bytes,
        None => match known.mappings_by_id(id.digits())?[..] {
            [only] => hex::decode(only.record.id.as_str()).unwrap_or_default(),
            _ => return Ok(None),
        },
    };
    Ok(Some(Cow::Owned(mapping_image(&ImageId::Whole(bytes)))))
}

/// The mapping among those `known` whose label is the release that `event` is of: as the report has
/// it, or the application's id and its version.
///
/// # Errors
/// If the catalog cannot be read.
pub fn labelled_mapping(event: &CrashEvent, known: &Catalog<'_>) -> Result<Option<Image>, Error> {
    let Some(release) = event.app.release.as_deref() else { return Ok(None) };
    let without_build = release.split_once('+').map(|(release, _)| release.to_owned());
    let of_app = event.app.id.as_deref().map(|id| format!("{id}@{release}"));
    let with_build = of_app
        .as_ref()
        .zip(event.app.build.as_deref())
        .map(|(label, build)| format!("{label}+{build}"));
    let labels: Vec<String> = [Some(release.to_owned()), without_build, with_build, of_app]
        .into_iter()
        .flatten()
        .collect();
    let mapping = known.mapping_by_label(&labels)?;
    Ok(mapping.map(|mapping| {
        mapping_image(&ImageId::Whole(hex::decode(mapping.record.id.as_str()).unwrap_or_default()))
    }))
}

/// The image that stands for the mapping `id`.
pub fn mapping_image(id: &ImageId) -> Image {
    let digits = match id {
        ImageId::Whole(bytes) => hex::encode(bytes),
        ImageId::Prefix(bytes) | ImageId::Either(bytes) => hex::encode(bytes),
    };
    Image {
        kind: ImageKind::Proguard,
        id: Some(id.clone()),
        debug_id: Some(digits.into()),
        ..Image::default()
    }
}
