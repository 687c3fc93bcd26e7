//! Parses lines of rules into [`Rule`]s, and reports everything that is wrong with them.
//!
//! ```text
//! rule    = [ "[" matcher "]" "|" ] matcher+ [ "|" "[" matcher "]" ] action+ [ "#" comment ]
//! matcher = [ "!" ] name ":" ( "quoted" | word )
//! action  = [ "^" | "v" ] ( "+" | "-" ) ( "app" | "group" | "prefix" | "sentinel" ) | name "=" value
//! ```

mod cursor;

use crate::rules::error::RuleError;
use crate::rules::glob::{Glob, Style};
use crate::rules::rule::{Family, Field, Flag, Matcher, Of, Rule, Test};
use cursor::{Cursor, Wrong, first_word, wrong};

const MATCHERS: &str =
    "family, function, module, package, path, app, category, type, value, mechanism";

/// Patterns and categories get numbers, the same for equal ones.
pub trait Numbers {
    fn pattern(&mut self, field: Field, text: &str, glob: Glob) -> u32;
    fn category(&mut self, name: &str) -> u32;
}

/// Reads all lines of `text`; those that are wrong go to `errors`.
pub fn lines(
    source: usize,
    name: &str,
    text: &str,
    numbers: &mut impl Numbers,
    rules: &mut Vec<Rule>,
    errors: &mut Vec<RuleError>,
) {
    for (number, line) in (1..).zip(text.lines()) {
        let mut cursor = Cursor { line, at: 0 };
        cursor.blanks();
        if matches!(cursor.peek(), None | Some('#')) || (number == 1 && cursor.rest() == "\u{feff}")
        {
            continue;
        }
        match rule(&mut cursor, numbers) {
            Ok(rule) => rules.push(Rule { source, line: number, ..rule }),
            Err((at, fact, advice)) => {
                let column = line.char_indices().take_while(|(start, _)| *start < at).count() + 1;
                errors.push(RuleError {
                    source_name: name.to_owned(),
                    line: number,
                    column: u32::try_from(column).unwrap_or(u32::MAX),
                    fact,
                    advice,
                });
            }
        }
    }
}

const SIBLING: &str = "write `[ matcher ] | matcher` for what the caller is, `matcher | [ matcher ]` for what is called, with blanks between";

fn rule(cursor: &mut Cursor<'_>, numbers: &mut impl Numbers) -> Result<Rule, Wrong> {
    let start = cursor.at;
    let mut rule = Rule::default();
    if cursor.take('[') {
        rule.caller = Some(matcher(cursor, numbers)?);
        cursor.expect(']', SIBLING)?;
        cursor.expect('|', SIBLING)?;
    }
    matchers(cursor, numbers, &mut rule)?;
    if cursor.take('|') {
        cursor.expect('[', SIBLING)?;
        rule.callee = Some(matcher(cursor, numbers)?);
        cursor.expect(']', SIBLING)?;
    }
    let end = actions(cursor, numbers, &mut rule)?;
    for sibling in [&mut rule.caller, &mut rule.callee] {
        // An exception is the same for all frames.
        if let Some(matcher) =
            sibling.take_if(|matcher| matches!(matcher.test, Test::Exception(..)))
        {
            rule.exception.push(matcher);
        }
    }
    rule.text = cursor.line[start..end].trim_end().into();
    Ok(rule)
}

/// Reads the matchers of the frame itself.
fn matchers(
    cursor: &mut Cursor<'_>,
    numbers: &mut impl Numbers,
    rule: &mut Rule,
) -> Result<(), Wrong> {
    let mut count = 0;
    loop {
        cursor.blanks();
        match cursor.peek() {
            Some('|') | None => break,
            Some(_) if is_action(cursor.rest()) => break,
            Some('[') if rule.caller.is_some() || count > 0 => {
                return wrong(cursor.at, "`[` is not expected here", SIBLING);
            }
            Some('#') => break,
            Some(_) => {
                let matcher = matcher(cursor, numbers)?;
                count += 1;
                if matches!(matcher.test, Test::Exception(..)) {
                    rule.exception.push(matcher);
                } else {
                    rule.own.push(matcher);
                }
            }
        }
    }
    if count == 0 {
        return wrong(
            cursor.at,
            "the rule has no matcher",
            "begin with one, such as `family:native` or `function:foo*`",
        );
    }
    Ok(())
}

