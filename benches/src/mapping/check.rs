//! Compares a retraced text with what was meant: how many lines are the same, or an error that
//! names the first that is not.
//!
//! symtool prints what R8's retrace prints. The proguard crate has rules of its own:
//!
//! - It indents frames by four blanks.
//! - It prints frames of methods that the compiler made, with line 0.
//! - Of an inlined class whose source file the mapping does not name, it takes the extension from
//!   the class around (`.kt` for `.java`).

use anyhow::{Result, bail};

use crate::check::Agreement;

/// Of 100 lines of the peer, this many must be the same, or explained by its rules.
const WANTED_PERCENT: usize = 95;

/// Compares what symtool printed with the truth: all of it must be the same.
///
/// # Errors
/// If a line is not.
pub fn symtool(truth: &str, answer: &str) -> Result<Agreement> {
    let (truth, answer) = (lines(truth), lines(answer));
    let agreement = compare("symtool", &truth, &answer, |_, _| false)?;
    match truth.iter().zip(&answer).position(|(truth, answer)| truth != answer) {
        Some(first) => bail!(
            "line {} has to be {:?}, but symtool retrace prints {:?}",
            first + 1,
            truth[first],
            answer[first]
        ),
        None => Ok(agreement),
    }
}

/// Compares what the proguard crate printed with the truth.
///
/// # Errors
/// If too few lines are the same, or explained by its rules.
pub fn proguard(truth: &str, answer: &str) -> Result<Agreement> {
    let truth: Vec<&str> = truth.lines().map(str::trim_start).collect();
    let answer: Vec<&str> =
        answer.lines().map(str::trim_start).filter(|line| !line.ends_with(":0)")).collect();
    let agreement = compare("proguard", &truth, &answer, |truth, answer| {
        truth == answer.replace(".kt:", ".java:")
    })?;
    if agreement.explained * 100 < agreement.asked * WANTED_PERCENT {
        bail!(
            "the proguard crate agrees with the truth in too little: {agreement}; see what retrace-peer prints"
        );
    }
    Ok(agreement)
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn compare(
    peer: &'static str,
    truth: &[&str],
    answer: &[&str],
    explains: impl Fn(&str, &str) -> bool,
) -> Result<Agreement> {
    if truth.len() != answer.len() {
        bail!("{peer} retraced to {} lines, not to {}", answer.len(), truth.len());
    }
    let mut agreement = Agreement { peer, same: 0, explained: 0, asked: truth.len() };
    for (truth, answer) in truth.iter().zip(answer) {
        agreement.same += usize::from(truth == answer);
        agreement.explained += usize::from(truth == answer || explains(truth, answer));
    }
    Ok(agreement)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUTH: &str = "a.B: text\n\tat a.C.d(C.java:7)\n\tat a.E.f(E.kt:9)\n";

    #[test]
    fn symtool_has_to_be_right_to_the_byte() -> Result<()> {
        assert_eq!(symtool(TRUTH, TRUTH)?.same, 3);
        for (answer, want) in [
            (
                TRUTH.replace(":9", ":8"),
                "line 3 has to be \"\\tat a.E.f(E.kt:9)\\n\", but symtool retrace prints \"\\tat a.E.f(E.kt:8)\\n\"",
            ),
            (TRUTH.trim_end().to_owned(), "line 3 has to be"),
            (format!("{TRUTH}\n"), "symtool retraced to 4 lines, not to 3"),
            (String::new(), "symtool retraced to 0 lines, not to 3"),
        ] {
            let error = symtool(TRUTH, &answer).expect_err("not the same").to_string();
            assert!(error.starts_with(want), "{error}");
        }
        Ok(())
    }

    #[test]
    fn proguard_is_explained_by_its_rules_only() -> Result<()> {
        let answer =
            "a.B: text\n    at a.C.d(C.java:7)\n    at a.C.made(C.java:0)\n    at a.E.f(E.kt:9)\n";
        assert_eq!(
            proguard(TRUTH, answer)?,
            Agreement { peer: "proguard", same: 3, explained: 3, asked: 3 }
        );
        let answer = answer.replace("C.java:7", "C.kt:7");
        assert_eq!(
            proguard(TRUTH, &answer)?,
            Agreement { peer: "proguard", same: 2, explained: 3, asked: 3 }
        );
        assert!(proguard(TRUTH, &answer.replace("E.kt", "E.java")).is_err());
        assert!(proguard(TRUTH, &answer.replace(":7", ":8")).is_err());
        Ok(())
    }
}
