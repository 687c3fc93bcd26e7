//! One note of R8: a comment with a JSON object.
//!
//! R8, `doc/retrace.md`: "Additional information appended as comments to the file".

use std::borrow::Cow;

use super::json::{DamagedNote, LenientJson};

/// What R8 adds to a class, a member or the whole file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Note<'a> {
    /// `com.android.tools.r8.mapping`: the version of what follows.
    Version(Cow<'a, str>),
    SourceFile(Cow<'a, str>),
    /// `partitionSourceFiles`: the source files of classes that have methods here, in a part of a
    /// mapping. R8 writes it into partition maps.
    SourceFiles(Vec<(String, String)>),
    Synthesized,
    Outline,
    /// Position in the outline, position here; sorted, and never empty. A position that is not
    /// there is the same here.
    Callsite(Vec<(u32, u32)>),
    /// Descriptor in the obfuscated program.
    Residual(Cow<'a, str>),
    Rewrite {
        /// Descriptors of exceptions, all of which have to be the one that was thrown.
        throws: Vec<String>,
        remove: u32,
    },
    /// A rule whose conditions or actions are not known: it must not be applied.
    UnknownRule,
    /// Another id.
    Unknown,
}

/// What an object has, by its known keys.
#[derive(Default)]
struct Fields<'a> {
    id: Cow<'a, str>,
    file_name: Option<Cow<'a, str>>,
    version: Option<Cow<'a, str>>,
    signature: Option<Cow<'a, str>>,
    positions: Option<Vec<(u32, u32)>>,
    file_names: Vec<(String, String)>,
    throws: Vec<String>,
    remove: u32,
    is_unknown_rule: bool,
}

impl<'a> Note<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, DamagedNote> {
        let fields = Fields::parse(text)?;
        Ok(match &*fields.id {
            "com.android.tools.r8.mapping" => Self::Version(fields.version.ok_or(DamagedNote)?),
            "sourceFile" => Self::SourceFile(fields.file_name.ok_or(DamagedNote)?),
            "partitionSourceFiles" => Self::SourceFiles(fields.file_names),
            "com.android.tools.r8.synthesized" => Self::Synthesized,
            "com.android.tools.r8.outline" => Self::Outline,
            "com.android.tools.r8.outlineCallsite" => {
                Self::Callsite(fields.positions.ok_or(DamagedNote)?)
            }
            "com.android.tools.r8.residualsignature" => {
                Self::Residual(fields.signature.ok_or(DamagedNote)?)
            }
            "com.android.tools.r8.rewriteFrame" if fields.is_unknown_rule => Self::UnknownRule,
            "com.android.tools.r8.rewriteFrame" => {
                Self::Rewrite { throws: fields.throws, remove: fields.remove }
            }
            "" => return Err(DamagedNote),
            _ => Self::Unknown,
        })
    }
}

impl<'a> Fields<'a> {
    fn parse(text: &'a str) -> Result<Self, DamagedNote> {
        let mut fields = Self::default();
        let mut json = LenientJson::new(text);
        json.object(|json, key| {
            match key {
                "id" => fields.id = json.scalar()?,
                "fileName" => fields.file_name = Some(json.scalar()?),
                "version" => fields.version = Some(json.scalar()?),
                "signature" => fields.signature = Some(json.scalar()?),
                "positions" => fields.positions = Some(positions(json)?),
                "fileNameMappings" => json.object(|json, class| {
                    fields.file_names.push((class.to_owned(), json.scalar()?.into_owned()));
                    Ok(())
                })?,
                "conditions" => json.array(|json| {
                    let condition = json.scalar()?;
                    match within(&condition, "throws(") {
                        Some(descriptor) => fields.throws.push(descriptor.to_owned()),
                        None => fields.is_unknown_rule = true,
                    }
                    Ok(())
                })?,
                "actions" => json.array(|json| {
                    let action = json.scalar()?;
                    match within(&action, "removeInnerFrames(")
                        .and_then(|count| count.trim().parse::<u32>().ok())
                    {
                        Some(count) => fields.remove = fields.remove.saturating_add(count),
                        None => fields.is_unknown_rule = true,
                    }
                    Ok(())
                })?,
                _ => json.skip()?,
            }
            Ok(())
        })?;
        json.end().map(|()| fields)
    }
}

