//! Every fixture, with nothing known of its frames, and with an inlined and an outer function for
//! each.

use symtool_report::{CrashEvent, Format, Frame, FrameKind, Resolution, parse};

use super::{call, folder, java, native, read, reports, written};

/// For frame `index` the functions `inner_index`, inlined into `outer_index`, of Java the same as
/// methods.
pub fn answers(event: &CrashEvent) -> Vec<Resolution> {
    let of = |(index, frame): (usize, &Frame)| {
        let (inner, outer) = (format!("inner_{index}"), format!("outer_{index}"));
        match frame.kind {
            FrameKind::Native => native(
                vec![
                    call(&inner, Some(("/src/in.h", 7, 3))),
                    call(&outer, Some(("/src/out.cc", 12, 5))),
                ],
                36,
            ),
            FrameKind::Java => java(&[
                ("org.In", &inner, Some("In.kt"), 7),
                ("org.Out", &outer, Some("Out.kt"), 12),
            ]),
            FrameKind::Other => Resolution::Unresolved,
        }
    };
    event.frames().enumerate().map(of).collect()
}

pub fn nothing_known(name: &str, report: &[u8], event: &CrashEvent) {
    let count = event.frames().count();
    assert_eq!(written(report, event, &[]), report, "{name}");
    assert_eq!(written(report, event, &vec![Resolution::Unresolved; count]), report, "{name}");
    assert_eq!(
        written(report, event, &vec![Resolution::Native(Vec::new()); count + 1]),
        report,
        "{name}"
    );
}

/// Whether the report has lines in which the first function only has a place.
fn names_outer_only(event: &CrashEvent, text: &[u8]) -> Option<bool> {
    // `#1 0x55aa in …`, `#1 0x55aa  (…`
    let words: Vec<&[u8]> = text.split(|byte| *byte == b' ').collect();
    let is_sanitizer = matches!(words[..], [number, address] if number.starts_with(b"#") && address.starts_with(b"0x"))
        || matches!(words[..], [number, address, next, ..] if number.starts_with(b"#") && address.starts_with(b"0x")
            && (matches!(next, b"in" | b"") || next.starts_with(b"(")));
    match event.format {
        Format::Sentry | Format::Ips | Format::KsCrash | Format::AppleText => Some(false),
        // Their keys have one name, and no place for inlined calls.
        Format::Abrt | Format::MetricKit => Some(true),
        Format::Minidump if text.starts_with(b"{") => Some(false),
        Format::Crashlytics if text.first().is_some_and(u8::is_ascii_digit) => Some(false),
        _ if is_sanitizer => Some(false),
        _ if text.windows(4).any(|part| part == b" pc ") => Some(true),
        _ => None,
    }
}

pub fn all_known(name: &str, report: &[u8], event: &CrashEvent) {
    let out = written(report, event, &answers(event));
    let again = parse(&out).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(event.format, again.format, "{name}");
    // A sanitizer names the source file in the place of the module.
    let is_by_line = matches!(
        event.format,
        Format::Sanitizer
            | Format::Tombstone
            | Format::Logcat
            | Format::Frames
            | Format::Chromium
            | Format::Llvm
            | Format::Crashlytics
            | Format::Anr
    );
    // Without a list of images, what is not named yet says where its image is.
    let has_list = memchr::memmem::find(report, b"Binary Images:").is_some()
        || event.format != Format::AppleText;
    assert!(event.images == again.images || is_by_line || !has_list, "{name}");
    assert_eq!(
        (&event.reason, event.time_ms, &event.event_id),
        (&again.reason, again.time_ms, &again.event_id),
        "{name}"
    );
    gaps_stay(name, report, event, &out);
    names_are_written(name, report, event, &out, &again);
    assert_eq!(event.stacks().count(), again.stacks().count(), "{name}");
    // What is resolved already is not listed a second time.
    let twice = written(&out, &again, &answers(&again));
    let twice = parse(&twice).unwrap();
    assert!(
        event.format != Format::Sentry
            || twice.frames().count() == again.frames().count()
            || has_java(event),
        "{name}"
    );
}

