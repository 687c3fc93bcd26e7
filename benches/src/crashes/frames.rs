//! Writes the frames of all crashes as a batch: a `MODULE ADDRESS` line for each that lies in the
//! app's modules.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// By debug id, the id and the base of a module.
type Modules = HashMap<String, (String, u64)>;

/// Writes the addresses of `events` in modules of `plan` to `batch`. The answer is how many there
/// are.
///
/// # Errors
/// If a file cannot be read or written, or is not what the generator makes; names it.
pub fn write_batch(events: &Path, plan: &Path, batch: &Path) -> Result<usize> {
    let modules = modules(plan)
        .with_context(|| format!("{}: not a plan of the generator", plan.display()))?;
    let file = File::open(events).with_context(|| events.display().to_string())?;
    let out = File::create(batch).with_context(|| batch.display().to_string())?;
    let (mut out, mut count) = (BufWriter::new(out), 0);
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let at = || format!("{}:{number}", events.display());
        let line = line.with_context(at)?;
        let event: Value = serde_json::from_str(&line).with_context(at)?;
        for (module, address) in frames(&event, &modules)
            .with_context(|| format!("{}: not an event of the generator", at()))?
        {
            writeln!(out, "{module} {address:#x}").with_context(|| batch.display().to_string())?;
            count += 1;
        }
    }
    out.flush().with_context(|| batch.display().to_string())?;
    Ok(count)
}

fn modules(plan: &Path) -> Result<Modules> {
    let plan: Value = serde_json::from_slice(&fs::read(plan)?)?;
    let module = |module: &Value| {
        let [debug_id, id] = ["debug_id", "id"].map(|key| module[key].as_str().map(str::to_owned));
        Some((debug_id?, (id?, module["base"].as_u64()?)))
    };
    let modules = plan["modules"].as_array().context("no array \"modules\"")?;
    modules.iter().map(|value| module(value).context("a module without ids and base")).collect()
}

/// The frames of an event that lie in `modules`: a module's id, and its own address.
fn frames<'m>(event: &Value, modules: &'m Modules) -> Result<Vec<(&'m str, u64)>> {
    let mut images = Vec::new();
    for image in event["debug_meta"]["images"].as_array().context("no images")? {
        let start = hexadecimal(&image["image_addr"]).context("no \"image_addr\"")?;
        let size = image["image_size"].as_u64().context("no \"image_size\"")?;
        let module = modules.get(image["debug_id"].as_str().context("no \"debug_id\"")?);
        images.push((start, size, module));
    }
    let values = [&event["exception"]["values"], &event["threads"]["values"]]
        .into_iter()
        .filter_map(Value::as_array)
        .flatten();
    let mut frames = Vec::new();
    for frame in values.filter_map(|value| value["stacktrace"]["frames"].as_array()).flatten() {
        let address = hexadecimal(&frame["instruction_addr"]).context("no \"instruction_addr\"")?;
        let image = images.iter().find(|(start, size, _)| {
            address.checked_sub(*start).is_some_and(|offset| offset < *size)
        });
        if let Some((start, _, Some((id, base)))) = image {
            frames.push((id.as_str(), address - start + base));
        }
    }
    Ok(frames)
}

fn hexadecimal(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_module() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let [events, plan, batch] = ["events", "plan", "batch"].map(|name| dir.path().join(name));
        fs::write(&plan, r#"{"modules":[{"id":"aabb","debug_id":"d1","base":4096}]}"#)?;
        let event = r#"{"exception":{"values":[{"stacktrace":{"frames":[{"instruction_addr":"0x7010"},{"instruction_addr":"0x9000"}]}}]},
            "threads":{"values":[{"id":1},{"stacktrace":{"frames":[{"instruction_addr":"0x6fff"},{"instruction_addr":"0x7fff"},{"instruction_addr":"0x8000"}]}}]},
            "debug_meta":{"images":[{"debug_id":"d1","image_addr":"0x7000","image_size":4096},{"debug_id":"d2","image_addr":"0x9000","image_size":4096}]}}"#;
        fs::write(&events, event.replace('\n', "") + "\n")?;
        assert_eq!(write_batch(&events, &plan, &batch)?, 2);
        assert_eq!(fs::read_to_string(&batch)?, "aabb 0x1010\naabb 0x1fff\n");
        fs::write(&events, "{}\n")?;
        let error = format!("{:#}", write_batch(&events, &plan, &batch).expect_err("no event"));
        assert!(error.contains("events:1: not an event of the generator: no images"), "{error}");
        Ok(())
    }
}
