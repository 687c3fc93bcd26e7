//! The threads of a process that did not answer: headings of stacks in traces of Android's runtime,
//! in the Play Console, in Crashlytics.
//!
//! ```text
//! ----- pid 4711 at 2025-03-02 10:11:12.131415161+0100 -----            a process begins
//! Cmd line: org.example.lantern
//! "main" prio=5 tid=1 Blocked                                            its threads
//! "RenderThread" sysTid=4733
//! "main" tid=1 Native                                                    Play Console
//! main (runnable):tid=1 systid=4711                                      Crashlytics
//! ----- end 4711 -----
//! ```
//! The report is about the main thread, whatever the others do: it is the one that did not answer.

use crate::event::Thread;
use crate::scan::text::{some, word};
use crate::scan::time;

use super::state::{CrashHead, Section, TextReader};

/// The thread that has to answer.
const MAIN: &str = "main";

/// What the dump of a process begins with: its number, and when it was taken.
pub fn process(line: &str) -> Option<(u64, Option<i64>)> {
    let (pid, at) = line.strip_prefix("----- pid ")?.strip_suffix(" -----")?.split_once(" at ")?;
    Some((pid.parse().ok()?, time::milliseconds(at)))
}

/// Reads `line` if it is a heading of such a report.
pub fn field(reader: &mut TextReader, line: &str) -> bool {
    if let Some((pid, time_ms)) = process(line) {
        if reader.head == Some(CrashHead::Anr) {
            // Others that were dumped along.
            reader.section = Section::Dump;
            return true;
        }
        let event = &mut reader.stacks.event;
        (event.process.pid, event.time_ms) = (Some(pid), time_ms);
        event.os.name = some("Android");
        reader.head.get_or_insert(CrashHead::Anr);
        return true;
    }
    if reader.head == Some(CrashHead::Anr)
        && let Some(name) = line.strip_prefix("Cmd line: ")
    {
        reader.stacks.event.process.name = some(name);
        return true;
    }
    let Some(name) = thread(line).filter(|_| reader.section != Section::Dump) else { return false };
    // Behind an exception's stack, Crashlytics lists threads likewise.
    if reader.head.is_none() && reader.frames == 0 && reader.stacks.event.exceptions.is_empty() {
        reader.head = Some(CrashHead::Anr);
    }
    reader.stacks.begin_thread(None, some(name), false);
    true
}

/// The name of the thread that `line` is the heading of.
fn thread(line: &str) -> Option<&str> {
    if let Some(quoted) = line.strip_prefix('"') {
        let (name, rest) = quoted.rsplit_once('"')?;
        let is_known = |word: &str| word.starts_with("tid=") || word.starts_with("sysTid=");
        return rest.split_ascii_whitespace().any(is_known).then_some(name);
    }
    let (front, rest) = line.split_once("):tid=")?;
    let (name, state) = front.rsplit_once(" (")?;
    let is_state =
        !state.is_empty() && state.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b' ');
    let (number, rest) = word(rest)?;
    (is_state && number.parse::<u64>().is_ok() && rest.starts_with("systid=")).then_some(name)
}

/// Marks the thread that the report is about.
pub fn finish(threads: &mut [Thread]) {
    let main = threads
        .iter()
        .position(|thread| thread.name.as_deref() == Some(MAIN) && !thread.frames.is_empty());
    if let Some(thread) = main.and_then(|index| threads.get_mut(index)) {
        thread.crashed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings() {
        for (line, name) in [
            ("\"main\" prio=5 tid=1 Sleeping", "main"),
            ("\"Signal Catcher\" daemon prio=10 tid=6 Runnable", "Signal Catcher"),
            ("\"a \"quoted\" name\" prio=5 tid=7 Native", "a \"quoted\" name"),
            (
                "\"main\" #1 prio=5 os_prio=0 cpu=1ms tid=0x00007f nid=0x1 runnable  [0x00007f]",
                "main",
            ),
            ("\"RenderThread\" sysTid=4733", "RenderThread"),
            ("main (timed waiting):tid=1 systid=24831", "main"),
            (
                "A (b) (blocked):tid=2 systid=9 | waiting to lock <0x1> (a.X) held by thread 1",
                "A (b)",
            ),
        ] {
            assert_eq!(thread(line), Some(name), "{line}");
        }
        for line in [
            "",
            "\"quoted\"",
            "\"a\" tidy=1",
            "x:tid=1 systid=2",
            "main (Runnable):tid=1 systid=2",
            "main (native):tid=x systid=2",
        ] {
            assert_eq!(thread(line), None, "{line}");
        }
        assert_eq!(
            process("----- pid 4711 at 2025-03-02 10:11:12.131415161+0100 -----"),
            Some((4711, Some(1_740_906_672_131)))
        );
        assert_eq!(
            process("----- pid 4711 at 2025-03-02 10:11:12 -----"),
            Some((4711, Some(1_740_910_272_000)))
        );
        assert_eq!(process("----- end 4711 -----"), None);
    }
}
