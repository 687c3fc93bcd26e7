//! The style of `--json`: an object for each request.

use symtool_core::sources::SourceLines;
use symtool_debug::Source;
use symtool_store::resolve::Frame;

use super::text::{put_hex, put_json, put_number};
use super::{Folded, Line};

/// Writes one request and its answer as a JSON object.
pub fn line(line: &Line<'_>, out: &mut Vec<u8>) {
    match line.request {
        Some(request) => {
            out.extend_from_slice(b"{\"request\":");
            put_json(request.trim_ascii_end(), out);
        }
        None => {
            out.extend_from_slice(b"{\"line\":");
            out.extend_from_slice(line.number.to_string().as_bytes());
        }
    }
    if let Some(address) = line.address {
        out.extend_from_slice(b",\"address\":");
        out.push(b'"');
        put_hex(address, out);
        out.push(b'"');
    }
    if let Some(method) = line.method {
        out.extend_from_slice(b",\"method\":");
        put_json(method.as_bytes(), out);
    }
    if let Some(module) = line.module {
        out.extend_from_slice(b",\"module\":{\"name\":");
        put_json(module.record.name.as_bytes(), out);
        out.extend_from_slice(b",\"id\":");
        put_json(module.record.id.as_str().as_bytes(), out);
        out.push(b'}');
    }
    out.extend_from_slice(b",\"status\":\"");
    out.extend_from_slice(line.status.name().as_bytes());
    out.push(b'"');
    if line.status.has_frames() {
        out.extend_from_slice(b",\"frames\":[");
        out.extend_from_slice(line.frames);
        out.push(b']');
    }
    out.extend_from_slice(b"}\n");
}

/// What there is to say of a frame besides itself.
pub struct More<'a> {
    /// What knows it.
    pub source: &'static str,
    /// Source around its line.
    pub lines: Option<&'a SourceLines>,
}

/// Writes one frame of an answer.
pub fn frame(
    frame: &Frame<'_>,
    name: &[u8],
    more: &More<'_>,
    folded: &Folded<'_>,
    is_first: bool,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(if is_first { b"{" } else { b",{" });
    for (key, text) in [("function", name), ("linkage", frame.name), ("file", frame.file)] {
        if !text.is_empty() {
            put_key(key, out);
            put_json(text, out);
            out.push(b',');
        }
    }
    for (key, number) in [("line", frame.line), ("column", frame.column)] {
        if number != 0 {
            put_key(key, out);
            put_number(number, out);
            out.push(b',');
        }
    }
    put_key("inlined", out);
    out.extend_from_slice(if frame.inlined { b"true" } else { b"false" });
    out.extend_from_slice(b",\"source\":\"");
    out.extend_from_slice(more.source.as_bytes());
    out.push(b'"');
    more.lines.iter().for_each(|lines| context(lines, out));
    let mut before: &[u8] = b",\"aliases\":[";
    folded.each(frame, |name| {
        out.extend_from_slice(before);
        put_json(name, out);
        before = b",";
    });
    if before.len() == 1 {
        out.push(b']');
    }
    out.push(b'}');
}

/// Writes lines of source as a key of a frame.
fn context(SourceLines { first_line, lines }: &SourceLines, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"context\":{\"first_line\":");
    put_number(*first_line, out);
    let mut before: &[u8] = b",\"lines\":[";
    for line in lines {
        out.extend_from_slice(before);
        put_json(line.as_bytes(), out);
        before = b",";
    }
    out.extend_from_slice(b"]}");
}

fn put_key(key: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}

/// What knows a frame.
pub fn source(frame: &Frame<'_>) -> &'static str {
    match frame.source {
        Source::Dwarf => "dwarf",
        Source::Gopclntab => "gopclntab",
        Source::Breakpad => "breakpad",
        Source::Symtab => "symtab",
    }
}
