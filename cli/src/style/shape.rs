//! What `json.rs` writes, as types. It writes by hand, as its lines are counted in millions; the
//! schema is made from these.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use symtool_core::sources::SourceLines;
use symtool_debug::{Folder, Start};
use symtool_store::resolve::Frame as FoundFrame;

use super::json::More;
use super::{Folded, Status, json};

/// A request and its answer.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// Number of the input line or argument, from 1.
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Instead of an address, the method of a request to a mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<Module>,
    status: Status,
    /// Innermost first.
    #[serde(skip_serializing_if = "Option::is_none")]
    frames: Option<Vec<Frame>>,
}

/// The same of a worker: the request stands in the place of its number.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerAnswered {
    /// The line of the request.
    request: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Instead of an address, the method of a request to a mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<Module>,
    status: Status,
    /// Innermost first.
    #[serde(skip_serializing_if = "Option::is_none")]
    frames: Option<Vec<Frame>>,
}

#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
struct Module {
    name: String,
    id: String,
}

#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
struct Frame {
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    linkage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    /// Whether it was inlined into the next.
    inlined: bool,
    source: Source,
    /// Source around the line, if it is at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context>,
    /// Other functions that the linker folded into the outermost one.
    #[serde(skip_serializing_if = "Option::is_none")]
    aliases: Option<Vec<String>>,
}

#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
struct Context {
    /// Number of the first line.
    first_line: u32,
    /// Without their ends.
    lines: Vec<String>,
}

/// What knows a frame.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    Dwarf,
    Gopclntab,
    Breakpad,
    Symtab,
    Mapping,
}

/// What is written by hand is read as these types, and is what they would be written as.
#[test]
fn lines_have_this_shape() {
    let frame = FoundFrame {
        function: 0,
        name: b"_Z1fv",
        file: b"/src/a.cc",
        folder: Folder::default(),
        line: 3,
        column: 0,
        discriminator: 0,
        start: Start::UNKNOWN,
        own: None,
        declared_file: b"",
        declared_folder: Folder::default(),
        declared_line: 0,
        inlined: true,
        source: symtool_debug::Source::Dwarf,
    };
    let mut frames = Vec::new();
    let source = SourceLines { first_line: 2, lines: vec!["{".to_owned(), "\t\"".to_owned()] };
    let more = More { source: "dwarf", lines: Some(&source) };
    json::frame(&frame, b"f()", &more, &Folded::default(), true, &mut frames);
    let unnamed = FoundFrame { name: b"", file: b"", line: 0, inlined: false, ..frame };
    let more = More { source: "symtab", lines: None };
    json::frame(&unnamed, b"", &more, &Folded::default(), false, &mut frames);
    for (address, method, status) in
        [(Some(0x10), None, Status::Ok), (None, Some("a.b.c:1"), Status::NoModule)]
    {
        let line = super::Line {
            number: 7,
            request: None,
            address,
            method,
            module: None,
            asked: "a.so",
            status,
            frames: &frames,
        };
        let mut written = Vec::new();
        json::line(&line, &mut written);
        let read: Answered = serde_json::from_slice(&written).unwrap();
        assert_eq!(read.frames.is_some(), status == Status::Ok);
        assert_eq!(
            serde_json::to_string(&read).unwrap() + "\n",
            String::from_utf8(written).unwrap()
        );
        let mut written = Vec::new();
        json::line(&super::Line { request: Some(b"a.so 10\n"), ..line }, &mut written);
        let read: WorkerAnswered = serde_json::from_slice(&written).unwrap();
        assert_eq!(read.request, "a.so 10");
        assert_eq!(
            serde_json::to_string(&read).unwrap() + "\n",
            String::from_utf8(written).unwrap()
        );
    }
}
