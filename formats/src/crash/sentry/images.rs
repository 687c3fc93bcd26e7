//! `debug_meta.images`: in, one object; out, an image.

use crate::crash::image::{Image, ImageKind, file_name, image_id};
use crate::crash::json::{Json, Read};

use super::{text, unsigned};

/// Reads one image.
pub fn image(json: &mut Json<'_>) -> Read<Image> {
    let mut image = Image::default();
    let (mut uuid, mut kind, mut name) = (None, None, None);
    json.object(|json, key| {
        match key {
            "type" => kind = text(json)?,
            "debug_id" => image.debug_id = text(json)?,
            "uuid" => uuid = text(json)?,
            "code_id" => image.code_id = text(json)?,
            "code_file" => image.path = text(json)?,
            "name" => name = text(json)?,
            "arch" => image.arch = text(json)?,
            "image_addr" => image.load_address = unsigned(json)?,
            "image_size" => image.size = unsigned(json)?,
            "image_vmaddr" => image.vmaddr = unsigned(json)?,
            _ => json.skip()?,
        }
        Ok(())
    })?;
    image.debug_id = image.debug_id.or(uuid);
    image.path = image.path.or(name);
    image.name = image.path.as_deref().map(|path| file_name(path).to_owned());
    image.kind = kind_of(kind.as_deref().unwrap_or_default());
    image.id = image_id(image.kind, image.debug_id.as_deref(), image.code_id.as_deref());
    Ok(image)
}

/// `symbolic` is what older servers called native images of any kind.
fn kind_of(name: &str) -> ImageKind {
    match name {
        "elf" => ImageKind::Elf,
        "macho" | "apple" => ImageKind::MachO,
        "pe" | "pe_dotnet" => ImageKind::Pe,
        "proguard" => ImageKind::Proguard,
        "" | "symbolic" => ImageKind::Unknown,
        _ => ImageKind::Other,
    }
}
