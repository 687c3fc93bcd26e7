//! Long batches, pipes that wait or close, and threads.

use std::io::{BufRead, BufReader, Write};

use serde_json::Value;

use crate::{FIXTURE, NESTED, PLAIN, imported};

/// Every style says the same on one thread and on several, in the order of the requests.
#[test]
fn threads_change_nothing() {
    let sandbox = imported();
    sandbox.import("c-gcc-O2-symtab.so");
    let modules = [FIXTURE, "c-gcc-O2-symtab.so", "missing.so"];
    let request = |number: u64| match number % 11 {
        0 => format!("# {number}\n"),
        1 => "nothing\n".to_owned(),
        _ => format!(
            "{} {:x}\n",
            modules[usize::try_from(number / 2 % 3).unwrap()],
            0x1000 + number * 7919 % 0x1c00
        ),
    };
    let batch: String = (0..30_000).map(request).collect();
    for style in ["pretty", "gnu", "llvm", "llvm-json", "json"] {
        let run = |jobs: &str| {
            sandbox.run_with_input(
                &["-j", jobs, "resolve", "--batch", "-", "--style", style],
                batch.as_bytes(),
            )
        };
        let (one, several) = (run("1"), run("4"));
        assert!(one.stdout == several.stdout, "{style}");
        assert_eq!((one.code, &one.stderr), (several.code, &several.stderr), "{style}");
    }
}

#[test]
fn messages_that_nobody_can_read_stop_nothing() {
    let sandbox = imported();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = sandbox
        .command()
        .args(["resolve", "--module", FIXTURE, "zz", NESTED])
        .stderr(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("Adder::run"));
}

#[test]
fn a_pipe_that_waits_gets_its_answer() {
    let sandbox = imported();
    let mut child = sandbox.spawn_piped(&[
        "resolve",
        "--module",
        FIXTURE,
        "--style",
        "gnu",
        "--no-demangle",
        "--batch",
        "-",
    ]);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..3 {
        writeln!(input, "{PLAIN}").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "_ZN5store4RingIjLj16EE3popEv.part.0\n");
        line.clear();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "/src/cpp/ring.h:55\n");
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let sandbox = imported();
    let requests = format!("{PLAIN}\n").repeat(300_000);
    let batch = sandbox.write("batch", requests);
    let mut child =
        sandbox.spawn_piped(&["resolve", "--module", FIXTURE, "--batch", batch.to_str().unwrap()]);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("Ring"));
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn long_batches_keep_their_order() {
    let sandbox = imported();
    // Several runs of requests: misses, hits and malformed lines in turn.
    let requests: String = (0..200_000)
        .map(|at| {
            if at % 1000 == 7 {
                "zz zz zz\n".to_owned()
            } else {
                format!("{:x}\n", 0x1000 + at * 7919 % 0x2000)
            }
        })
        .collect();
    let run = sandbox.run_with_input(
        &["resolve", "--module", FIXTURE, "--style", "json", "--batch", "-"],
        requests.as_bytes(),
    );
    assert_eq!(run.code, 1);
    let mut expected = std::collections::HashMap::new();
    for (at, line) in run.stdout.lines().enumerate() {
        let answer: Value = serde_json::from_str(line).unwrap();
        assert_eq!(answer["line"], at + 1);
        if at % 1000 == 7 {
            assert_eq!(answer["status"], "malformed");
            continue;
        }
        let address = format!("{:#x}", 0x1000 + at * 7919 % 0x2000);
        assert_eq!(answer["address"], address);
        let known = expected.entry(address).or_insert_with(|| answer["frames"].clone());
        assert_eq!(*known, answer["frames"]);
    }
    assert_eq!(run.stdout.lines().count(), 200_000);
    assert!(run.stderr.contains("200 requests failed in total"), "{}", run.stderr);
}
