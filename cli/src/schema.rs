//! The shapes of what `--json` prints, as JSON Schemas made from the types that are printed, and
//! compared with `docs/schema/`.
//!
//! `SYMTOOL_SCHEMA=write` writes the files instead (`just schema`).

use std::path::PathBuf;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};
use symtool_core::report::{CrashReport, Overview};
use symtool_crashes::Run;

use crate::output::VERSION;
use crate::{
    bundle, check, crash, fetch, groups, import, key, missing, modules, reprocess, rules, stats,
    style, symbolicate, worker,
};

/// The objects that one heading of `docs/json.md` describes.
struct Shapes {
    heading: &'static str,
    generator: SchemaGenerator,
    objects: Vec<Value>,
}

impl Shapes {
    fn of(heading: &'static str) -> Self {
        let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
        Self { heading, generator, objects: Vec::new() }
    }

    /// Objects that are fixed and have no version.
    fn fixed<T: JsonSchema>(mut self) -> Self {
        // A root is described where it stands, as a version is added to it.
        let name = T::schema_name();
        self.generator.subschema_for::<T>();
        let object = self.generator.definitions_mut().remove(&*name).expect("a root is an object");
        self.objects.push(object);
        self
    }

    /// Objects with a version.
    fn with<T: JsonSchema>(self) -> Self {
        let mut shapes = self.fixed::<T>();
        let object = shapes.objects.last_mut().and_then(Value::as_object_mut);
        let object = object.expect("a root is an object");
        let properties = object.entry("properties").or_insert_with(|| json!({}));
        properties["version"] = json!({ "const": VERSION });
        let required = object.entry("required").or_insert_with(|| json!([]));
        let required = required.as_array_mut().expect("a list");
        required.retain(|key| key != "version");
        required.insert(0, "version".into());
        shapes
    }

    /// The file that describes them.
    fn text(mut self) -> String {
        let definitions = self.generator.take_definitions(true);
        let mut schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": format!("symtool {} --json", self.heading),
            "anyOf": self.objects,
        });
        if !definitions.is_empty() {
            schema["$defs"] = definitions.into();
        }
        let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
        text + "\n"
    }

    fn path(&self) -> PathBuf {
        let name = self.heading.replace(' ', "-");
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/schema/{name}.json"))
    }
}

fn all() -> Vec<Shapes> {
    let of = Shapes::of;
    #[cfg(feature = "bucket")]
    let buckets =
        [of("bucket").with::<crate::bucket::Probed<'_>>().with::<crate::bucket::Collected>()];
    #[cfg(not(feature = "bucket"))]
    let buckets = [];
    let others = vec![
        of("import").with::<import::report::Report>().with::<import::report::Total>(),
        of("resolve").fixed::<style::shape::Answered>(),
        of("bundle").with::<bundle::Report>().with::<bundle::Total>(),
        of("check").with::<check::report::Report>().with::<check::report::Summary>(),
        of("modules list").with::<modules::list::Listed<'_>>(),
        of("modules remove").with::<modules::removed::Removed<'_>>(),
        of("modules verify")
            .with::<modules::verify::report::Report>()
            .with::<modules::verify::report::Summary>(),
        of("modules export").with::<modules::export::Exported<'_>>(),
        of("modules repair")
            .with::<modules::upkeep::Lost<'_>>()
            .with::<modules::upkeep::LostCrash>()
            .with::<modules::upkeep::LostRun>()
            .with::<modules::upkeep::LostWithoutId>(),
        of("modules compact").with::<modules::upkeep::Compacted>(),
        of("stats").with::<stats::StoreStats>(),
        of("key").with::<key::Generated<'_>>().with::<key::Rotated<'_>>().with::<key::Shown<'_>>(),
        of("symbolicate").with::<symbolicate::dump::json::Whole<'_>>(),
        of("crash add").fixed::<crash::add::Told<'_>>().with::<crash::add::Total>(),
        of("crash list").fixed::<crash::list::Line<'_>>().fixed::<crash::list::FailedLine<'_>>(),
        of("crash show").with::<crash::show::Shown<'_>>(),
        of("crash remove")
            .with::<crash::Removed<'_>>()
            .with::<crash::retention::Gone>()
            .with::<crash::retention::Touched>(),
        of("groups list").with::<groups::list::Line<'_>>(),
        of("groups mark").with::<groups::mark::Marked<'_>>(),
        of("groups show").with::<groups::show::Shown<'_>>(),
        of("groups history").with::<Run>(),
        of("groups plan").with::<groups::plan::PlanTold>(),
        of("groups of").with::<groups::plan::OfTold>(),
        of("groups diff").with::<groups::history::Diff>(),
        of("reprocess").with::<reprocess::Told<'_>>(),
        of("reprocess shard").with::<reprocess::ShardTold>(),
        of("worker")
            .fixed::<worker::Symbolicated>()
            .fixed::<worker::AssessedLine>()
            .fixed::<style::shape::WorkerAnswered>()
            .fixed::<worker::End>(),
        of("report").with::<Overview>().with::<CrashReport>(),
        of("missing")
            .with::<missing::Line<'_>>()
            .with::<fetch::ModuleLine<'_>>()
            .with::<fetch::TotalLine<'_>>(),
        of("rules check").with::<rules::Checked<'_>>(),
        of("rules explain").with::<rules::Why<'_>>(),
    ];
    others.into_iter().chain(buckets).collect()
}

#[test]
fn schemas_are_those_of_the_types() {
    let writes = std::env::var_os("SYMTOOL_SCHEMA").is_some_and(|what| what == "write");
    let mut stale = Vec::new();
    for shapes in all() {
        let (path, heading) = (shapes.path(), shapes.heading);
        let text = shapes.text();
        if writes {
            std::fs::write(&path, text).unwrap();
        } else if std::fs::read_to_string(&path).ok().as_deref() != Some(&*text) {
            stale.push(heading);
        }
    }
    assert!(
        stale.is_empty(),
        "docs/schema/ has other shapes of {stale:?} than the program; `just schema` writes them anew, and docs/json.md has to follow"
    );
}
