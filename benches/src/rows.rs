//! Prints the measures of a generated file as lines of text or a JSON object. Ratios first; seconds
//! and rates too, as some of them have an aim.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::check::Agreement;
use crate::report::{Times, rounded};

/// Version of the JSON object's shape.
/// 1: the first.
const JSON_VERSION: u32 = 1;

/// The outcome of a part.
#[derive(Debug)]
pub struct Rows {
    /// `mappings` or `crashes`.
    pub part: &'static str,
    /// What was generated.
    pub what: String,
    /// Rounds of the run.
    pub rounds: usize,
    /// How far the answers are right.
    pub agreements: Vec<Agreement>,
    /// The measures.
    pub measures: Vec<Row>,
}

/// symtool against peers in one measure.
#[derive(Debug)]
pub struct Row {
    /// The measure, and cores symtool had.
    pub of: String,
    /// By peer, symtool's time over the peer's; or, if [`Row::a_second`] is there, what it does in
    /// a second over what the peer does.
    pub ratios: Vec<(&'static str, f64)>,
    /// symtool's time.
    pub time: Duration,
    /// What it does in a second.
    pub a_second: Option<Rate>,
    /// What is wanted.
    pub aim: Option<&'static str>,
    /// Whether ratios are of times.
    pub less_is_faster: bool,
}

/// How many of something in a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// How many.
    pub count: f64,
    /// Of what.
    pub unit: &'static str,
}

impl Rate {
    /// Of `count` things in `time`.
    #[expect(clippy::cast_precision_loss, reason = "there are less things than a double can count")]
    pub fn of(count: usize, unit: &'static str, time: Duration) -> Self {
        Self { count: count as f64 / time.as_secs_f64(), unit }
    }
}

impl Rows {
    /// One object:
    /// `{"version":1,"part":"mappings","what":…,"rounds":3,"same_answers":[{"peer":"proguard","asked":200,"same":190,"explained":198}],
    ///   "rows":[{"of":"retrace 20 frames -j1","ratios":{"proguard (index built)":0.003},"seconds":0.02,"aim":"0.030 s"}]}`,
    /// with `a_second` and `unit` where something is counted.
    pub fn to_json(&self) -> Value {
        let row = |row: &Row| {
            let ratios: serde_json::Map<String, Value> = row
                .ratios
                .iter()
                .map(|(peer, ratio)| ((*peer).to_owned(), rounded(*ratio).into()))
                .collect();
            let mut value =
                json!({"of": row.of, "ratios": ratios, "seconds": rounded(row.time.as_secs_f64())});
            if let Some(Rate { count, unit }) = row.a_second {
                value["a_second"] = count.round().into();
                value["unit"] = unit.into();
            }
            if let Some(aim) = row.aim {
                value["aim"] = aim.into();
            }
            value
        };
        let agreement = |Agreement { peer, same, explained, asked }: &Agreement| json!({"peer": peer, "asked": asked, "same": same, "explained": explained});
        json!({
            "version": JSON_VERSION,
            "part": self.part,
            "what": self.what,
            "rounds": self.rounds,
            "same_answers": self.agreements.iter().map(agreement).collect::<Vec<_>>(),
            "rows": self.measures.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, what, rounds, agreements, measures } = self;
        write!(f, "{part} (--rounds {rounds}): {what}")?;
        for (index, agreement) in agreements.iter().enumerate() {
            write!(f, "{} {agreement}", if index == 0 { "; as the truth says:" } else { "," })?;
        }
        for Row { of, ratios, time, a_second, aim, less_is_faster } in measures {
            write!(f, "\n{of}:")?;
            for (index, (peer, ratio)) in ratios.iter().enumerate() {
                write!(f, "{} {} {peer}", if index == 0 { "" } else { "," }, Times(*ratio))?;
            }
            write!(
                f,
                "; {} is faster; {:.3} s",
                if *less_is_faster { "less" } else { "more" },
                time.as_secs_f64()
            )?;
            if let Some(Rate { count, unit }) = a_second {
                write!(f, ", {count:.0} {unit}/s")?;
            }
            if let Some(aim) = aim {
                write!(f, " (aim: {aim})")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows {
        let time = Duration::from_millis(20);
        Rows {
            part: "mappings",
            what: "100 MB".to_owned(),
            rounds: 3,
            agreements: vec![
                Agreement { peer: "symtool", same: 200, explained: 200, asked: 200 },
                Agreement { peer: "proguard", same: 190, explained: 200, asked: 200 },
            ],
            measures: vec![
                Row {
                    of: "retrace 20 frames -j1".to_owned(),
                    ratios: vec![
                        ("proguard (index built)", 0.0031),
                        ("proguard (index kept)", 2.5),
                    ],
                    time,
                    a_second: None,
                    aim: Some("0.030 s"),
                    less_is_faster: true,
                },
                Row {
                    of: "retrace 10000 frames -j1".to_owned(),
                    ratios: vec![("proguard (index built)", 40.0)],
                    time,
                    a_second: Some(Rate::of(10_000, "frames", time)),
                    aim: None,
                    less_is_faster: false,
                },
            ],
        }
    }

    #[test]
    fn lines_say_what_is_compared_with_what() {
        let want = "\
mappings (--rounds 3): 100 MB; as the truth says: symtool 100.0 %, proguard 95.0 % (100.0 % by its own rules)
retrace 20 frames -j1: 0.003 x proguard (index built), 2.50 x proguard (index kept); less is faster; 0.020 s (aim: 0.030 s)
retrace 10000 frames -j1: 40.0 x proguard (index built); more is faster; 0.020 s, 500000 frames/s";
        assert_eq!(rows().to_string(), want);
    }

    #[test]
    fn json_has_a_version() {
        let want = json!({
            "version": 1, "part": "mappings", "what": "100 MB", "rounds": 3,
            "same_answers": [
                {"peer": "symtool", "asked": 200, "same": 200, "explained": 200},
                {"peer": "proguard", "asked": 200, "same": 190, "explained": 200},
            ],
            "rows": [
                {"of": "retrace 20 frames -j1", "ratios": {"proguard (index built)": 0.003, "proguard (index kept)": 2.5},
                 "seconds": 0.02, "aim": "0.030 s"},
                {"of": "retrace 10000 frames -j1", "ratios": {"proguard (index built)": 40.0}, "seconds": 0.02,
                 "a_second": 500_000.0, "unit": "frames"},
            ],
        });
        assert_eq!(rows().to_json(), want);
    }
}
