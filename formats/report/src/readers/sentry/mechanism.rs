//! Reads `mechanism`: what stopped the process, and how the exception belongs to others.

use crate::event::{Reason, Relation};
use crate::scan::json::fields::set;
use crate::scan::json::{Json, Read};

use super::Ids;

/// What a mechanism says.
#[derive(Default)]
pub struct Mechanism {
    /// Signal, code and address. Its kind is the Mach exception's name.
    pub reason: Reason,
    /// How the exception belongs to its parent; `Thrown` if it does not say.
    pub relation: Relation,
    /// The exception's number, and its parent's.
    pub ids: Ids,
}

/// Reads a mechanism: the current form has signals in `meta`, the older one in `posix_signal` and
/// `mach_exception` beside it.
pub fn mechanism(json: &mut Json<'_>) -> Read<Mechanism> {
    let mut mechanism = Mechanism::default();
    let mut mach_code = None;
    json.object(|json, key| {
        let Mechanism { reason, relation, ids } = &mut mechanism;
        match key {
            "exception_id" => set(&mut ids.own, json.signed()?),
            "parent_id" => set(&mut ids.parent, json.signed()?),
            "source" => {
                let is_suppressed = json
                    .text()?
                    .is_some_and(|source| source.to_ascii_lowercase().contains("suppressed"));
                set(relation, if is_suppressed { Relation::Suppressed } else { Relation::Cause })
            }
            "meta" => json.object(|json, key| cause(reason, &mut mach_code, json, key)),
            "data" => json.object(|json, key| cause(reason, &mut mach_code, json, key)),
            _ => cause(reason, &mut mach_code, json, key),
        }
    })?;
    mechanism.reason.code = mechanism.reason.code.or(mach_code);
    Ok(mechanism)
}

fn cause(
    reason: &mut Reason,
    mach_code: &mut Option<String>,
    json: &mut Json<'_>,
    key: &str,
) -> Read<()> {
    match key {
        "relevant_address" => set(&mut reason.fault_address, json.unsigned()?),
        "signal" | "posix_signal" => json.object(|json, key| match key {
            "number" | "signal" => set(&mut reason.signal_number, json.signed()?),
            "name" => set(&mut reason.signal, json.text()?),
            "code_name" => set(&mut reason.code, json.text()?),
            "code" if reason.code.is_none() => set(&mut reason.code, json.text()?),
            _ => json.skip(),
        }),
        "mach_exception" => json.object(|json, key| match key {
            "name" | "exception_name" => set(&mut reason.kind, json.text()?),
            "code_name" => set(mach_code, json.text()?),
            "code" if mach_code.is_none() => set(mach_code, json.text()?),
            _ => json.skip(),
        }),
        _ => json.skip(),
    }
}
