//! Reads an object of `debug_meta.images` as an image.

use crate::event::image::{Image, ImageKind, file_name};
use crate::readers::apple;
use crate::scan::json::{Json, Read};
use symtool_module::{Arch, CodeId, DebugId};

/// Reads one image.
pub fn image(json: &mut Json<'_>) -> Read<Image> {
    let mut image = Image::default();
    let (mut uuid, mut kind, mut name) = (None, None, None);
    let (mut cpu, mut subtype) = (None, None);
    json.object(|json, key| {
        match key {
            "type" => kind = json.text()?,
            "debug_id" => image.debug_id = json.text()?.map(DebugId::from),
            "uuid" => uuid = json.text()?.map(DebugId::from),
            "code_id" => image.code_id = json.text()?.map(CodeId::from),
            "code_file" => image.path = json.text()?,
            "name" => name = json.text()?,
            "arch" => image.arch = json.text()?.map(Arch::from),
            "cpu_type" => cpu = json.unsigned()?,
            "cpu_subtype" => subtype = json.unsigned()?,
            "image_addr" => image.load_address = json.unsigned()?,
            "image_size" => image.size = json.unsigned()?,
            "image_vmaddr" => image.vmaddr = json.unsigned()?,
            _ => json.skip()?,
        }
        Ok(())
    })?;
    image.debug_id = image.debug_id.or(uuid);
    image.path = image.path.or(name);
    image.name = image.path.as_deref().map(|path| file_name(path).to_owned());
    image.arch = image.arch.or_else(|| apple::cpu(cpu, subtype));
    image.kind = kind_of(kind.as_deref().unwrap_or_default());
    Ok(image.identified())
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
