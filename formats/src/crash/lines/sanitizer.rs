//! The lines of a sanitizer's report that are not frames: in, a line; out, what it says goes into the event.

use crate::crash::text::{hex, some, word};

use super::{Head, Reader};

/// Reads `line` if a report begins in it: `==123==ERROR: AddressSanitizer: heap-use-after-free on address 0x… at pc …`.
pub fn field(reader: &mut Reader, line: &str) -> bool {
    let Some((_, rest)) = line.split_once("Sanitizer: ").filter(|(front, _)| is_report(front)) else { return false };
    if reader.head.is_some() {
        // The summary, or another report: the event is the first one.
        return true;
    }
    reader.head = Some(Head::Sanitizer);
    let event = &mut reader.stacks.event;
    event.reason.message = some(rest);
    let end = [" on ", " (", ": "].iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
    event.reason.kind = some(&rest[..end]);
    let address = rest.split_once("address ").and_then(|(_, address)| word(address));
    event.reason.fault_address = address.and_then(|(address, _)| hex(address));
    let pid = line.strip_prefix("==").and_then(|line| line.split_once("==")).and_then(|(pid, _)| pid.parse().ok());
    event.process.pid = event.process.pid.or(pid);
    reader.stacks.begin_thread(None, None, true);
    true
}

/// `==1==ERROR: Address`, `WARNING: Thread`, `SUMMARY: Address`.
fn is_report(front: &str) -> bool {
    let name = front.rsplit(' ').next().unwrap_or_default();
    let kind = front[..front.len() - name.len()].trim_end();
    matches!(name, "Address" | "HWAddress" | "Thread" | "Memory" | "Leak" | "UndefinedBehavior")
        && (kind.ends_with("ERROR:") || kind.ends_with("WARNING:") || kind.ends_with("SUMMARY:"))
}
