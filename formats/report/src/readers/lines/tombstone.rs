//! Reads the lines of a tombstone that are not frames into the event.

use crate::event::Reason;
use crate::scan::text::{between, hex, some, word};
use crate::scan::time;

use super::state::{CrashHead, Section, TextReader};

/// What tombstones begin with.
pub const RULE: &str = "*** *** ***";
/// What parts its threads.
const THREAD_RULE: &str = "--- --- ---";
/// Headings of what is printed of memory and of the log.
const DUMPS: [&str; 6] =
    ["stack:", "memory near ", "code around ", "open files:", "--------- ", "Memory tags around "];

/// Reads `line` if it is one of a tombstone's own.
pub fn field(reader: &mut TextReader, line: &str) -> bool {
    let is_own = head(reader, line) || section(reader, line);
    if is_own {
        reader.head.get_or_insert(CrashHead::Tombstone);
    }
    is_own
}

fn head(reader: &mut TextReader, line: &str) -> bool {
    let event = &mut reader.stacks.event;
    if line.starts_with(RULE) {
        reader.section = Section::Open;
    } else if let Some(fingerprint) = line.strip_prefix("Build fingerprint: ") {
        event.os.name = some("Android");
        event.os.build = some(fingerprint.trim_matches('\''));
    } else if let Some(arch) = line.strip_prefix("ABI: ") {
        event.arch = some(arch.trim_matches('\''));
    } else if let Some(at) = line.strip_prefix("Timestamp: ") {
        event.time_ms = time::milliseconds(at);
    } else if let Some(command) = line.strip_prefix("Cmdline: ") {
        event.process.name = some(command);
    } else if line.starts_with("pid: ") && line.contains("tid: ") {
        thread(reader, line);
    } else if line.starts_with("signal ") && line.contains('(') {
        signal(&mut event.reason, line);
    } else if let Some(rest) = line
        .strip_prefix("Fatal ")
        .filter(|rest| rest.starts_with("signal ") && rest.contains(" in tid "))
    {
        // bionic itself, in the log of the process. That alone is no report.
        if event.reason.signal.is_none() {
            signal(&mut event.reason, rest);
        }
        return false;
    } else if let Some(message) = line.strip_prefix("Abort message: ") {
        abort_message(reader, message);
    } else if let Some(cause) = line.strip_prefix("Cause: ") {
        if event.reason.message.is_none() {
            event.reason.message = some(cause);
        }
    } else {
        return false;
    }
    true
}

fn section(reader: &mut TextReader, line: &str) -> bool {
    if line == "backtrace:" || line.starts_with(THREAD_RULE) {
        leave(reader, Section::Open);
    } else if line.starts_with("memory map") && line.ends_with([':', ')']) {
        leave(reader, Section::Maps);
        // `memory map (57 entries):`, with a remark perhaps; the number is absent in old ones.
        reader.mappings_left =
            between(line, "(", " entries").and_then(|count| count.parse().ok()).unwrap_or_default();
    } else if reader.head == Some(CrashHead::Tombstone)
        && DUMPS.iter().any(|heading| line.starts_with(heading))
    {
        leave(reader, Section::Dump);
    } else {
        return false;
    }
    true
}

fn leave(reader: &mut TextReader, next: Section) {
    if reader.section == Section::Maps {
        reader.end_maps();
    }
    reader.section = next;
}

/// `pid: 794, tid: 795, name: worker  >>> com.example.app <<<`. The first one is the thread that
/// crashed. The Play Console hides the process's number, and leaves the name out.
fn thread(reader: &mut TextReader, line: &str) {
    let number = |name: &str| {
        let (_, rest) = line.split_once(name)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let name = line
        .split_once("name: ")
        .map(|(_, rest)| rest.split_once("  >>> ").map_or(rest, |(name, _)| name));
    let is_first = reader.stacks.event.threads.iter().all(|thread| thread.id.is_none());
    let process = &mut reader.stacks.event.process;
    process.pid = process.pid.or(number("pid: "));
    if process.name.is_none() {
        process.name = between(line, ">>> ", " <<<").and_then(some);
    }
    leave(reader, Section::Open);
    reader.stacks.begin_thread(number("tid: "), name.and_then(some), is_first);
}

/// `signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x10`.
pub fn signal(reason: &mut Reason, line: &str) {
    reason.signal_number = between(line, "signal ", " ").and_then(|number| number.parse().ok());
    reason.signal = between(line, "(", ")").and_then(some);
    let reason_code = line.split_once("code ").and_then(|(_, code)| between(code, "(", ")"));
    // `SI_QUEUE from pid 1234, uid 10123`
    reason.code = reason_code.and_then(|code| some(code.split(" from ").next().unwrap_or(code)));
    let address = line.split_once("fault addr ").and_then(|(_, address)| word(address));
    reason.fault_address = address.and_then(|(address, _)| hex(address));
}

/// `'text'`, of one line or several.
fn abort_message(reader: &mut TextReader, message: &str) {
    let quote = message.chars().next().filter(|quote| matches!(quote, '\'' | '"'));
    let text = quote.map_or(message, |_| &message[1..]);
    let ended = quote.and_then(|quote| text.strip_suffix(quote));
    reader.stacks.event.reason.message = Some(crate::scan::text::kept(ended.unwrap_or(text)));
    reader.section =
        if quote.is_some() && ended.is_none() { Section::Abort(1) } else { Section::Open };
}
