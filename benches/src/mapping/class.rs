//! A class of the app: all that other classes may want to know of it, the same whoever asks.

use std::fmt::Write;

use fastrand::Rng;

use super::words::{
    AREAS, EXCEPTION, FIRST, INNER, KOTLIN, LIBRARY, NOUNS, PARTS, PRIMITIVES, ROOTS, SECOND,
    VERBS, pick, short,
};

/// Classes of a package: as many as there are words for their beginning.
const PACKAGE_CLASSES: u64 = FIRST.len() as u64;
/// Classes of a package of the obfuscated program.
const SHORT_CLASSES: u64 = 900;

/// Names of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Its number.
    pub number: u64,
    /// The name in the source.
    pub original: String,
    /// The name in traces.
    pub obfuscated: String,
    /// What it is.
    pub kind: Kind,
    /// Its source file.
    pub file: String,
    /// Whether the mapping says so; else the file follows from the name.
    pub has_note: bool,
    /// Whether it can be thrown.
    pub is_thrown: bool,
}

/// What a class is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Written in Java.
    Java,
    /// Written in Kotlin.
    Kotlin,
    /// The functions of a file of Kotlin.
    Facade,
    /// Within the class before it.
    Inner,
    /// A lambda of Kotlin, or an anonymous class of Java.
    Lambda,
    /// A lambda's class that R8 made.
    Synthetic,
}

/// A type in a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Index into [`PRIMITIVES`].
    Primitive(u64),
    /// Index into [`LIBRARY`].
    Library(u64),
    /// Number of a class of the app.
    App(u64),
    /// An array of one of [`PRIMITIVES`].
    Array(u64),
}

/// A method of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// The name in the source.
    pub name: String,
    /// Absent for `void`.
    pub returns: Option<Type>,
    /// Types of its arguments.
    pub arguments: Vec<Type>,
    /// Where it begins in the source file.
    pub line: u32,
}

/// Random numbers for item `number` of a kind.
pub fn draws(seed: u64, kind: u64, number: u64) -> Rng {
    Rng::with_seed(
        (seed ^ kind.rotate_left(48)).wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
    )
}

impl Class {
    /// Class `number`.
    pub fn of(seed: u64, number: u64) -> Self {
        let (package, place) = (number / PACKAGE_CLASSES, number % PACKAGE_CLASSES);
        let kind = Kind::of(seed, number);
        // Of an inner class, the next one before it that is none.
        let outer = (0..=place)
            .map(|back| number - back)
            .find(|number| Kind::of(seed, *number).is_outer())
            .unwrap_or(number);
        let mut rng = draws(seed, 2, outer);
        let (second, no_note, is_kept) =
            (pick(&SECOND, rng.u64(..)), rng.u8(..4) == 0, rng.u8(..20) == 0);
        let stem = format!("{}{second}", pick(&FIRST, outer % PACKAGE_CLASSES + package));
        let outer = Kind::of(seed, outer);
        let mut original = package_name(package);
        original.push('.');
        original.push_str(&stem);
        // Writing to a string does not fail.
        let _ = match kind {
            Kind::Java | Kind::Kotlin => Ok(()),
            Kind::Facade => write!(original, "Kt"),
            _ if outer == Kind::Facade => {
                write!(original, "Kt${}{}${place}", pick(&VERBS, number), pick(&NOUNS, number))
            }
            Kind::Inner => write!(original, "${}", pick(&INNER, place)),
            Kind::Lambda if outer == Kind::Java => write!(original, "${place}"),
            Kind::Lambda => {
                write!(original, "${}{}${place}", pick(&VERBS, number), pick(&NOUNS, number))
            }
            Kind::Synthetic => write!(original, "$$ExternalSyntheticLambda{place}"),
        };
        let file = match (kind, outer) {
            (Kind::Synthetic, _) => "R8$$SyntheticClass".to_owned(),
            (_, Kind::Java) => format!("{stem}.java"),
            _ => format!("{stem}.kt"),
        };
        let has_note = kind == Kind::Synthetic || outer != Kind::Java || !no_note;
        let is_kept = is_kept && kind.is_outer();
        let is_thrown = second == EXCEPTION && matches!(kind, Kind::Java | Kind::Kotlin);
        let obfuscated = if is_kept { original.clone() } else { short_name(number) };
        Self { number, original, obfuscated, kind, file, has_note, is_thrown }
    }

    /// Method `index` of it. The first is the constructor; types are of this class and those
    /// before.
    pub fn method(&self, seed: u64, index: u64) -> Method {
        let mut rng = draws(seed, 3 + index, self.number);
        let name = match rng.u8(..10) {
            _ if index == 0 => "<init>".to_owned(),
            0..2 if self.kind != Kind::Java => (pick(&KOTLIN, rng.u64(..))).to_owned(),
            2 => {
                format!("lambda${}{}${index}", pick(&VERBS, rng.u64(..)), pick(&NOUNS, rng.u64(..)))
            }
            _ => format!("{}{}", pick(&VERBS, rng.u64(..)), pick(&NOUNS, rng.u64(..))),
        };
        let arguments = (0..rng.u8(..4)).map(|_| self.a_type(&mut rng)).collect();
        let returns = if index == 0 || rng.bool() { None } else { Some(self.a_type(&mut rng)) };
        let index = u32::try_from(index).unwrap_or(u32::MAX / 100);
        Method { name, returns, arguments, line: 20 + 17 * index + rng.u32(..12) }
    }