/// Reads the actions, to the end of the rule. Returns where that is.
fn actions(
    cursor: &mut Cursor<'_>,
    numbers: &mut impl Numbers,
    rule: &mut Rule,
) -> Result<usize, Wrong> {
    let mut has_action = false;
    let end = loop {
        cursor.blanks();
        let at = cursor.at;
        match cursor.peek() {
            None | Some('#') => break at,
            Some(_) if is_action(cursor.rest()) => action(cursor, numbers, rule)?,
            Some(_) if has_action && cursor.rest().contains(':') => {
                return wrong(
                    at,
                    "a matcher stands behind an action",
                    "write all matchers before the first action",
                );
            }
            Some(_) => {
                return wrong(at, format!("`{}` is no action", first_word(cursor.rest())), ACTIONS);
            }
        }
        has_action = true;
    };
    if !has_action {
        return wrong(end, "the rule has no action", ACTIONS);
    }
    Ok(end)
}

const ACTIONS: &str = "write +app, -app, +group or -group, perhaps with ^ or v before it, or category=NAME, max-frames=N, min-frames=N";

fn is_action(rest: &str) -> bool {
    let flag = rest.strip_prefix(['^', 'v']).unwrap_or(rest);
    let name = rest
        .trim_start_matches(|sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_'));
    flag.starts_with(['+', '-'])
        || rest.starts_with('^')
        || (name.len() < rest.len() && name.trim_start().starts_with('='))
}

fn matcher(cursor: &mut Cursor<'_>, numbers: &mut impl Numbers) -> Result<Matcher, Wrong> {
    cursor.blanks();
    let negated = cursor.take('!');
    let at = cursor.at;
    let is_quoted = cursor.take('"');
    let name = cursor.name();
    if is_quoted && !cursor.take('"') {
        return wrong(at, "the quoted name of a matcher has no end", "write `\"` behind it");
    }
    if name.is_empty() {
        return wrong(
            at,
            format!("`{}` is no matcher", first_word(cursor.rest())),
            format!("the matchers are {MATCHERS}"),
        );
    }
    if !cursor.take(':') {
        return wrong(
            at,
            format!("`{name}` is no matcher"),
            format!("write NAME:PATTERN without blanks; names are {MATCHERS}"),
        );
    }
    let value_at = cursor.at;
    let value = value(cursor)?;
    let test = test(name, &value, numbers).map_err(|(offset, fact, advice)| match offset {
        None => (at, fact, advice),
        Some(offset) => ((value_at + offset).min(cursor.line.len()), fact, advice),
    })?;
    Ok(Matcher { negated, test })
}

/// A pattern: a word, or text in quotes where `\"` and `\\` stand for `"` and `\`.
fn value(cursor: &mut Cursor<'_>) -> Result<String, Wrong> {
    let at = cursor.at;
    let mut value = String::new();
    if !cursor.take('"') {
        let word = first_word(cursor.rest());
        if word.is_empty() || cursor.rest().starts_with(char::is_whitespace) {
            return wrong(
                at,
                "the pattern is missing",
                "write it right behind the `:`, in quotes if it has blanks",
            );
        }
        cursor.at += word.len();
        return Ok(word.replace("\\\\", "\\"));
    }
    while let Some(sign) = cursor.peek() {
        cursor.at += sign.len_utf8();
        match sign {
            '"' => return Ok(value),
            '\\' if cursor.rest().starts_with(['"', '\\']) => {
                value.extend(cursor.peek());
                cursor.at += 1;
            }
            _ => value.push(sign),
        }
    }
    wrong(at, "the quoted pattern has no end", "write `\"` behind it, and `\\\"` for one within it")
}

/// At which byte of the pattern, or at its matcher's name.
type WrongValue = (Option<usize>, String, String);

fn test(name: &str, value: &str, numbers: &mut impl Numbers) -> Result<Test, WrongValue> {
    let glob = |style| {
        Glob::new(value, style)
            .map_err(|(at, fact, advice)| (Some(at), fact.to_owned(), advice.to_owned()))
    };
    let mut pattern = |field, style| Ok(Test::Pattern(numbers.pattern(field, value, glob(style)?)));
    match name {
        "stack.function" | "function" => pattern(Field::Function, Style::Function),
        "stack.module" | "module" => pattern(Field::Module, Style::Text),
        "stack.package" | "package" => pattern(Field::Package, Style::Path),
        "stack.abs_path" | "path" => pattern(Field::Path, Style::Path),
        "category" => Ok(Test::Category(glob(Style::Text)?)),
        "error.type" | "type" => Ok(Test::Exception(Of::Type, glob(Style::Text)?)),
        "error.value" | "value" => Ok(Test::Exception(Of::Value, glob(Style::Text)?)),
        "error.mechanism" | "mechanism" => Ok(Test::Exception(Of::Mechanism, glob(Style::Text)?)),
        "app" => match boolean(value) {
            Some(app) => Ok(Test::App(app)),
            None => Err((
                Some(0),
                format!("`{value}` is neither yes nor no"),
                "write app:yes or app:no".to_owned(),
            )),
        },
        "family" => families(value),
        _ => Err((
            None,
            format!("there is no matcher `{name}`"),
            format!("the matchers are {MATCHERS}"),
        )),
    }
}

fn families(value: &str) -> Result<Test, WrongValue> {
    let mut bits = 0;
    for family in value.split(',') {
        bits |= match family {
            "native" => Family::Native.bit(),
            "javascript" => Family::JavaScript.bit(),
            "other" => Family::Other.bit(),
            "all" => u8::MAX,
            _ => {
                let fact = format!("there is no family `{family}`");
                return Err((
                    Some(0),
                    fact,
                    "write native, javascript, other or all, with commas between; Java is other"
                        .to_owned(),
                ));
            }
        };
    }
    Ok(Test::Family(bits))
}

fn boolean(value: &str) -> Option<bool> {
    match value {
        "1" | "yes" | "true" => Some(true),
        "0" | "no" | "false" => Some(false),
        _ => None,
    }
}

fn action(
    cursor: &mut Cursor<'_>,
    numbers: &mut impl Numbers,
    rule: &mut Rule,
) -> Result<(), Wrong> {
    let at = cursor.at;
    let rest = cursor.rest();
    let is_flag =
        rest.starts_with(['^', '+', '-']) || rest.starts_with("v+") || rest.starts_with("v-");
    if !is_flag {
        return variable(cursor, numbers, rule);
    }
    let range = if cursor.take('^') {
        '^'
    } else if cursor.take('v') {
        'v'
    } else {
        ' '
    };
    let value = cursor.take('+');
    if !value && !cursor.take('-') {
        return wrong(at, format!("`{}` is no action", first_word(rest)), ACTIONS);
    }
    let name = cursor.name();
    let set = |flag: &mut Flag| match range {
        '^' => flag.up = Some(value),
        'v' => flag.down = Some(value),
        _ => flag.own = Some(value),
    };
    match name {
        "app" => set(&mut rule.app),
        "group" => set(&mut rule.group),
        "prefix" => rule.idle.push("prefix"),
        "sentinel" => rule.idle.push("sentinel"),
        _ => return wrong(at, format!("`{}` is no action", first_word(rest)), ACTIONS),
    }
    Ok(())
}

fn variable(
    cursor: &mut Cursor<'_>,
    numbers: &mut impl Numbers,
    rule: &mut Rule,
) -> Result<(), Wrong> {
    let at = cursor.at;
    let name = cursor.name();
    cursor.expect('=', ACTIONS)?;
    cursor.blanks();
    let value_at = cursor.at;
    let value = cursor.name();
    let number = || match value.parse::<u32>() {
        Ok(number) => Ok(Some(number)),
        Err(_) => wrong(
            value_at,
            format!("`{value}` is no number of frames"),
            format!("write {name}=N; 0 is for no limit"),
        ),
    };
    match name {
        "max-frames" => rule.max_frames = number()?,
        "min-frames" => rule.min_frames = number()?,
        "category" if !value.is_empty() => rule.category = Some(numbers.category(value)),
        "category" => {
            return wrong(
                value_at,
                "the category is missing",
                "write category=NAME, of letters, digits, `_`, `.` and `-`",
            );
        }
        "invert-stacktrace" if boolean(value).is_some() => rule.idle.push("invert-stacktrace"),
        "invert-stacktrace" => {
            return wrong(
                value_at,
                format!("`{value}` is neither yes nor no"),
                "write invert-stacktrace=yes or =no",
            );
        }
        _ => return wrong(at, format!("there is no variable `{name}`"), ACTIONS),
    }
    Ok(())
}
