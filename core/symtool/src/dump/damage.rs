//! What of a dump was lost on the way.

use symtool_minidump::{DumpExtent, DumpPart, DumpWalk, MinidumpError, WalkEnd};

/// What of a dump has zeros where something else should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DumpLosses {
    /// What is lost, each in a sentence.
    pub lost: Vec<String>,
    /// Zeros that may belong where they are: a stack has buffers of the program.
    pub perhaps: Vec<String>,
}

impl DumpLosses {
    /// Of the dump with this `extent`, which was walked.
    pub fn of(extent: &DumpExtent, walk: &DumpWalk) -> Self {
        let is_broken = walk.threads.iter().any(|thread| matches!(thread.end, WalkEnd::Zeros(_)));
        let mut losses = Self::default();
        for zeroed in &extent.zeroed {
            let (range, part) = (zeroed.range, zeroed.part.name());
            let (size, offset) = (range.size, range.offset);
            if zeroed.part == DumpPart::Stack && !is_broken {
                let zeros = format!("{size} bytes from byte {offset} on, of a stack, are zeros");
                losses.perhaps.push(zeros);
                continue;
            }
            losses.lost.push(format!(
                "{size} bytes from byte {offset} on are zeros, where {part} should be; upload it again"
            ));
        }
        if is_broken && losses.lost.is_empty() {
            let zeros = "a stack has only zeros where a caller should be; upload it again";
            losses.lost.push(zeros.to_owned());
        }
        losses
    }
}

/// Why bytes are no minidump, and what to do.
pub fn dump_error(error: &MinidumpError) -> String {
    let step = match error {
        _ if error.is_cut_off() => "upload it again",
        MinidumpError::OtherDump(_) => {
            "open it in a debugger, and pass what that prints of its stacks"
        }
        _ => return error.to_string(),
    };
    format!("{error}; {step}")
}
