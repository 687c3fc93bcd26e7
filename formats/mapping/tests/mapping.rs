//! Mappings as rows: whole, truncated and broken ones.
//!
//! `MUTANTS=100000` breaks them more often, `SEED=7` otherwise. `MAPPING=FILE cargo test --release
//! -p symtool-mapping --test mapping -- --ignored --nocapture speed` says how fast a mapping is
//! read.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Write;
use std::io::BufReader;
use std::sync::Arc;
use std::time::Instant;

use fastrand::Rng;
use symtool_mapping::{
    ClassRow, Classes, ContentId, MappingFacts, MappingReader, Retrace, RetraceStyle, SkipReason,
    uuid,
};

const WHOLE: &str = "# compiler: R8
# compiler_version: 8.6.17
# min_api: 21
# common_typos_disable
# {\"id\":\"com.android.tools.r8.mapping\",\"version\":\"2.2\"}
# pg_map_id: 12ab34c
# pg_map_hash: SHA-256 12ab34cd
com.a.Main$$Lambda -> a.b:
# {\"id\":\"sourceFile\",\"fileName\":\"R8$$SyntheticClass\"}
# {\"id\":\"com.android.tools.r8.synthesized\"}
    com.a.Main f$0 -> a
      # {\"id\":\"com.android.tools.r8.residualsignature\",\"signature\":\"La/c;\"}
    1:4:void run():0:0 -> run
      # {\"id\":\"com.android.tools.r8.synthesized\"}
com.a.Main -> a.c:
# {\"id\":\"sourceFile\",\"fileName\":\"Main.kt\"}
    void <init>() -> <init>
    1:3:int com.b.Util.twice(int, long[]):20:22 -> a
    1:3:void z(int):7 -> a
      # {\"id\":\"com.android.tools.r8.rewriteFrame\",\"conditions\":[\"throws(Ljava/lang/NullPointerException;)\"],\"actions\":[\"removeInnerFrames(1)\"]}
    4:4294967295:void z(int):4294967290 -> a
    0:65535:int outline():3:3 -> o
      # {\"id\":\"com.android.tools.r8.outline\"}
    9:9:void caller():0:0 -> q
      # {\"id\":\"com.android.tools.r8.outlineCallsite\",\"positions\":{\"1\":4,\"2\":5},\"outline\":\"La/c;o()I\"}
    void z(int):8:9 -> a
com.b.Util -> com.b.Util:
";

fn read(bytes: &[u8]) -> (Vec<ClassRow>, MappingFacts) {
    let mut reader = MappingReader::new(bytes);
    let rows = reader.by_ref().map(Result::unwrap).collect();
    (rows, reader.into_facts())
}

fn bytes_of(row: &ClassRow) -> Vec<u8> {
    let mut bytes = Vec::new();
    row.encode(&mut bytes);
    bytes
}

struct Rows(HashMap<String, Arc<ClassRow>>);

impl Classes for Rows {
    type Error = Infallible;

    fn class(&mut self, obfuscated: &str) -> Result<Option<Arc<ClassRow>>, Infallible> {
        Ok(self.0.get(obfuscated).cloned())
    }
}

/// Every row's name, and a frame of each line that is near one of its numbers.
fn retrace_all(rows: Vec<ClassRow>, methods: &[&str], style: RetraceStyle) -> Vec<u8> {
    let names: Vec<String> = rows.iter().map(|row| row.obfuscated().to_owned()).collect();
    let rows = rows.into_iter().map(|row| (row.obfuscated().to_owned(), Arc::new(row))).collect();
    let mut retrace = Retrace::new(Rows(rows), style);
    let mut out = Vec::new();
    for name in &names {
        for method in methods {
            for line in ["", ":0", ":1", ":4", ":9", ":4294967295"] {
                let text = format!(
                    "java.lang.NullPointerException\n\tat {name}.{method}(SourceFile{line})\n"
                );
                retrace.text(text.as_bytes(), &mut out).unwrap();
            }
        }
    }
    out
}