    fn a_type(&self, rng: &mut Rng) -> Type {
        match rng.u8(..10) {
            0..4 => Type::Primitive(rng.u64(..)),
            4..7 => Type::Library(rng.u64(..)),
            7 => Type::Array(rng.u64(..)),
            _ => Type::App(rng.u64(..=self.number)),
        }
    }
}

impl Kind {
    fn of(seed: u64, number: u64) -> Self {
        let kind = match draws(seed, 1, number).u8(..100) {
            0..36 => Self::Java,
            36..64 => Self::Kotlin,
            64..70 => Self::Facade,
            70..80 => Self::Inner,
            80..90 => Self::Lambda,
            _ => Self::Synthetic,
        };
        if number.is_multiple_of(PACKAGE_CLASSES) && !kind.is_outer() { Self::Java } else { kind }
    }

    fn is_outer(self) -> bool {
        matches!(self, Self::Java | Self::Kotlin | Self::Facade)
    }
}

impl Type {
    /// As a mapping spells it.
    pub fn push_name(self, out: &mut String, seed: u64) {
        match self {
            Self::Primitive(number) => out.push_str(pick(&PRIMITIVES, number).0),
            Self::Library(number) => out.push_str(pick(&LIBRARY, number)),
            Self::App(number) => out.push_str(&Class::of(seed, number).original),
            Self::Array(number) => {
                out.push_str(pick(&PRIMITIVES, number).0);
                out.push_str("[]");
            }
        }
    }

    /// As a descriptor of the obfuscated program spells it.
    pub fn push_descriptor(self, out: &mut String, seed: u64) {
        let mut class = |name: &str| {
            out.push('L');
            out.push_str(&name.replace('.', "/"));
            out.push(';');
        };
        match self {
            Self::Library(number) => class(pick(&LIBRARY, number)),
            Self::App(number) => class(&Class::of(seed, number).obfuscated),
            Self::Primitive(number) => out.push_str(pick(&PRIMITIVES, number).1),
            Self::Array(number) => {
                out.push('[');
                out.push_str(pick(&PRIMITIVES, number).1);
            }
        }
    }
}

/// Packages are counted through the words, each list once for every word of the next.
fn package_name(package: u64) -> String {
    let (roots, areas, parts) = (ROOTS.len() as u64, AREAS.len() as u64, PARTS.len() as u64);
    let mut name = format!(
        "{}.{}.{}",
        pick(&ROOTS, package),
        pick(&AREAS, package / roots),
        pick(&PARTS, package / roots / areas)
    );
    let more = package / roots / areas / parts;
    if more > 0 {
        name.push_str(".v");
        name.push_str(&more.to_string());
    }
    name
}

fn short_name(number: u64) -> String {
    format!("{}.{}", short(number / SHORT_CLASSES), short(number % SHORT_CLASSES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_all_different() {
        let classes: Vec<Class> = (0..50_000).map(|number| Class::of(1, number)).collect();
        let count =
            |name: fn(&Class) -> &str| classes.iter().map(name).collect::<HashSet<_>>().len();
        assert_eq!(
            (count(|class| &class.original), count(|class| &class.obfuscated)),
            (50_000, 50_000)
        );
        for kind in
            [Kind::Java, Kind::Kotlin, Kind::Facade, Kind::Inner, Kind::Lambda, Kind::Synthetic]
        {
            assert!(classes.iter().filter(|class| class.kind == kind).count() > 1000, "{kind:?}");
        }
        assert!(classes.iter().filter(|class| class.is_thrown).count() > 500);
    }

    /// What R8 infers: the outermost class with `.java`.
    #[test]
    fn a_file_without_note_follows_from_the_class() {
        let classes =
            (0..10_000).map(|number| Class::of(1, number)).filter(|class| !class.has_note);
        let mut count = 0;
        for class in classes {
            let name = class.original.rsplit('.').next().unwrap().split('$').next().unwrap();
            assert_eq!(class.file, format!("{name}.java"));
            count += 1;
        }
        assert!(count > 500);
    }

    #[test]
    fn a_class_is_the_same_whoever_asks() {
        let class = Class::of(7, 33);
        assert_eq!(class, Class::of(7, 33));
        assert_eq!(class.method(7, 2), Class::of(7, 33).method(7, 2));
        assert_ne!(class.original, Class::of(8, 33).original);
    }

    #[test]
    fn descriptors() {
        let mut text = String::new();
        for kind in [Type::Primitive(0), Type::Array(1), Type::Library(0)] {
            kind.push_descriptor(&mut text, 1);
        }
        assert_eq!(text, "I[JLjava/lang/String;");
    }
}