/// What lies between frames stands between frames.
fn gaps_stay(name: &str, report: &[u8], event: &CrashEvent, out: &[u8]) {
    let mut spans: Vec<_> =
        event.frames().map(|frame| frame.span.range()).filter(|span| !span.is_empty()).collect();
    spans.sort_by_key(|span| span.start);
    spans.dedup();
    let (mut from, mut at) = (0, 0);
    spans.push(report.len()..report.len());
    for span in &spans {
        let gap = &report[from..span.start];
        // Of an Apple list of addresses, nothing stays.
        let gap = if report[span.start..].starts_with(b"0x") || report[..from].ends_with(b"(") {
            b""
        } else {
            gap
        };
        let found = memchr::memmem::find(&out[at..], gap)
            .unwrap_or_else(|| panic!("{name}: {:?} is gone", String::from_utf8_lossy(gap)));
        at += found + gap.len();
        from = span.end;
    }
}

/// Each stack that is read again has the names that the answers had for it.
fn names_are_written(
    name: &str,
    report: &[u8],
    event: &CrashEvent,
    out: &[u8],
    again: &CrashEvent,
) {
    let mut index = 0;
    for (stack, stack_again) in event.stacks().zip(again.stacks()) {
        let mut want = Vec::new();
        for (position, frame) in stack.iter().enumerate() {
            // One that stands elsewhere, or nowhere.
            if frame.span.range().is_empty() {
                index += 1;
                continue;
            }
            let listed =
                stack.get(position + 1).is_some_and(|next| frame.inlined || same(frame, next))
                    || position
                        .checked_sub(1)
                        .is_some_and(|before| stack[before].inlined || same(&stack[before], frame));
            let text = &report[frame.span.range()];
            match (frame.kind, names_outer_only(event, text)) {
                // They have neither file nor line.
                (FrameKind::Java, _) if event.format == Format::HsErr => {
                    want.push(frame.function.clone());
                }
                // Methods in the runtime's own files have lines like machine code.
                (FrameKind::Java, _) if text.starts_with(b"#") => want.push(frame.function.clone()),
                (FrameKind::Other, _) | (FrameKind::Native, None) => {
                    want.push(frame.function.clone());
                }
                (FrameKind::Native, Some(false)) if listed => want.push(None),
                (FrameKind::Native, Some(true)) => want.push(Some(format!("outer_{index}"))),
                _ => want.extend([Some(format!("inner_{index}")), Some(format!("outer_{index}"))]),
            }
            index += 1;
        }
        let own = stack_again.iter().filter(|frame| !frame.span.range().is_empty());
        let got: Vec<_> = own.map(|frame| frame.function.clone()).collect();
        assert_eq!(
            want.len(),
            got.len(),
            "{name}: {want:?} {got:?}\n{}",
            String::from_utf8_lossy(out)
        );
        want.iter()
            .zip(&got)
            .filter(|(want, _)| want.is_some())
            .for_each(|(want, got)| assert_eq!(want, got, "{name}"));
    }
}

fn has_java(event: &CrashEvent) -> bool {
    event.frames().any(|frame| frame.kind == FrameKind::Java)
}

fn same(frame: &Frame, next: &Frame) -> bool {
    frame.address.is_some()
        && frame.address == next.address
        && frame.function != next.function
        && frame.function.is_some()
        && next.function.is_some()
}

#[test]
fn fixtures_of_which_nothing_is_known() {
    let reports = reports(&folder());
    assert_eq!(reports.len(), 107);
    reports.iter().for_each(|(name, report, event)| nothing_known(name, report, event));
}

#[test]
fn fixtures_of_which_all_is_known() {
    let mut formats = std::collections::HashSet::new();
    for (name, report, event) in reports(&folder()) {
        all_known(&name, &report, &event);
        formats.insert(event.format);
        // The same with other line ends, within a byte order mark, and without the last line's end.
        let text = String::from_utf8(report).unwrap();
        let other = format!("\u{feff}{}", text.trim_end().replace('\n', "\r\n"));
        let event = read(other.as_bytes());
        nothing_known(&name, other.as_bytes(), &event);
        all_known(&name, other.as_bytes(), &event);
        let out = String::from_utf8(written(other.as_bytes(), &event, &answers(&event))).unwrap();
        assert_eq!(out.matches('\n').count(), out.matches("\r\n").count(), "{name}");
    }
    assert_eq!(formats.len(), 27);
}
