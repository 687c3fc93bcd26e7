//! Writes the lines of one class of a mapping, and some frames with what they stand for.
//!
//! ```text
//! 1:3:void m(int):20:22 -> a              three lines, each from its own
//! 4:4:int com.b.Util.twice(int):9:9 -> a  inlined, innermost first
//! 4:4:void m(int):23 -> a                 where it is called
//! 5:5:void m(long):40:40 -> a             another method of the same short name goes on behind it
//! ```
//!
//! No two ranges of one obfuscated name have a line in common, so that a line has one answer.

use std::collections::HashMap;
use std::fmt::{Result as Written, Write};

use fastrand::Rng;

use super::class::{Class, Kind, Method, Type, draws};
use super::words::{NOUNS, VERBS, pick, short};

/// Methods of a class at most.
const MAX_METHODS: u64 = 2000;
/// Frames inlined into a method at most.
const MAX_INLINED: u8 = 4;
/// Of methods that are inlined, those with these numbers: small ones, which are inlined everywhere.
const INLINED_METHODS: u64 = 8;
/// A range with all lines: the method has one position.
const ALL_LINES: &str = "0:65535";

/// A frame of a trace, and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// As a trace has it, from the class to the closing parenthesis.
    pub obfuscated: String,
    /// What stands there in the source, innermost first.
    pub original: Vec<String>,
}

/// Writes classes.
#[derive(Debug)]
pub struct Writer {
    seed: u64,
    /// Classes below this number may be inlined.
    inlined: u64,
    /// Of a million ranges, how many become sites.
    odds: u32,
    text: String,
    sites: Vec<Site>,
    /// By obfuscated name, the line that the next range begins with; `None` if there can be no
    /// other.
    next_lines: HashMap<String, Option<u32>>,
    names: u64,
}

impl Writer {
    /// Makes sites of `odds` in a million ranges.
    pub fn new(seed: u64, odds: u32) -> Self {
        Self {
            seed,
            inlined: 0,
            odds,
            text: String::new(),
            sites: Vec::new(),
            next_lines: HashMap::new(),
            names: 0,
        }
    }

    /// All sites so far.
    pub fn into_sites(self) -> Vec<Site> {
        self.sites
    }

    /// The text of `class`, which may have inlined methods of the classes below `inlined`.
    pub fn class(&mut self, class: &Class, inlined: u64) -> &str {
        self.inlined = inlined;
        self.text.clear();
        self.next_lines.clear();
        self.names = 0;
        let mut rng = draws(self.seed, 0, class.number);
        // A string takes all that is written to it.
        let _ = self.write(class, &mut rng);
        &self.text
    }

    fn write(&mut self, class: &Class, rng: &mut Rng) -> Written {
        writeln!(self.text, "{} -> {}:", class.original, class.obfuscated)?;
        if class.has_note {
            writeln!(self.text, "# {{\"id\":\"sourceFile\",\"fileName\":\"{}\"}}", class.file)?;
        }
        if class.kind == Kind::Synthetic {
            writeln!(self.text, "# {{\"id\":\"com.android.tools.r8.synthesized\"}}")?;
            return self.synthetic(class, rng);
        }
        for field in 0..rng.u64(..6) {
            let noun = pick(&NOUNS, rng.u64(..)).to_lowercase();
            self.text.push_str("    ");
            Type::App(rng.u64(..=class.number)).push_name(&mut self.text, self.seed);
            writeln!(self.text, " {noun}{field} -> {}", short(field))?;
        }
        for index in 0..methods(rng) {
            let method = class.method(self.seed, index);
            match rng.u8(..100) {
                0..5 => self.without_lines(class, &method)?,
                5..10 => self.all_lines(class, &method, rng)?,
                10..13 => self.accessor(class, &method, index, rng)?,
                _ => self.method(class, &method, rng)?,
            }
        }
        Ok(())
    }

