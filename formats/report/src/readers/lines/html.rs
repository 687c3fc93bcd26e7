//! Decodes HTML entities such as `&lt;` in lines that were copied from web pages.

/// What stands for what.
const ENTITIES: [(&str, &str); 8] = [
    ("lt;", "<"),
    ("gt;", ">"),
    ("quot;", "\""),
    ("#39;", "'"),
    ("#x27;", "'"),
    ("nbsp;", " "),
    // A blank without width, which keeps `#1` from being taken for an issue.
    ("#8203;", ""),
    ("amp;", "&"),
];

/// `line` without entities, if it has any.
pub fn unescape(line: &str) -> Option<String> {
    let first = line
        .find('&')
        .filter(|at| entity(&line[at + 1..]).is_some() || line[at + 1..].contains('&'))?;
    let mut text = line[..first].to_owned();
    let mut rest = &line[first..];
    let mut has_any = false;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match entity(rest) {
            Some((name, meaning)) => {
                (has_any, rest) = (true, &rest[name.len()..]);
                text.push_str(meaning);
            }
            None => text.push('&'),
        }
    }
    text.push_str(rest);
    has_any.then_some(text)
}

fn entity(text: &str) -> Option<(&'static str, &'static str)> {
    ENTITIES.iter().find(|(name, _)| text.starts_with(name)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities() {
        for (line, text) in [
            ("f(std::vector&lt;int&gt; const&amp;)", "f(std::vector<int> const&)"),
            ("frame #&#8203;3: 0x1", "frame #3: 0x1"),
            ("a & b &amp;lt; c", "a & b &lt; c"),
        ] {
            assert_eq!(unescape(line).as_deref(), Some(text), "{line}");
        }
        for line in ["", "f(int const&)", "operator&&(A&, B&)", "a &", "&amp", "&lt"] {
            assert_eq!(unescape(line), None, "{line}");
        }
    }
}
