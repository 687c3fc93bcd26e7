//! Rules: syntax and meaning. Stacks are written crash side first.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::time::Instant;

use symtool_grouping::rules::{
    By, ExceptionFacts, Family, FrameFacts, FrameMatches, Judged, Rules,
};

fn native(name: &str) -> FrameFacts<'_> {
    FrameFacts { function: Some(name), ..FrameFacts::default() }
}

fn judge(rules: &Rules, frames: &[FrameFacts<'_>]) -> Judged {
    let seen: Vec<FrameMatches> = frames.iter().map(|frame| rules.look(frame)).collect();
    rules.judge(&seen.iter().collect::<Vec<_>>(), None)
}

fn parse(text: &str) -> Rules {
    Rules::parse(text, "test").unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// `a` and `g` for what is in app and counts, for functions a, b, c, … from the crash side.
fn flags(text: &str, functions: &str) -> String {
    let names: Vec<String> = functions.chars().map(String::from).collect();
    let judged = judge(&parse(text), &names.iter().map(|name| native(name)).collect::<Vec<_>>());
    let flags = judged.frames.iter().map(|frame| {
        format!("{}{}", if frame.in_app { "a" } else { "-" }, if frame.counts { "g" } else { "-" })
    });
    flags.collect::<Vec<_>>().join(" ")
}

#[test]
fn flags_and_directions() {
    for (text, want) in [
        ("", "ag ag ag ag"),
        ("function:b -app", "ag -g ag ag"),
        ("function:b -group", "ag a- ag ag"),
        // ^ is towards the crash.
        ("function:c ^-app", "-g -g ag ag"),
        ("function:c ^-group -group", "a- a- a- ag"),
        // v is away from it.
        ("function:b v-app", "ag ag -g -g"),
        ("function:b v-group -app", "ag -g a- a-"),
        // The last rule has the last word.
        ("function:* -app\nfunction:c +app", "-g -g ag -g"),
        ("function:c +app\nfunction:* -app", "-g -g -g -g"),
        // Within one rule: v, else the frame's own action, else ^.
        ("function:[bd] +group ^-group", "a- ag a- ag"),
        ("function:[bd] +group v-group", "ag ag a- a-"),
        ("function:* -app ^+app", "-g -g -g -g"),
    ] {
        assert_eq!(flags(text, "abcd"), want, "{text}");
    }
}

#[test]
fn siblings() {
    for (text, want) in [
        // What the caller is: c is called by d.
        ("[ function:d ] | function:c -app", "ag ag -g ag"),
        ("[ function:a ] | function:c -app", "ag ag ag ag"),
        // What is called: c calls b.
        ("function:c | [ function:b ] -app", "ag ag -g ag"),
        ("[ function:c ] | function:b | [ function:a ] -app", "ag -g ag ag"),
        // There is nothing beyond the ends, not even something else.
        ("[ !function:x ] | function:* -app", "-g -g -g ag"),
        ("function:* | [ !function:x ] -app", "ag -g -g -g"),
        // All frames are asked before any is changed.
        ("function:b -app\nfunction:* | [ app:no ] -app", "ag -g -g ag"),
        ("function:b category=x\n[ category:x ] | function:* -group", "a- ag ag ag"),
    ] {
        assert_eq!(flags(text, "abcd"), want, "{text}");
    }
}

#[test]
fn app_and_category_can_be_asked() {
    for (text, want) in [
        ("app:yes -group", "a- a- a-"),
        ("app:no -group", "ag ag ag"),
        ("function:a -app\napp:no -group", "-- ag ag"),
        // Sentry's two rounds: what `app` ends up as decides, even for a rule that stands before.
        ("app:no -group\nfunction:a -app", "-- ag ag"),
        ("function:a category=sys\n!category:s* -app", "ag -g -g"),
        ("function:a category=sys\nfunction:a category=ui\ncategory:sys -app", "ag ag ag"),
    ] {
        assert_eq!(flags(text, "abc"), want, "{text}");
    }
}

#[test]
fn reports_and_defaults() {
    let rules = parse("function:x +app");
    let frame = |name, in_app| FrameFacts { in_app, ..native(name) };
    let judged =
        judge(&rules, &[frame("a", None), frame("a", Some(false)), frame("x", Some(false))]);
    let by: Vec<(bool, String)> =
        judged.frames.iter().map(|frame| (frame.in_app, rules.because(frame.in_app_by))).collect();
    assert_eq!(by[0], (true, "no rule".to_owned()));
    assert_eq!(by[1], (false, "no rule; the report says so".to_owned()));
    assert_eq!(by[2], (true, "test:1 function:x +app".to_owned()));
    assert_eq!(judged.frames[2].counts_by, By::Default);
}

#[test]
fn matchers() {
    let frame = FrameFacts {
        family: Family::Native,
        function: Some("void ns::f<int>(int)"),
        normal: Some("ns::f"),
        package: Some("C:\\App\\Bin\\My.dll"),
        module: Some("com.x.Foo"),
        path: Some("src/x/y.c"),
        in_app: None,
    };
    for (matcher, want) in [
        ("function:ns::f", true),
        ("stack.function:ns::*", true),
        ("function:\"void ns::f<int>(int)\"", true),
        ("function:NS::f", false),
        ("!function:ns::f", false),
        ("!function:x", true),
        ("package:c:/app/**", true),
        ("stack.package:**/my.DLL", true),
        ("package:**\\my.dll", true),
        ("package:my.dll", false),
        ("module:com.x.*", true),
        ("stack.module:COM.*", false),
        ("path:**/x/*.c", true),
        ("path:src/**", true),
        ("stack.abs_path:/src/**", true),
        ("path:**/*.h", false),
        ("family:native", true),
        ("family:other,javascript", false),
        ("family:all", true),
        ("!family:native", false),
        ("\"function\":ns::f", true),
        ("family:native function:ns::f package:**.dll", true),
        ("family:native function:ns::f package:**.exe", false),
    ] {
        let judged = judge(&parse(&format!("{matcher} -app")), &[frame]);
        assert_eq!(!judged.frames[0].in_app, want, "{matcher}");
    }
    // What is not there matches no pattern; a function that is not there is <unknown>.
    for (matcher, want) in
        [("package:*", false), ("!package:*", true), ("function:<unknown>", true)]
    {
        assert_eq!(
            !judge(&parse(&format!("{matcher} -app")), &[FrameFacts::default()]).frames[0].in_app,
            want,
            "{matcher}"
        );
    }
}

#[test]
fn exceptions() {
    let facts =
        ExceptionFacts { kind: Some("SIGSEGV"), value: Some("bad access"), mechanism: None };
    for (matcher, with, without) in [
        ("type:SIG*", true, false),
        ("error.type:SIG*", true, false),
        ("value:bad*", true, false),
        ("error.mechanism:<unknown>", true, true),
        ("!type:SIGABRT", true, true),
        ("[ type:SIG* ] | function:a", true, false),
    ] {
        let text = if matcher.starts_with('[') {
            format!("{matcher} -app")
        } else {
            format!("{matcher} function:a -app")
        };
        let rules = parse(&text);
        let seen = rules.look(&native("a"));
        assert_eq!(!rules.judge(&[&seen], Some(&facts)).frames[0].in_app, with, "{matcher}");
        assert_eq!(!rules.judge(&[&seen], None).frames[0].in_app, without, "{matcher}");
    }
}

#[test]
fn variables() {
    let rules = parse(
        "family:native max-frames=3 min-frames = 2\nfunction:b max-frames=5\nfunction:zz max-frames=9",
    );
    let judged = judge(&rules, &[native("a"), native("b")]);
    let max = judged.max_frames.unwrap();
    assert_eq!(
        (max.frames, rules.because(max.by)),
        (5, "test:2 function:b max-frames=5".to_owned())
    );
    assert_eq!(judged.min_frames.unwrap().frames, 2);
    assert!(judge(&rules, &[]).max_frames.is_none());
    let idle: Vec<_> = parse("family:all invert-stacktrace=yes +prefix\nfamily:all -app")
        .without_effect()
        .map(|(_, action)| action)
        .collect();
    assert_eq!(idle, ["invert-stacktrace", "prefix"]);
}

#[test]
fn comments_quotes_and_blanks() {
    let rules = parse(
        "# one\n\n   \t function:\"a \\\"b\\\\\"   -app  # why\r\n#function:x -app\nfunction:a#b -app",
    );
    assert_eq!(rules.len(), 2);
    let judged = judge(&rules, &[native("a \"b\\"), native("a#b"), native("x")]);
    // A \ at the end of a pattern is itself.
    assert_eq!(
        judged.frames.iter().map(|frame| frame.in_app).collect::<Vec<_>>(),
        [false, false, true]
    );
    assert_eq!(rules.because(judged.frames[0].in_app_by), "test:3 function:\"a \\\"b\\\\\"   -app");
}

/// The examples of `docs/rules.md`.
#[test]
fn examples() {
    let counting = |text: &str, frames: &[(&str, &str)]| -> Vec<(bool, bool)> {
        let rules = Rules::with_builtin(&[("mine", text)]).unwrap();
        let frames: Vec<FrameFacts<'_>> = frames
            .iter()
            .map(|(package, name)| FrameFacts { package: Some(package), ..native(name) })
            .collect();
        judge(&rules, &frames).frames.iter().map(|frame| (frame.in_app, frame.counts)).collect()
    };
    let ceph = "/usr/lib/ceph/libx.so";
    let got = counting(
        "package:/usr/lib/ceph/** +app\nfunction:ceph::__ceph_assert_fail -app -group ^-app ^-group",
        &[
            ("/usr/lib/libc.so.6", "abort"),
            (ceph, "ceph::__ceph_assert_fail"),
            (ceph, "BlueStore::_txc_add"),
            ("/usr/bin/osd", "main"),
        ],
    );
    assert_eq!(got, [(false, false), (false, false), (true, true), (true, true)]);
    let app = "/app/x";
    let got = counting(
        "function:app::*MainLoop::run -group v-group",
        &[(app, "app::draw"), (app, "app::LinuxMainLoop::run"), (app, "main")],
    );
    assert_eq!(got, [(true, true), (true, false), (true, false)]);
    let (engine, game) = ("/app/libengine.so", "/app/libgame.so");
    let got = counting(
        "package:**/libengine.so category=engine\n[ package:**/libgame.so ] | category:engine +group\n[ category:engine ] | category:engine -group",
        &[(engine, "a"), (engine, "b"), (engine, "c"), (game, "d")],
    );
    assert_eq!(
        got.iter().map(|(_, counts)| *counts).collect::<Vec<_>>(),
        [false, false, true, true]
    );
}

#[test]
fn errors_have_their_place() {
    for (line, column, fact) in [
        ("foo:bar -app", 1, "there is no matcher `foo`"),
        ("function:a foo:b -app", 12, "there is no matcher `foo`"),
        ("function -app", 1, "`function` is no matcher"),
        ("function: -app", 10, "the pattern is missing"),
        ("function:\"a -app", 10, "the quoted pattern has no end"),
        ("function:operator[] -app", 18, "a list of characters has no end"),
        ("function:a", 11, "the rule has no action"),
        ("function:a # -app", 12, "the rule has no action"),
        ("-app", 1, "the rule has no matcher"),
        ("function:a +foo", 12, "`+foo` is no action"),
        ("function:a ^app", 12, "`^app` is no action"),
        ("function:a -app package:b", 17, "a matcher stands behind an action"),
        ("function:a max-frames=x", 23, "`x` is no number of frames"),
        ("function:a max-frames=99999999999", 23, "`99999999999` is no number of frames"),
        ("function:a foo=1", 12, "there is no variable `foo`"),
        ("function:a category=", 21, "the category is missing"),
        ("function:a invert-stacktrace=7", 30, "`7` is neither yes nor no"),
        ("app:maybe -app", 5, "`maybe` is neither yes nor no"),
        ("family:java -app", 8, "there is no family `java`"),
        ("[ function:a | function:b -app", 14, "`]` is missing"),
        ("[ function:a ] function:b -app", 16, "`|` is missing"),
        ("function:a | function:b -app", 14, "`[` is missing"),
        ("function:a [ function:b ] -app", 12, "`[` is not expected here"),
        ("[ function:a ] | -app", 18, "the rule has no matcher"),
        ("function:ä bla -app", 12, "`bla` is no matcher"),
    ] {
        let errors = Rules::parse(&format!("# head\n{line}\n"), "my.txt").unwrap_err();
        assert_eq!(errors.len(), 1, "{line}");
        assert_eq!(
            (errors[0].line, errors[0].column, errors[0].fact.as_str()),
            (2, column, fact),
            "{line}"
        );
        assert!(
            !errors[0].advice.is_empty()
                && errors[0].to_string().starts_with(&format!("my.txt:2:{column}: "))
        );
    }
    let errors =
        Rules::with_builtin(&[("a.txt", "x\nfunction:a -app\ny"), ("b.txt", "z")]).unwrap_err();
    assert_eq!(
        errors.iter().map(|error| (error.source_name.as_str(), error.line)).collect::<Vec<_>>(),
        [("a.txt", 1), ("a.txt", 3), ("b.txt", 1)]
    );
    assert!(Rules::parse(&format!("function:{} -app", "x".repeat(2000)), "x").is_err());
    assert!(Rules::parse(&format!("function:{} -app", "*a".repeat(40)), "x").is_err());
}

#[test]
fn versions() {
    let version = |text: &str| parse(text).version();
    assert_eq!(version("function:a -app"), version("function:a -app"));
    assert_ne!(version("function:a -app"), version("function:a +app"));
    assert_ne!(
        Rules::builtin().version(),
        Rules::with_builtin(&[("u", "function:a -app")]).unwrap().version()
    );
}

#[test]
fn random_texts_are_read_or_refused() {
    let mut random = fastrand::Rng::with_seed(11);
    let words = [
        "function:",
        "[",
        "]",
        "|",
        " ",
        "!",
        "\"",
        "\\",
        "*",
        "**/",
        "?",
        "-app",
        "^-group",
        "v+app",
        "max-frames=",
        "9",
        "#",
        "\n",
        "é",
        "a",
        "family:native",
        "app:",
        "category=",
        "x",
        "package:/",
        "-[",
        "^",
        ":",
    ];
    let mut read = 0;
    for _ in 0..40_000 {
        let mut text = String::new();
        if random.bool() {
            text.push_str("function:a -app ");
            let at = random.usize(..text.len());
            text.insert_str(at, words[random.usize(..words.len())]);
        }
        (0..random.usize(..12)).for_each(|_| text.push_str(words[random.usize(..words.len())]));
        if let Ok(rules) = Rules::parse(&text, "random") {
            read += usize::from(!rules.is_empty());
            let judged = judge(
                &rules,
                &[native("a"), native(&text), FrameFacts { package: Some("/aé/b"), ..native("é") }],
            );
            assert_eq!(judged.frames.len(), 3);
        }
    }
    assert!(read > 200, "{read}");
}

#[test]
fn patterns_take_no_long_time() {
    let pattern = "**a*".repeat(16);
    let rules = parse(&format!("package:{pattern}x -app\nfunction:{}x -app", "*a".repeat(30)));
    let start = Instant::now();
    let long = "a".repeat(64 << 10);
    let _ = rules.look(&FrameFacts { package: Some(&long), ..native(&long) });
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn long_stacks() {
    let rules = Rules::builtin();
    let seen: Vec<FrameMatches> = ["abort", "std::f", "x", "__cxa_throw"]
        .into_iter()
        .map(|name| rules.look(&native(name)))
        .collect();
    let stack: Vec<&FrameMatches> = (0..262_144).map(|at| &seen[at % 4]).collect();
    let start = Instant::now();
    assert_eq!(rules.judge(&stack, None).frames.len(), stack.len());
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}
