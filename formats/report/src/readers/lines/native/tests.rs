//! Frames of all formats, a line each.

use super::*;
use crate::event::image::ImageId;

/// Number, address, address in the file, function, path.
type Parts = (Option<usize>, Option<u64>, Option<u64>, Option<String>, Option<String>);

fn parts(line: &str) -> Parts {
    let NativeLine { frame, number, image, .. } = frame(line).unwrap_or_else(|| panic!("{line}"));
    let relative = frame.relative.map(|relative| relative.address);
    (number, frame.address, relative, frame.function, image.and_then(|image| image.path))
}

#[expect(clippy::unnecessary_wraps, reason = "what lines have")]
fn owned(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn lines_of_android() {
    let line = "#06 pc 0000000000018958  /data/app/x/base.apk!libfoo.so (offset 0x1000) (start(void*)+52) (BuildId: 00112233)";
    assert_eq!(
        parts(line),
        (
            Some(6),
            None,
            Some(0x18958),
            owned("start(void*)"),
            owned("/data/app/x/base.apk!libfoo.so")
        )
    );
    let image = frame(line).unwrap().image.unwrap();
    assert_eq!((image.package_offset, image.name), (Some(0x1000), owned("libfoo.so")));
    assert_eq!(image.id, Some(ImageId::Whole(vec![0, 0x11, 0x22, 0x33])));
    assert_eq!(
        parts("#05 pc 00000c6f  /system/xbin/my crasher"),
        (Some(5), None, Some(0xc6f), None, owned("/system/xbin/my crasher"))
    );
    assert_eq!(parts("#00  pc 12  <anonymous:7f00>"), (Some(0), None, Some(0x12), None, None));
    assert_eq!(
        parts("#02 pc 4a10  [anon:dalvik-jit-code-cache] (a.b.c+112)"),
        (Some(2), None, None, owned("c"), None)
    );
    assert_eq!(
        parts("#02 pc 4a10  /memfd:jit-cache (deleted) (offset 0x2000000) (a.b.c+112)"),
        (Some(2), None, None, owned("c"), None)
    );
    assert_eq!(
        parts("#00 pc 12  /a.so (deleted) (f+1)"),
        (Some(0), None, Some(0x12), owned("f"), owned("/a.so"))
    );
    assert_eq!(parts("#00 pc 12"), (Some(0), None, Some(0x12), None, None));
}

#[test]
fn lines_of_sanitizers() {
    let want = (Some(1), Some(0x72), Some(0x31daf), None, owned("/lib/liba.so"));
    assert_eq!(parts("#1 0x72  (/lib/liba.so+0x31daf)"), want);
    let want = (
        Some(1),
        Some(0x72),
        Some(0x31daf),
        owned("parse(char const*, int)"),
        owned("/lib/liba.so"),
    );
    assert_eq!(
        parts("#1 0x72 in parse(char const*, int) (/lib/liba.so+0x31daf) (BuildId: aabb)"),
        want
    );
    let resolved = frame("#10 0x72 in parse(char const*, int) /src/a b.cc:12:3").unwrap().frame;
    assert_eq!(
        (resolved.file.as_deref(), resolved.line, resolved.column),
        (Some("/src/a b.cc"), Some(12), Some(3))
    );
    let gdb = frame("#2  0x0000555 in main (argc=1) at a.c:12").unwrap().frame;
    assert_eq!(
        (gdb.function.as_deref(), gdb.file.as_deref(), gdb.line),
        (Some("main"), Some("a.c"), Some(12))
    );
}

#[test]
fn plain_lines() {
    let line = frame("#00 libfoo.so+0x1234 (BuildId aabb)").unwrap();
    assert!(line.is_plain);
    assert_eq!(line.image.unwrap().id, Some(ImageId::Whole(vec![0xaa, 0xbb])));
    assert_eq!(parts("libfoo.so+0x1234"), (None, None, Some(0x1234), None, owned("libfoo.so")));
    assert_eq!(
        parts("./a.out(+0x1139) [0x401139]"),
        (None, Some(0x0040_1139), Some(0x1139), None, owned("./a.out"))
    );
    assert_eq!(
        parts("./a.out(main+0x9) [0x401139]"),
        (None, Some(0x0040_1139), None, owned("main"), owned("./a.out"))
    );
}

#[test]
fn other_lines() {
    for line in [
        "",
        "#",
        "# 0 pc 0",
        "#00",
        "#00 pc",
        "#00 pc xyz /a",
        "#00  0000007ff8f33b80  0000000000000000",
        "a sentence with libfoo.so+0x12",
        "x+0x",
        "+0x12",
        "#99999999999999999999 pc 0 /a",
    ] {
        assert_eq!(frame(line), None, "{line}");
    }
}