#[test]
fn facts() {
    let (rows, facts) = read(WHOLE.as_bytes());
    let names: Vec<(&str, &str, Option<&str>, bool, usize)> = rows
        .iter()
        .map(|row| {
            (row.original(), row.obfuscated(), row.source_file(), row.is_synthesized(), row.len())
        })
        .collect();
    assert_eq!(
        names,
        [
            ("com.a.Main$$Lambda", "a.b", Some("R8$$SyntheticClass"), true, 1),
            ("com.a.Main", "a.c", Some("Main.kt"), false, 7),
            ("com.b.Util", "com.b.Util", None, false, 0)
        ]
    );
    let header = &facts.header;
    let values = [
        &header.compiler,
        &header.compiler_version,
        &header.min_api,
        &header.pg_map_id,
        &header.pg_map_hash,
        &header.version,
    ];
    assert_eq!(
        values.map(|value| value.as_deref().unwrap()),
        ["R8", "8.6.17", "21", "12ab34c", "SHA-256 12ab34cd", "2.2"]
    );
    assert!(facts.skipped.is_empty() && facts.classes == 3);
    assert_eq!(facts.sources.get("com.a.Main"), Some("Main.kt"));
}

/// The expected id is Python's: `uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_DNS, "guardsquare.com"),
/// TEXT)`.
#[test]
fn ids() {
    let text = b"a.B -> a:\n    void m() -> b\n";
    let want = "16238fac0e805e27abdd1cf3047f1b55";
    let hex = |uuid: [u8; 16]| format!("{:032x}", u128::from_be_bytes(uuid));
    assert_eq!(hex(read(text).1.uuid), want);
    assert_eq!(hex(uuid(text.as_slice()).unwrap()), want);
    let mut pieces = ContentId::default();
    text.chunks(5).for_each(|piece| pieces.update(piece));
    assert_eq!(hex(pieces.uuid()), want);
}

/// The mappings and hashes of R8's own `MappingFileHashTest`: of what is behind the line with the
/// hash, ends of lines included.
#[test]
fn hashes_of_contents() {
    for (end, hash) in [
        ("\n", "539a6b5614c65c7473a995507163a4559cea3229d3cada164a2ca4935bbbd597"),
        ("\r\n", "6ef47f7b9b6d5013628073ebdadad27dd2e7e57ef911e9d6cbee0f92c434e48a"),
    ] {
        let head = ["# compiler: R8", "", "# junk header info: 7"].join(end)
            + end
            + "# pg_map_hash: SHA-256 "
            + hash
            + end;
        let body = [
            "trivi\u{e6}l.Trivi\u{e5}l -> a.\u{153}:",
            "    void main(java.lang.String[]) -> a",
            "",
        ]
        .join(end);
        let compose =
            ["ComposeStackTrace -> $$compose:", "  1:1:void a.B.C():7:7 -> m$1", ""].join(end);
        for (text, is_whole) in [
            (format!("{head}{body}"), Some(true)),
            (format!("{head}{body}{compose}"), Some(true)),
            (format!("{head}{body}a.B -> b:{end}"), Some(false)),
            (format!("{head}{}", &body[..body.len() - 3]), Some(false)),
            (format!("{head}{}{compose}", &body[..body.len() - end.len() - 1]), Some(false)),
            (body.clone(), None),
        ] {
            for size in [1, 3, 16, 64, text.len()] {
                let mut reader =
                    MappingReader::new(BufReader::with_capacity(size, text.as_bytes()));
                reader.by_ref().for_each(|row| drop(row.unwrap()));
                assert_eq!(reader.into_facts().is_whole, is_whole, "{size}: {text}");
            }
        }
    }
}