/// Sorted; of two for one position the last counts. Of none, the first position is itself, as all
/// others are.
fn positions(json: &mut LenientJson) -> Result<Vec<(u32, u32)>, DamagedNote> {
    let mut positions = Vec::new();
    json.object(|json, key| {
        positions.push((key.parse().map_err(|_| DamagedNote)?, json.number()?));
        Ok(())
    })?;
    positions.reverse();
    positions.sort_by_key(|(outline, _)| *outline);
    positions.dedup_by_key(|(outline, _)| *outline);
    if positions.is_empty() {
        positions.push((0, 0));
    }
    Ok(positions)
}

/// The `x` of `NAME(x)`.
fn within<'a>(call: &'a str, name: &str) -> Option<&'a str> {
    call.trim().strip_prefix(name)?.strip_suffix(')')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(text: &str) -> Note<'_> {
        Note::parse(text).unwrap()
    }

    /// The examples of R8's documentation, with their bare keys and single quotes.
    #[test]
    fn notes_of_the_documentation() {
        assert_eq!(
            note(r#"{"id":"com.android.tools.r8.mapping","version":"1.0"}"#),
            Note::Version("1.0".into())
        );
        assert_eq!(
            note(r#"{"id":"sourceFile","fileName":"R8Test.kt"}"#),
            Note::SourceFile("R8Test.kt".into())
        );
        assert_eq!(note("{'id':'com.android.tools.r8.synthesized'}"), Note::Synthesized);
        assert_eq!(note("{ 'id':'com.android.tools.r8.outline' }"), Note::Outline);
        assert_eq!(
            note(
                "{ 'id':'com.android.tools.r8.outlineCallsite',\n 'positions': { '2': 5, '1': 4 }, 'outline':'La;a()I' }"
            ),
            Note::Callsite(vec![(1, 4), (2, 5)])
        );
        assert_eq!(
            note("{'id':'com.android.tools.r8.outlineCallsite','positions':{}}"),
            Note::Callsite(vec![(0, 0)])
        );
        assert_eq!(
            note(r#"{"id":"partitionSourceFiles","fileNameMappings":{"a.B":"B.kt"}}"#),
            Note::SourceFiles(vec![("a.B".to_owned(), "B.kt".to_owned())])
        );
        let rule = "{ id: 'com.android.tools.r8.rewriteFrame', conditions: ['throws(La/B;)', 'throws(LC;)'],
            actions: ['removeInnerFrames(1)', 'removeInnerFrames(2)'] }";
        assert_eq!(
            note(rule),
            Note::Rewrite { throws: vec!["La/B;".to_owned(), "LC;".to_owned()], remove: 3 }
        );
        assert_eq!(
            note(r#"{"id":"com.android.tools.r8.residualsignature","signature":"(La;)V"}"#),
            Note::Residual("(La;)V".into())
        );
    }

    #[test]
    fn notes_of_later_versions() {
        assert_eq!(
            note(r#"{"id":"com.android.tools.r8.later","x":[{"y":null},1.5e3,[]],"z":true}"#),
            Note::Unknown
        );
        assert_eq!(
            note("{id:'com.android.tools.r8.rewriteFrame',conditions:['later(1)'],actions:[]}"),
            Note::UnknownRule
        );
        assert_eq!(
            note(
                "{id:'com.android.tools.r8.rewriteFrame',conditions:[],actions:['removeInnerFrames(x)']}"
            ),
            Note::UnknownRule
        );
    }

    #[test]
    fn escapes() {
        assert_eq!(
            note(r#"{"id":"sourceFile","fileName":"a\"\u00e9\\\n.kt"}"#),
            Note::SourceFile("a\"é\\\n.kt".into())
        );
    }

    #[test]
    fn damaged_notes() {
        for text in [
            "",
            "{",
            "{}",
            "[]",
            "{\"id\"}",
            "{\"id\":}",
            "{\"id\":\"sourceFile\"}",
            "{\"id\":\"sourceFile\",\"fileName\":\"a}",
            "{\"id\":\"x\"} y",
            "{'id':'com.android.tools.r8.outlineCallsite','positions':{'a':1}}",
            "{'id':'x','y':'\\u12'}",
            "{'id':'x','y':'\\uéé'}",
            &format!("{{'id':'x','y':{}{}}}", "[".repeat(99), "]".repeat(99)),
        ] {
            assert!(Note::parse(text).is_err(), "{text}");
        }
    }
}
