//! Where streams are cut, and what is too large, damaged or not all there yet.

use super::*;

fn cut(stream: &str) -> Vec<String> {
    let mut offset = 0;
    let reports = Reports::new(stream.as_bytes()).enumerate().map(|(index, report)| {
        let Report { number, offset: at, bytes } = report.unwrap();
        let text = String::from_utf8(bytes.unwrap()).unwrap();
        assert_eq!(number, index as u64 + 1);
        let at = usize::try_from(at).unwrap();
        assert!(at >= offset && stream[at..].starts_with(&text), "{text} at {at}");
        offset = at + text.len();
        text
    });
    reports.collect()
}

#[test]
fn documents() {
    assert_eq!(cut("{\"a\":1}\n{\"b\":2}\r\n\n{\"c\":3}"), ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"]);
    assert_eq!(
        cut("{\n \"a\": [\n  {\n  }\n ]\n}\n{\n}\n"),
        ["{\n \"a\": [\n  {\n  }\n ]\n}", "{\n}"]
    );
    // Without indentation.
    assert_eq!(cut("{\n\"a\":\n[\n{\n},\n{\n}\n]\n}\n"), ["{\n\"a\":\n[\n{\n},\n{\n}\n]\n}"]);
    assert_eq!(cut("\u{feff}{\"a\":1}"), ["\u{feff}{\"a\":1}"]);
    assert!(cut(" \n\n").is_empty());
}

#[test]
fn documents_on_one_line() {
    assert_eq!(
        cut("{\"a\":\"}{\"}{\"b\":2}{}\n{\"c\":3}"),
        ["{\"a\":\"}{\"}", "{\"b\":2}", "{}", "{\"c\":3}"]
    );
    assert_eq!(cut("{\"a\":\"}{\"}"), ["{\"a\":\"}{\"}"]);
    assert_eq!(cut("{}{\"a\":"), ["{}", "{\"a\":"]);
}

#[test]
fn a_truncated_line_costs_one_report() {
    assert_eq!(cut("{\"a\":\"x\n{\"b\":2}\n"), ["{\"a\":\"x", "{\"b\":2}"]);
    assert_eq!(cut("{\"a\":{\"x\":1}\n{\"b\":2}\n"), ["{\"a\":{\"x\":1}", "{\"b\":2}"]);
    // Where a value might follow, lines before it tell.
    assert_eq!(cut("{\"a\":1}\n{\"b\":[\n{\"c\":2}\n"), ["{\"a\":1}", "{\"b\":[", "{\"c\":2}"]);
}

#[test]
fn headers_and_bodies() {
    let ips = "{\"app_name\":\"x\",\"bug_type\":\"309\"}\n{\n\"threads\" : [\n{\n}]\n}";
    assert_eq!(cut(&format!("{ips}\n{ips}\n")), [ips, ips]);
    let text = "{\"app_name\":\"x\",\"bug_type\":\"109\"}\nIncident Identifier: 1\nThread 0:\n";
    assert_eq!(cut(&text.repeat(2)), [text; 2]);
}

#[test]
fn texts() {
    let tombstone = "*** *** *** ***\nBuild fingerprint: 'x'\nbacktrace:\n  #00 pc 0 /a\n";
    assert_eq!(
        cut(&format!("lead\n{tombstone}{tombstone}")),
        [format!("lead\n{tombstone}"), tombstone.to_owned()]
    );
    let without_rule = "Build fingerprint: 'x'\n #00 pc 0 /a\n";
    assert_eq!(cut(&without_rule.repeat(3)), [without_rule; 3]);
    let log = "01-26 10:05:11.123  1  1 E AndroidRuntime: FATAL EXCEPTION: main\n01-26 10:05:11.123  1  1 E AndroidRuntime: a.B: c\n";
    assert_eq!(cut(&log.repeat(2)), [log; 2]);
    assert_eq!(
        cut(&format!("{{\"a\":1}}\n{tombstone}{{\"b\":1}}\n")),
        ["{\"a\":1}", tombstone, "{\"b\":1}"]
    );
    let apple = "Incident Identifier: 1\nProcess: x\n\nExtra Information:\n{\n \"a\": 1\n}\n";
    assert_eq!(cut(&apple.repeat(2)), [apple; 2]);
}

#[test]
fn what_people_write_around_json() {
    assert_eq!(cut("It crashed:\n\n```json\n{\"a\":1}\n```\nThanks!\n"), ["{\"a\":1}"]);
    assert_eq!(cut("Oops\n{\"a\":1}\nbye\n"), ["Oops\n", "{\"a\":1}", "bye\n"]);
    assert_eq!(cut("{\"a\":1}\n```\n #1 0x1 in f\n"), ["{\"a\":1}", "```\n #1 0x1 in f\n"]);
    assert_eq!(cut("```\nnothing\n"), ["```\nnothing\n"]);
}

#[test]
fn what_is_too_large_costs_itself() {
    let blank = vec![b' '; MAX_REPORT_BYTES];
    let stream = [
        b"{\"a\":1}\n{\"b\":",
        &blank[..],
        b"1}\n{\"c\":1}\n{\n",
        &blank[..blank.len() / 2],
        b"\n",
        &blank,
        b"\n}\n{\n}\n",
    ]
    .concat();
    let sizes: Vec<Result<usize, CrashError>> = Reports::new(&stream[..])
        .map(|report| report.unwrap().bytes.map(|bytes| bytes.len()))
        .collect();
    let too_large = |bytes: usize| Err(CrashError::TooLarge { bytes: bytes as u64 });
    assert_eq!(
        sizes,
        [Ok(7), too_large(blank.len() + 8), Ok(7), too_large(blank.len() * 3 / 2 + 6), Ok(3)]
    );
}

#[test]
fn a_document_is_given_when_it_ends() {
    /// Gives a piece at a time, and fails when more is asked for than there is.
    struct Pipe(Vec<&'static [u8]>, usize);
    impl io::Read for Pipe {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let next =
                self.0.get(self.1).ok_or_else(|| io::Error::other("nothing has come yet"))?;
            self.1 += 1;
            into[..next.len()].copy_from_slice(next);
            Ok(next.len())
        }
    }
    for (pieces, want) in [
        (vec![&b"{\"a\":1}\n"[..]], vec!["{\"a\":1}"]),
        (
            vec![b"{\"a\":\"{\",", b"\"b\":[]}\n{\"c\":2}\n"],
            vec!["{\"a\":\"{\",\"b\":[]}", "{\"c\":2}"],
        ),
        (vec![b"{\n \"a\": {\n }\n}\n"], vec!["{\n \"a\": {\n }\n}"]),
        (vec![b"[\n {\"a\":1},\n {\"b\":2}\n"], vec!["{\"a\":1}", "{\"b\":2}"]),
    ] {
        let mut reports = Reports::new(io::BufReader::with_capacity(64, Pipe(pieces, 0)));
        for want in want {
            assert_eq!(reports.next().unwrap().unwrap().bytes.unwrap(), want.as_bytes());
        }
        assert!(reports.next().unwrap().is_err());
    }
}

#[test]
fn a_bad_line_costs_itself() {
    assert_eq!(cut("garbage\n{\"a\":1}\n{\"b\":2}\n"), ["garbage\n", "{\"a\":1}", "{\"b\":2}"]);
    assert_eq!(cut("{\"a\":1}\ngarbage\n"), ["{\"a\":1}", "garbage\n"]);
    assert_eq!(cut("{\"a\":1}\ngarbage\n{\"b\":2}"), ["{\"a\":1}", "garbage\n", "{\"b\":2}"]);
    assert_eq!(cut("{\"a\":[1,2\n{\"b\":2}\n"), ["{\"a\":[1,2", "{\"b\":2}"]);
}

#[test]
fn lists() {
    assert_eq!(cut("[{\"a\":1},{\"b\":[{}]}]"), ["{\"a\":1}", "{\"b\":[{}]}"]);
    assert_eq!(
        cut("[\n  {\n    \"a\": \"]\"\n  },\n  7,\n  {}\n]\n{\"c\":3}\n"),
        ["{\n    \"a\": \"]\"\n  }", "{}", "{\"c\":3}"]
    );
    // Cut off.
    assert_eq!(cut("[\n{\"a\":1},\n{\"b\":\n"), ["{\"a\":1}", "{\"b\":"]);
    // A list of nothing is one report, and no other line that begins so is a list.
    assert_eq!(cut("[]"), ["["]);
    assert_eq!(
        cut("[ 03-02 10:11:12.131  1: 1 E/x ]\n#00 pc 0 /a\n"),
        ["[ 03-02 10:11:12.131  1: 1 E/x ]\n#00 pc 0 /a\n"]
    );
    assert_eq!(cut("[\nx\n"), ["[\nx\n"]);
}

#[test]
fn envelopes() {
    let envelope = "{\"event_id\":\"1\"}\n{\"type\":\"attachment\",\"length\":13}\n{\"a\":1}\n*** *\n{\"type\":\"event\",\"length\":7}\n{\"x\":1}\n";
    assert_eq!(cut(&envelope.repeat(2)), [envelope; 2]);
    assert_eq!(
        cut(&format!("{envelope}{{\"event_id\":\"\",\"platform\":\"\"}}")),
        [envelope, "{\"event_id\":\"\",\"platform\":\"\"}"]
    );
    // An object of a few keys is a document like others.
    assert_eq!(
        cut("{\"event_id\":\"1\"}\n{\"event_id\":\"2\"}\n"),
        ["{\"event_id\":\"1\"}", "{\"event_id\":\"2\"}"]
    );
}

#[test]
fn reports_of_apple() {
    let json = "{\"app_name\":\"x\",\"bug_type\":\"309\"}\n{\n \"threads\" : [\n {\n }]\n}\n";
    let profile = "\nSystem Profile:\nModel: x,\n";
    let whole = format!("{json}{profile}");
    assert_eq!(cut(&whole.repeat(2)), [whole.trim_end(); 2]);
    let text = "Translated Report (Full Report Below)\n---\nProcess:  x [1]\n\nThread 0 Crashed:\n\n---\nFull Report\n---\n\n";
    let whole = format!("{text}{json}{profile}");
    assert_eq!(cut(&whole.repeat(2)), [whole.as_str(); 2]);
    let mac = "Process:   x [1]\nPath: y\nThread 0 Crashed:\n";
    assert_eq!(cut(&mac.repeat(2)), [mac; 2]);
    let ios = "Incident Identifier: 1\nProcess:   x [1]\n";
    assert_eq!(cut(&ios.repeat(2)), [ios; 2]);
}

#[test]
fn what_is_logged_at_once_stays_together() {
    let line = |pid: u32, tag: &str, text: &str| {
        format!("03-02 10:11:12.131  {pid}  {pid} F {tag}: {text}\n")
    };
    let (one, two) = (line(1, "DEBUG", "*** *** ***"), line(2, "DEBUG", "*** *** ***"));
    let mixed =
        format!("{one}{two}{}{}", line(1, "DEBUG", "#00 pc 0 /a"), line(2, "DEBUG", "#00 pc 0 /b"));
    assert_eq!(cut(&mixed), [mixed.as_str()]);
    // What comes much later was not logged at once.
    let noise = line(3, "noise", "x").repeat(5000);
    assert_eq!(cut(&format!("{mixed}{noise}{mixed}")), [format!("{mixed}{noise}"), mixed]);
}
