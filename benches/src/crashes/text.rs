//! Writes a crash as an Android tombstone or an Apple `.crash`.

use std::fmt::Write;

use super::build::Linked;
use super::event::{hex, image, release, uuid};
use super::modules::RECIPES;
use super::platform::Platform;
use super::stack::Crash;

/// Bytes of an instruction of arm64, by which Android's unwinder moves return addresses into calls.
const CALL_BYTES: u64 = 4;

/// The text of `crash`. None on a platform that writes none, and where a frame was found by
/// scanning: these texts cannot say so.
pub fn text(crash: &Crash, modules: &[Linked]) -> Option<String> {
    if crash.frames.iter().any(|frame| frame.trust == "scan") {
        return None;
    }
    let mut out = String::new();
    let write = match crash.platform {
        Platform::Linux => return None,
        Platform::Android => tombstone,
        Platform::Ios => apple,
    };
    write(&mut out, crash, modules).ok().map(|()| out)
}

fn tombstone(out: &mut String, crash: &Crash, modules: &[Linked]) -> std::fmt::Result {
    let (number, signal) = crash.signal;
    let version = super::system::system(crash.platform).versions[crash.version];
    writeln!(out, "*** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***")?;
    writeln!(
        out,
        "Build fingerprint: 'example/phone/phone:{version}/AB1C/1234567:user/release-keys'"
    )?;
    writeln!(out, "Revision: '0'\nABI: 'arm64'\nTimestamp: {}+0000", date(crash.seconds))?;
    writeln!(
        out,
        "Cmdline: com.example.shop\npid: 4242, tid: 4243, name: shop  >>> com.example.shop <<<"
    )?;
    let code = match number {
        6 => "-1 (SI_QUEUE), fault addr --------",
        7 => "1 (BUS_ADRALN), fault addr 0x0000000000000011",
        11 => "1 (SEGV_MAPERR), fault addr 0x0000000000000010",
        _ => "0 (SI_USER), fault addr --------",
    };
    writeln!(out, "signal {number} ({signal}), code {code}")?;
    writeln!(
        out,
        "    x0  0000000000000000  x1  0000000000000010\n\n{} total frames\nbacktrace:",
        crash.frames.len()
    )?;
    for (index, frame) in crash.frames.iter().enumerate() {
        let image = image(crash, modules, frame.image);
        let moved = if index == 0 { 0 } else { CALL_BYTES };
        let pc = frame.address - crash.loads[frame.image] + image.base - moved;
        write!(out, "      #{index:02} pc {pc:016x}  {}", image.path)?;
        if let Some(function) = frame.function {
            write!(out, " ({function}+{})", 16 + pc % 64)?;
        }
        writeln!(out, " (BuildId: {})", hex(&image.id))?;
    }
    Ok(())
}

fn apple(out: &mut String, crash: &Crash, modules: &[Linked]) -> std::fmt::Result {
    let (number, signal) = crash.signal;
    let id: Vec<u8> = (0..16)
        .filter_map(|byte| u8::from_str_radix(crash.event_id.get(byte * 2..byte * 2 + 2)?, 16).ok())
        .collect();
    writeln!(out, "Incident Identifier: {}", uuid(&id).to_uppercase())?;
    writeln!(
        out,
        "Hardware Model:      iPhone12,1\nProcess:             {} [812]\nPath:                {}",
        image_name(crash, modules, 0),
        image(crash, modules, 0).path
    )?;
    writeln!(
        out,
        "Identifier:          com.example.shop\nVersion:             {} ({})",
        1000 + crash.build,
        release(crash.build)
    )?;
    writeln!(
        out,
        "Code Type:           ARM-64 (Native)\nParent Process:      launchd [1]\n\nDate/Time:           {} +0000",
        date(crash.seconds)
    )?;
    let version = super::system::system(crash.platform).versions[crash.version];
    writeln!(out, "OS Version:          iPhone OS {version} (19A1)\nReport Version:      104\n")?;
    let kind = match number {
        6 => "EXC_CRASH",
        4 => "EXC_BAD_INSTRUCTION",
        5 => "EXC_BREAKPOINT",
        _ => "EXC_BAD_ACCESS",
    };
    writeln!(
        out,
        "Exception Type:  {kind} ({signal})\nException Codes: 0x0000000000000001, 0x0000000000000010"
    )?;
    apple_frames(out, crash, modules)?;
    apple_images(out, crash, modules)
}

fn apple_frames(out: &mut String, crash: &Crash, modules: &[Linked]) -> std::fmt::Result {
    writeln!(out, "Triggered by Thread:  0\n\nThread 0 Crashed:")?;
    for (index, frame) in crash.frames.iter().enumerate() {
        let load = crash.loads[frame.image];
        let name = image_name(crash, modules, frame.image);
        write!(out, "{index:<3} {name:<30}\t0x{:016x} ", frame.address)?;
        match frame.function {
            Some(function) => writeln!(out, "{function} + {}", 16 + frame.address % 64)?,
            None => writeln!(out, "{load:#x} + {}", frame.address - load)?,
        }
    }
    writeln!(
        out,
        "\nThread 0 crashed with ARM Thread State (64-bit):\n    pc: 0x{:016x}\n\nBinary Images:",
        crash.frames.first().map_or(0, |frame| frame.address)
    )
}

fn apple_images(out: &mut String, crash: &Crash, modules: &[Linked]) -> std::fmt::Result {
    for (index, load) in crash.loads.iter().enumerate() {
        let image = image(crash, modules, index);
        let last = load + image.size - 1;
        let arch = if index < RECIPES.len() { "arm64" } else { "arm64e" };
        writeln!(
            out,
            "{load:#x} - {last:#x} {} {arch}  <{}> {}",
            image_name(crash, modules, index),
            hex(&image.id),
            image.path
        )?;
    }
    Ok(())
}

/// The file name of an image.
fn image_name(crash: &Crash, modules: &[Linked], index: usize) -> String {
    image(crash, modules, index).path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Seconds since 1970 as `2023-11-14 22:13:20.000`.
/// Days to dates: <https://howardhinnant.github.io/date_algorithms.html>, `civil_from_days`.
fn date(seconds: u64) -> String {
    let (days, of_day) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.000")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `date -u -d @SECONDS` prints them.
    #[test]
    fn dates() {
        for (seconds, want) in [
            (0, "1970-01-01 00:00:00.000"),
            (1_700_000_000, "2023-11-14 22:13:20.000"),
            (1_709_164_800, "2024-02-29 00:00:00.000"),
            (1_735_689_599, "2024-12-31 23:59:59.000"),
        ] {
            assert_eq!(date(seconds), want);
        }
    }
}
