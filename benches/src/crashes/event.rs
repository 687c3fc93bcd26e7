//! Writes a crash as Sentry's event JSON, one line of about 3 KB.
//!
//! Nothing here needs escaping: names, paths and numbers are our own.

use std::fmt::Write;

use super::build::Linked;
use super::modules::RECIPES;
use super::platform::Platform;
use super::stack::{Crash, Frame};
use super::system::{LIBRARY_BYTES, system};

/// Appends the line of `crash`, of the build with these modules. What it may leave out depends on
/// `variant` alone.
pub fn write(out: &mut String, crash: &Crash, modules: &[Linked], variant: u8) {
    // A string takes all that is written to it.
    let _ = try_write(out, crash, modules, variant);
}

/// An image, as reports name it.
pub struct Image<'a> {
    /// Its path on the device.
    pub path: String,
    /// Its build-id or UUID.
    pub id: std::borrow::Cow<'a, [u8]>,
    /// Its size in memory.
    pub size: u64,
    /// Its first page's own address.
    pub base: u64,
}

/// Image number `index` of `crash`.
pub fn image<'a>(crash: &Crash, modules: &'a [Linked], index: usize) -> Image<'a> {
    match (modules.get(index), RECIPES.get(index)) {
        (Some(linked), Some(recipe)) => {
            let path = crash.platform.folder(crash.install).join(crash.platform.file_name(recipe));
            let module = &linked.module;
            Image {
                path: path.to_string_lossy().into_owned(),
                id: (&module.id[..]).into(),
                size: module.size,
                base: module.base,
            }
        }
        _ => {
            let (system, library) = (system(crash.platform), index.saturating_sub(RECIPES.len()));
            let bytes = if crash.platform.is_apple() { 16 } else { 20 };
            let id = system.library_id(crash.version, library, bytes).into();
            Image { path: system.libraries[library].to_owned(), id, size: LIBRARY_BYTES, base: 0 }
        }
    }
}

/// The release of a build.
pub fn release(build: usize) -> String {
    format!("shop@3.{build}.0")
}

fn try_write(out: &mut String, crash: &Crash, modules: &[Linked], variant: u8) -> std::fmt::Result {
    let system = system(crash.platform);
    let Crash { event_id, seconds, build, .. } = crash;
    let (platform, arch) = match crash.platform {
        Platform::Linux => ("native", "x86_64"),
        Platform::Android => ("native", "arm64"),
        Platform::Ios => ("cocoa", "arm64"),
    };
    write!(
        out,
        r#"{{"event_id":"{event_id}","timestamp":{seconds}.{:03},"platform":"{platform}","level":"fatal""#,
        crash.install % 1000
    )?;
    write!(
        out,
        r#","release":"{}","dist":"{}","environment":"production","#,
        release(*build),
        1000 + build
    )?;
    let os = system.versions[crash.version];
    write!(
        out,
        r#""contexts":{{"os":{{"name":"{}","version":"{os}"}},"device":{{"arch":"{arch}"}}}},"#,
        system.name
    )?;
    let (number, signal) = crash.signal;
    write!(
        out,
        r#""exception":{{"values":[{{"type":"{signal}","value":"Fatal signal","thread_id":1,"mechanism":{{"type":"signalhandler","#
    )?;
    write!(
        out,
        r#""handled":false,"meta":{{"signal":{{"number":{number},"name":"{signal}"}}}}}},"stacktrace":"#
    )?;
    stack(out, crash, &crash.frames, modules, variant)?;
    out.push_str("}]},");
    if !crash.others.is_empty() {
        out.push_str(r#""threads":{"values":[{"id":1,"crashed":true,"current":true}"#);
        for (frames, id) in crash.others.iter().zip(2..) {
            write!(out, r#",{{"id":{id},"crashed":false,"stacktrace":"#)?;
            stack(out, crash, frames, modules, variant)?;
            out.push('}');
        }
        out.push_str("]},");
    }
    images(out, crash, modules, variant)?;
    out.push_str("}\n");
    Ok(())
}

/// The images of a crash.
fn images(out: &mut String, crash: &Crash, modules: &[Linked], variant: u8) -> std::fmt::Result {
    let is_apple = crash.platform.is_apple();
    out.push_str(r#""debug_meta":{"images":["#);
    // Of the system's libraries, a real report has hundreds.
    let is_used = |index: usize| {
        crash.frames.iter().chain(crash.others.iter().flatten()).any(|frame| frame.image == index)
    };
    for (index, load) in crash
        .loads
        .iter()
        .enumerate()
        .filter(|(index, _)| *index < RECIPES.len() || is_used(*index))
    {
        let Image { path, id, size, base } = image(crash, modules, index);
        out.push_str(if index == 0 { "" } else { "," });
        let kind = if is_apple { "macho" } else { "elf" };
        write!(
            out,
            r#"{{"type":"{kind}","code_file":"{path}","debug_id":"{}""#,
            debug_id(&id, !is_apple)
        )?;
        // Some clients leave one of the two out.
        if !is_apple && !variant.is_multiple_of(3) {
            write!(out, r#","code_id":"{}""#, hex(&id))?;
        }
        write!(out, r#","image_addr":"{load:#x}","image_size":{size}"#)?;
        if is_apple {
            write!(out, r#","image_vmaddr":"{base:#x}""#)?;
        }
        out.push('}');
    }
    out.push_str("]}");
    Ok(())
}

/// A stack, its far end first.
fn stack(
    out: &mut String,
    crash: &Crash,
    frames: &[Frame],
    modules: &[Linked],
    variant: u8,
) -> std::fmt::Result {
    out.push_str(r#"{"frames":["#);
    for (number, frame) in frames.iter().rev().enumerate() {
        out.push_str(if number == 0 { "" } else { "," });
        write!(out, r#"{{"instruction_addr":"{:#x}""#, frame.address)?;
        if variant.is_multiple_of(4) {
            write!(out, r#","package":"{}""#, image(crash, modules, frame.image).path)?;
        }
        if let Some(function) = frame.function {
            write!(out, r#","function":"{function}""#)?;
        }
        // Apple's clients do not say how they unwind, unless they had to guess.
        if !crash.platform.is_apple() || frame.trust == "scan" {
            write!(out, r#","trust":"{}""#, frame.trust)?;
        }
        out.push('}');
    }
    out.push_str("]}");
    Ok(())
}

/// The debug id: the first 16 bytes, the first three fields of which are little-endian in those of
/// ELF files.
pub fn debug_id(id: &[u8], is_elf: bool) -> String {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(id).for_each(|(to, from)| *to = *from);
    if is_elf {
        bytes[..4].reverse();
        bytes[4..6].reverse();
        bytes[6..8].reverse();
    }
    uuid(&bytes)
}

/// `id` as a UUID.
pub fn uuid(id: &[u8]) -> String {
    let digits = hex(id);
    let part = |from, to| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// `id` as hexadecimal digits.
pub fn hex(id: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    id.iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sentry's documentation of unified ids has this example's field order.
    #[test]
    fn debug_ids() {
        let id: Vec<u8> = (0..20).collect();
        assert_eq!(debug_id(&id, true), "03020100-0504-0706-0809-0a0b0c0d0e0f");
        assert_eq!(debug_id(&id[..16], false), "00010203-0405-0607-0809-0a0b0c0d0e0f");
        assert_eq!(debug_id(&[1, 2], true), "00000201-0000-0000-0000-000000000000");
    }
}
