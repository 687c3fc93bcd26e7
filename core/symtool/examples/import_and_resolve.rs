//! Imports a debug file into a store and prints the frames at some of its addresses:
//!
//! ```text
//! cargo run --example import_and_resolve -- libgame.so 0x1139 0x1150
//! ```

use std::time::Duration;

use symtool_core::import::{Event, Outcome};
use symtool_core::{Import, resolve};
use symtool_store::{Named, Store};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let file = words.next().ok_or("usage: import_and_resolve FILE ADDRESS…")?;
    let addresses: Vec<u64> = words
        .map(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16))
        .collect::<Result<_, _>>()?;

    let folder = tempfile::tempdir()?;
    let store = Store::at(&folder.path().join("store"), Duration::from_secs(5));
    let summary = Import::of(vec![file.clone().into()]).run(&store, &|event| {
        if let Event::Done(report) = event {
            match report.outcome {
                Outcome::Imported { module, .. } | Outcome::Unchanged { module, .. } => {
                    println!("{}: {}", module.name, module.id);
                }
                Outcome::Expected(module) => println!("{}: {}", module.name, module.id),
                Outcome::Failed(failure) => eprintln!("{failure}"),
            }
        }
        Ok(())
    })?;
    if summary.imported == 0 {
        return Err("nothing was imported".into());
    }

    let reader = store.read()?;
    let catalog = reader.catalog();
    let name = file.rsplit('/').next().unwrap_or(&file);
    let Named::One(module) = catalog.named(name)? else { return Err("several modules".into()) };
    for (address, frames) in addresses.iter().zip(resolve(&reader, module, &addresses)?) {
        println!("{address:#x}");
        for frame in frames {
            let function = frame.function.as_deref().unwrap_or("??");
            println!("  {function} at {}:{}", frame.file.as_deref().unwrap_or("??"), frame.line);
        }
    }
    Ok(())
}