#[test]
fn rows_as_bytes() {
    let (mut rows, facts) = read(WHOLE.as_bytes());
    rows.iter_mut().for_each(|row| row.name_sources(&facts.sources));
    for row in &rows {
        let bytes = bytes_of(row);
        assert_eq!(ClassRow::decode(&bytes).as_ref(), Ok(row));
        for end in 0..bytes.len() {
            assert!(ClassRow::decode(&bytes[..end]).is_err(), "{end}");
        }
        assert!(ClassRow::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
        assert!(ClassRow::decode(&[&[9], &bytes[1..]].concat()).is_err());
    }
}

/// However the bytes come, the rows are the same; also with other ends of lines and a byte order
/// mark.
#[test]
fn pieces_of_any_size() {
    let (want, facts) = read(WHOLE.as_bytes());
    for size in 1..WHOLE.len() {
        let mut reader = MappingReader::new(BufReader::with_capacity(size, WHOLE.as_bytes()));
        let rows: Vec<ClassRow> = reader.by_ref().map(Result::unwrap).collect();
        assert_eq!(rows, want, "{size}");
        assert_eq!(reader.into_facts().uuid, facts.uuid);
    }
    assert_eq!(read(WHOLE.replace('\n', "\r\n").as_bytes()).0, want);
    assert_eq!(read(format!("\u{feff}{WHOLE}").as_bytes()).0, want);
    assert_eq!(read(WHOLE.trim_end().as_bytes()).0, want);
}

/// Whatever is wrong costs its own line, and is counted with the number of the first.
#[test]
fn what_is_wrong_is_left_out() {
    let bytes = b"    void early() -> a
com.a.Main -> x:
    void good() -> a
    nonsense
    1:void one() -> b
    1:99999999999:void large() -> b
    void \xff() -> b
    void other() -> b
      # {\"id\":
      # {\"id\":\"com.android.tools.r8.later\"}
      # {\"id\":\"com.android.tools.r8.rewriteFrame\",\"conditions\":[\"later(1)\"],\"actions\":[]}
      # {\"id\":\"com.android.tools.r8.synthesized\"}
com.\xff -> y:
    void lost() -> a
com.a.Next -> z:
    1:2:void m():x -> a
      # {\"id\":\"com.android.tools.r8.synthesized\"}
    void last() -> a
this is no class:
    void lost() -> a
";
    let (rows, facts) = read(bytes);
    assert_eq!(
        rows.iter().map(|row| (row.obfuscated(), row.len())).collect::<Vec<_>>(),
        [("x", 2), ("z", 1)]
    );
    for (reason, lines, first_line) in [
        (SkipReason::NoClass, 3, 1),
        (SkipReason::NotALine, 2, 4),
        (SkipReason::LineNumbers, 3, 5),
        (SkipReason::NotText, 2, 7),
        (SkipReason::Note, 1, 9),
        (SkipReason::UnknownNote, 1, 10),
        (SkipReason::UnknownRule, 1, 11),
        (SkipReason::TooLong, 0, 0),
        (SkipReason::TooMany, 0, 0),
    ] {
        let count = facts.skipped.get(reason);
        assert_eq!((count.lines, count.first_line), (lines, first_line), "{}", reason.text());
    }
    // The note behind the broken one counts; that behind a broken line does not.
    let first = rows.into_iter().take(1).collect();
    assert_eq!(
        retrace_all(first, &["b"], RetraceStyle::R8),
        b"java.lang.NullPointerException\n".repeat(6)
    );
}

/// A line over the limit is left out, in whatever pieces it comes; the next one is read.
#[test]
fn long_lines() {
    let text = format!(
        "com.a.Main -> x:\n    void m({}) -> a\n    void n() -> b\n",
        "int,".repeat(300_000)
    );
    for size in [100, 8192, text.len()] {
        let mut reader = MappingReader::new(BufReader::with_capacity(size, text.as_bytes()));
        let rows: Vec<ClassRow> = reader.by_ref().map(Result::unwrap).collect();
        assert_eq!(rows[0].len(), 1);
        let count = reader.into_facts().skipped.get(SkipReason::TooLong);
        assert_eq!((count.lines, count.first_line), (1, 2));
    }
}

/// Broken mappings, rows and traces end without a panic, and rows are still their own bytes.
#[test]
fn mutants() {
    let setting =
        |name, default: u64| std::env::var(name).map_or(default, |value| value.parse().unwrap());
    let mut rng = Rng::with_seed(setting("SEED", 1));
    for _ in 0..setting("MUTANTS", 2000) {
        let mut bytes = WHOLE.as_bytes().to_vec();
        for _ in 0..rng.usize(1..6) {
            let at = rng.usize(..bytes.len());
            match rng.u8(..4) {
                0 => bytes[at] = rng.u8(..),
                1 => drop(bytes.drain(at..(at + rng.usize(..20)).min(bytes.len()))),
                2 => bytes.insert(at, *rng.choice(b":->( )#{}\"'\n.,0").unwrap()),
                _ => bytes.extend_from_within(at..(at + rng.usize(..80)).min(bytes.len())),
            }
        }
        let (rows, _) = read(&bytes);
        for row in &rows {
            let mut bytes = bytes_of(row);
            assert_eq!(ClassRow::decode(&bytes).as_ref(), Ok(row));
            let at = rng.usize(..bytes.len());
            bytes[at] = rng.u8(..);
            if let Ok(row) = ClassRow::decode(&bytes) {
                retrace_all(vec![row], &["a", "o", "q"], RetraceStyle::R8);
            }
        }
        retrace_all(rows.clone(), &["a", "o", "q", "run"], RetraceStyle::R8);
        retrace_all(rows, &["a", "o", "q", "run"], RetraceStyle::Proguard);
    }
}

/// How fast `MAPPING` is read, and frames of it retraced.
#[test]
#[ignore = "measures; needs MAPPING"]
fn speed() {
    let bytes = std::fs::read(std::env::var("MAPPING").unwrap()).unwrap();
    let mebibytes = bytes.len() / (1 << 20);
    let start = Instant::now();
    let mut reader = MappingReader::new(bytes.as_slice());
    let lines: usize = reader.by_ref().map(|row| row.unwrap().len()).sum();
    println!(
        "{mebibytes} MiB, {lines} lines in {:?}; skipped {:?}",
        start.elapsed(),
        reader.into_facts().skipped.iter().collect::<Vec<_>>()
    );
    let (rows, _) = read(&bytes);
    let start = Instant::now();
    let encoded: Vec<Vec<u8>> = rows.iter().map(bytes_of).collect();
    println!(
        "encoded to {} KiB in {:?}",
        encoded.iter().map(Vec::len).sum::<usize>() / 1024,
        start.elapsed()
    );
    let start = Instant::now();
    let decoded: Vec<ClassRow> =
        encoded.iter().map(|bytes| ClassRow::decode(bytes).unwrap()).collect();
    println!(
        "decoded in {:?}, {:?} a row",
        start.elapsed(),
        start.elapsed() / u32::try_from(rows.len().max(1)).unwrap()
    );
    assert_eq!(rows, decoded);
    let (trace, frames) = trace_of(&String::from_utf8_lossy(&bytes));
    let rows =
        decoded.into_iter().map(|row| (row.obfuscated().to_owned(), Arc::new(row))).collect();
    for (name, style) in [("R8", RetraceStyle::R8), ("ProGuard", RetraceStyle::Proguard)] {
        let Rows(rows) = &Rows(HashMap::clone(&rows));
        let mut retrace = Retrace::new(Rows(rows.clone()), style);
        let (mut out, mut count) = (Vec::new(), 0);
        let start = Instant::now();
        for piece in trace.as_bytes().chunks(1 << 16) {
            retrace.text(piece, &mut out).unwrap();
            count += out.len();
            out.clear();
        }
        println!("{name}: {frames} frames in {:?}, {count} bytes", start.elapsed());
    }
}

/// Frames as the mapping's own lines name them, at most a million, and how many.
fn trace_of(mapping: &str) -> (String, u32) {
    let (mut class, mut trace, mut frames) = ("", String::new(), 0u32);
    for line in mapping.lines() {
        if let Some((_, name)) = line.strip_suffix(':').and_then(|line| line.split_once(" -> ")) {
            class = name;
        } else if let Some((member, method)) = line
            .split_once(") -> ")
            .or(line.split_once(" -> "))
            .filter(|(member, _)| member.contains('('))
        {
            let number = member.trim().split(':').next().unwrap().parse::<u32>().unwrap_or(3);
            writeln!(trace, "\tat {class}.{method}(SourceFile:{number})").unwrap();
            frames += 1;
            if frames == 1_000_000 {
                break;
            }
        }
    }
    (trace, frames)
}
