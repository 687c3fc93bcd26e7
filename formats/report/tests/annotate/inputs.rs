//! Reports that are not in the repository, and how fast reports are written. Neither is run unless
//! it is asked for:
//!
//! ```text
//! INPUTS=folder cargo test --release -p symtool-report --test annotate -- --ignored --nocapture
//! ```

use std::time::Instant;

use symtool_report::Resolution;

use super::{all, folder, native, read, reports, written};

/// Checks each report of the folder `INPUTS` like the fixtures, and prints it if `SHOW` is part of
/// its file's name.
#[test]
#[ignore = "needs a folder of reports"]
fn inputs() {
    let (mut read, mut frames) = (0, 0);
    let show = std::env::var("SHOW").unwrap_or_else(|_| "\n".to_owned());
    for (name, report, event) in reports(std::env::var("INPUTS").unwrap().as_ref()) {
        all::nothing_known(&name, &report, &event);
        all::all_known(&name, &report, &event);
        read += 1;
        frames += event.frames().count();
        if name.contains(&show) {
            println!(
                "== {name}\n{}",
                String::from_utf8_lossy(&written(&report, &event, &all::answers(&event)))
            );
        }
    }
    println!("{read} reports, {frames} frames");
}

/// Prints what every fixture becomes.
#[test]
#[ignore = "to be looked at"]
fn fixtures() {
    for (name, report, event) in reports(&folder()) {
        println!(
            "== {name}\n{}",
            String::from_utf8_lossy(&written(&report, &event, &all::answers(&event)))
        );
    }
}

fn measure(name: &str, report: &[u8], resolutions: impl Fn(usize) -> Vec<Resolution>) {
    let event = read(report);
    let resolutions = resolutions(event.frames().count());
    for _ in 0..3 {
        let begin = Instant::now();
        let out = written(report, &event, &resolutions);
        let seconds = begin.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a ratio")]
        let rate = report.len() as f64 / 1e6 / seconds;
        println!(
            "{name}: {} frames, {} -> {} bytes, {rate:.0} MB/s, {seconds:.3} s",
            resolutions.len(),
            report.len(),
            out.len()
        );
    }
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    let resolved = |count: usize| {
        let calls = || {
            vec![
                super::call("shop::Price::round()", Some(("/src/price.h", 12, 3))),
                super::call("shop::Cart::total()", None),
            ]
        };
        (0..count).map(|_| native(calls(), 36)).collect::<Vec<_>>()
    };
    let text = "x".repeat(1000) + "\n";
    let few = format!("#00 pc 0001 /a/liba.so\n#01 pc 0002 /a/liba.so\n{}", text.repeat(32_000));
    measure("few frames in a long text", few.as_bytes(), resolved);
    let few = format!(
        r#"{{"event_id":"1","x":"{}","stacktrace":{{"frames":[{{"instruction_addr":"0x10"}}]}}}}"#,
        text.trim().repeat(32_000)
    );
    measure("few frames in a large event", few.as_bytes(), resolved);
    let lines = |of: fn(usize) -> String| (0..100_000).map(of).collect::<Vec<_>>().concat();
    let android =
        lines(|index| format!("#{index:02} pc {index:08x} /a/liba.so (BuildId: aabbccdd)\n"));
    measure("100,000 lines", android.as_bytes(), resolved);
    let sanitizer = lines(|index| format!("    #{index} 0x{index:x}  (/a/liba.so+0x{index:x})\n"));
    measure("100,000 of a sanitizer", sanitizer.as_bytes(), resolved);
    let one = r#"{"instruction_addr":"0x10"},"#.repeat(100_000);
    let many =
        format!(r#"{{"event_id":"1","stacktrace":{{"frames":[{}]}}}}"#, one.trim_end_matches(','));
    measure("100,000 objects", many.as_bytes(), resolved);
    let list = "0x10 ".repeat(100_000);
    let list = format!(
        "Incident Identifier: 1\n\nLast Exception Backtrace:\n({})\n\nBinary Images:\n",
        list.trim()
    );
    measure("a list of 100,000", list.as_bytes(), resolved);
}
