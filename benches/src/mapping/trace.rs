//! Writes traces with obfuscated names, and the same with those of the source.

use std::fmt::{Result as Written, Write};

use fastrand::Rng;

use super::body::Site;
use super::words::{MESSAGES, SYSTEM, THROWABLES};

/// Frames of the system at the end of a thread, in a trace of so many frames.
const FRAMES_TO_ONE_OF_SYSTEM: usize = 6;

/// A text and its truth.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// With obfuscated names.
    pub obfuscated: String,
    /// With those of the source, as R8's retrace prints it.
    pub original: String,
}

/// What traces are made of.
#[derive(Debug)]
pub struct World {
    /// In their order, the first come most often. At least one.
    pub sites: Vec<Site>,
    /// Classes that can be thrown: the names in traces and in the source.
    pub thrown: Vec<(String, String)>,
}

impl World {
    /// Appends one exception with `frames` frames.
    pub fn exception(&self, trace: &mut Trace, frames: usize, rng: &mut Rng) {
        // A string takes all that is written to it.
        let _ = self.stack(trace, "", frames, rng);
    }

    /// Appends exceptions, most of them with causes, until there are `frames` frames.
    pub fn exceptions(&self, trace: &mut Trace, mut frames: usize, rng: &mut Rng) {
        while frames > 0 {
            // As above.
            let _ = self.with_causes(trace, &mut frames, rng);
        }
    }

    fn with_causes(&self, trace: &mut Trace, frames: &mut usize, rng: &mut Rng) -> Written {
        let causes = [0, 1, 1, 2][rng.usize(..4)];
        for cause in 0..=causes {
            let count = rng.usize(8..40).min(*frames);
            if count > 0 {
                self.stack(trace, if cause > 0 { "Caused by: " } else { "" }, count, rng)?;
                if cause > 0 {
                    both(trace, &format!("\t... {} more\n", rng.u8(3..30)))?;
                }
            }
            *frames -= count;
        }
        both(trace, "\n")
    }

    fn stack(&self, trace: &mut Trace, prefix: &str, frames: usize, rng: &mut Rng) -> Written {
        let message = MESSAGES[rng.usize(..MESSAGES.len())];
        match rng.choice(&self.thrown).filter(|_| rng.u8(..3) == 0) {
            Some((obfuscated, original)) => {
                writeln!(trace.obfuscated, "{prefix}{obfuscated}: {message}")?;
                writeln!(trace.original, "{prefix}{original}: {message}")?;
            }
            None => both(
                trace,
                &format!("{prefix}{}: {message}\n", THROWABLES[rng.usize(..THROWABLES.len())]),
            )?,
        }
        let system = (frames / FRAMES_TO_ONE_OF_SYSTEM).min(SYSTEM.len());
        for _ in system..frames {
            let site =
                &self.sites[rng.usize(..self.sites.len()).min(rng.usize(..self.sites.len()))];
            writeln!(trace.obfuscated, "\tat {}", site.obfuscated)?;
            for frame in &site.original {
                writeln!(trace.original, "\tat {frame}")?;
            }
        }
        SYSTEM[SYSTEM.len() - system..]
            .iter()
            .try_for_each(|frame| both(trace, &format!("\tat {frame}\n")))
    }
}

fn both(trace: &mut Trace, text: &str) -> Written {
    trace.obfuscated.write_str(text)?;
    trace.original.write_str(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted() {
        let site = Site {
            obfuscated: "a.b.c(SourceFile:1)".into(),
            original: vec!["com.a.B.c(B.java:7)".into(), "com.a.B.d(B.java:9)".into()],
        };
        let world =
            World { sites: vec![site], thrown: vec![("a.x".into(), "com.a.Thrown".into())] };
        let mut rng = Rng::with_seed(1);
        let mut trace = Trace::default();
        world.exceptions(&mut trace, 5000, &mut rng);
        let frames =
            |text: &str, name: &str| text.lines().filter(|line| line.starts_with(name)).count();
        assert_eq!(frames(&trace.obfuscated, "\tat "), 5000);
        let ours = frames(&trace.obfuscated, "\tat a.b.c(");
        assert_eq!(
            (
                frames(&trace.original, "\tat com.a.B.c("),
                frames(&trace.original, "\tat com.a.B.d(")
            ),
            (ours, ours)
        );
        assert_eq!(
            frames(&trace.obfuscated, "Caused by: a.x: "),
            frames(&trace.original, "Caused by: com.a.Thrown: ")
        );
        assert!(frames(&trace.obfuscated, "Caused by: a.x: ") > 10 && ours > 4000);
        let mut trace = Trace::default();
        world.exception(&mut trace, 20, &mut rng);
        assert_eq!(
            (frames(&trace.obfuscated, "\tat "), trace.obfuscated.lines().count()),
            (20, 21)
        );
    }
}