    /// A lambda's class: what it calls was inlined into a method that nobody wrote.
    fn synthetic(&mut self, class: &Class, rng: &mut Rng) -> Written {
        let captured = rng.u64(..=class.number);
        self.text.push_str("    ");
        Type::App(captured).push_name(&mut self.text, self.seed);
        writeln!(
            self.text,
            " f$0 -> a\n    1:1:void <init>():0:0 -> <init>\n      # {SYNTHESIZED}"
        )?;
        let outer = class.original.split('$').next().unwrap_or_default().to_owned();
        // The class before it in the package has that name, or its outer one has: its file is the
        // same.
        let before = (0..class.number)
            .rev()
            .map(|number| Class::of(self.seed, number))
            .find(|before| before.original == outer);
        let Some(before) = before else { return Ok(()) };
        let (name, line) = (
            format!("lambda${}${}", pick(&VERBS, rng.u64(..)), class.number % 10),
            rng.u32(20..900),
        );
        writeln!(
            self.text,
            "    1:1:void {outer}.{name}():{line}:{line} -> run\n    1:1:void run():0:0 -> run\n      # {SYNTHESIZED}"
        )?;
        self.site(class, "run", Printed::Line(1), rng, || vec![frame(&before, &name, line)]);
        Ok(())
    }

    /// An abstract method, or a native one.
    fn without_lines(&mut self, class: &Class, method: &Method) -> Written {
        let name = self.fresh(None);
        self.text.push_str("    ");
        self.signature(None, class, method)?;
        writeln!(self.text, " -> {name}")
    }

    /// A method with one position.
    fn all_lines(&mut self, class: &Class, method: &Method, rng: &mut Rng) -> Written {
        let (name, line) = (self.fresh(None), method.line);
        write!(self.text, "    {ALL_LINES}:")?;
        self.signature(None, class, method)?;
        writeln!(self.text, ":{line}:{line} -> {name}")?;
        // Without line numbers, Android prints how far into the method it was.
        let offset = rng.u32(1..200);
        self.site(class, &name, Printed::Offset(offset), rng, || {
            vec![frame(class, &method.name, line)]
        });
        Ok(())
    }

    /// A method that the compiler made, with the one that it is for inlined.
    fn accessor(&mut self, class: &Class, method: &Method, index: u64, rng: &mut Rng) -> Written {
        let (name, line) = (self.fresh(None), method.line);
        self.text.push_str("    1:1:");
        self.signature(None, class, method)?;
        write!(self.text, ":{line}:{line} -> {name}\n    1:1:")?;
        let made = Method { name: format!("access${index}00"), ..method.clone() };
        self.signature(None, class, &made)?;
        writeln!(self.text, ":0:0 -> {name}\n      # {SYNTHESIZED}")?;
        self.site(class, &name, Printed::Line(1), rng, || vec![frame(class, &method.name, line)]);
        Ok(())
    }

    fn method(&mut self, class: &Class, method: &Method, rng: &mut Rng) -> Written {
        let name = self.name(method, rng);
        let mut first = self.next_lines.get(&name).copied().flatten().unwrap_or(1);
        let mut line = method.line;
        loop {
            let width = if rng.bool() { 0 } else { rng.u32(1..7) };
            if rng.u8(..10) < 6 {
                self.inlined(class, method, &name, (first, width, line), rng)?;
            } else {
                self.plain(class, method, &name, (first, width, line), rng)?;
            }
            first += width + 1;
            line += width + rng.u32(1..4);
            if rng.bool() {
                break;
            }
        }
        self.next_lines.insert(name, Some(first));
        if rng.u8(..10) == 0 {
            self.residual(method)?;
        }
        Ok(())
    }

    /// Lines of the method's own.
    fn plain(
        &mut self,
        class: &Class,
        method: &Method,
        name: &str,
        (first, width, line): (u32, u32, u32),
        rng: &mut Rng,
    ) -> Written {
        write!(self.text, "    {first}:{}:", first + width)?;
        self.signature(None, class, method)?;
        writeln!(self.text, ":{line}:{} -> {name}", line + width)?;
        let at = rng.u32(..=width);
        self.site(class, name, Printed::Line(first + at), rng, || {
            vec![frame(class, &method.name, line + at)]
        });
        Ok(())
    }

    /// Lines of a method that was inlined, perhaps through others.
    fn inlined(
        &mut self,
        class: &Class,
        method: &Method,
        name: &str,
        (first, width, line): (u32, u32, u32),
        rng: &mut Rng,
    ) -> Written {
        let last = first + width;
        // Each depth is half as frequent as the one before.
        let depth = (1..MAX_INLINED).find(|_| rng.bool()).unwrap_or(MAX_INLINED);
        let mut frames: Vec<(Class, Method)> = Vec::new();
        for _ in 0..depth {
            let number = if rng.bool() { class.number } else { rng.u64(..self.inlined) };
            let inlined = Class::of(self.seed, number);
            let inlined = if inlined.kind == Kind::Synthetic { class.clone() } else { inlined };
            let method = inlined.method(self.seed, 1 + rng.u64(..INLINED_METHODS));
            frames.push((inlined, method));
        }
        for (index, (inlined, method)) in frames.iter().enumerate() {
            write!(self.text, "    {first}:{last}:")?;
            self.signature(Some(inlined), class, method)?;
            match index {
                0 => writeln!(self.text, ":{}:{} -> {name}", method.line, method.line + width)?,
                _ => writeln!(self.text, ":{} -> {name}", method.line)?,
            }
        }
        write!(self.text, "    {first}:{last}:")?;
        self.signature(None, class, method)?;
        writeln!(self.text, ":{line} -> {name}")?;
        let at = rng.u32(..=width);
        self.site(class, name, Printed::Line(first + at), rng, || {
            let inlined = frames.iter().enumerate();
            let inlined = inlined.map(|(index, (class, method))| {
                frame(class, &method.name, method.line + if index == 0 { at } else { 0 })
            });
            inlined.chain([frame(class, &method.name, line)]).collect()
        });
        Ok(())
    }

    /// The descriptor in the obfuscated program.
    fn residual(&mut self, method: &Method) -> Written {
        let mut descriptor = String::from("(");
        method.arguments.iter().for_each(|kind| kind.push_descriptor(&mut descriptor, self.seed));
        descriptor.push(')');
        match method.returns {
            Some(kind) => kind.push_descriptor(&mut descriptor, self.seed),
            None => descriptor.push('V'),
        }
        writeln!(
            self.text,
            "      # {{\"id\":\"com.android.tools.r8.residualsignature\",\"signature\":\"{descriptor}\"}}"
        )
    }

    /// A method of `of`, as `class` spells it, which is `of` if that is absent.
    fn signature(&mut self, of: Option<&Class>, class: &Class, method: &Method) -> Written {
        match method.returns {
            Some(kind) => kind.push_name(&mut self.text, self.seed),
            None => self.text.push_str("void"),
        }
        self.text.push(' ');
        if let Some(of) = of.filter(|of| of.number != class.number) {
            write!(self.text, "{}.", of.original)?;
        }
        write!(self.text, "{}(", method.name)?;
        for (index, kind) in method.arguments.iter().enumerate() {
            self.text.push_str(if index == 0 { "" } else { "," });
            kind.push_name(&mut self.text, self.seed);
        }
        self.text.push(')');
        Ok(())
    }

    /// The name in traces: the method's own, the one of the method before, or a new one.
    fn name(&mut self, method: &Method, rng: &mut Rng) -> String {
        let draw = rng.u8(..20);
        let last = self.names.checked_sub(1).map(short);
        let name = match (draw, last) {
            _ if method.name == "<init>" => method.name.clone(),
            (0..5, Some(last)) => last,
            (5..7, _) => method.name.clone(),
            _ => return self.fresh(Some(1)),
        };
        if self.next_lines.get(&name) == Some(&None) { self.fresh(Some(1)) } else { name }
    }

    /// A name that the class does not have yet, and the line that it begins with.
    fn fresh(&mut self, first: Option<u32>) -> String {
        loop {
            let name = short(self.names);
            self.names += 1;
            if !self.next_lines.contains_key(&name) {
                self.next_lines.insert(name.clone(), first);
                return name;
            }
        }
    }

    fn site(
        &mut self,
        class: &Class,
        method: &str,
        printed: Printed,
        rng: &mut Rng,
        original: impl FnOnce() -> Vec<String>,
    ) {
        if rng.u32(..1_000_000) < self.odds {
            let place = match printed {
                Printed::Line(line) => format!("SourceFile:{line}"),
                Printed::Offset(offset) => format!("Unknown Source:{offset}"),
            };
            self.sites.push(Site {
                obfuscated: format!("{}.{method}({place})", class.obfuscated),
                original: original(),
            });
        }
    }
}

const SYNTHESIZED: &str = "{\"id\":\"com.android.tools.r8.synthesized\"}";

/// What a trace has for a line.
#[derive(Clone, Copy)]
enum Printed {
    Line(u32),
    Offset(u32),
}

fn frame(class: &Class, method: &str, line: u32) -> String {
    format!("{}.{method}({}:{line})", class.original, class.file)
}

/// Two in most classes, many in few.
fn methods(rng: &mut Rng) -> u64 {
    let mut count = 2;
    while count < MAX_METHODS && rng.u8(..100) < 68 {
        count += 1 + count / 4;
    }
    count.min(MAX_METHODS)
}
